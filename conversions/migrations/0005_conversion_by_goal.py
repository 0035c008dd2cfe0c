from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the others: on a large table the index is built without holding up postbacks."""

    atomic = False

    dependencies = [
        ("conversions", "0004_qualification_and_risk"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="conversion",
            index=models.Index(fields=["goal", "received_at"], name="conversion_by_goal"),
        ),
    ]
