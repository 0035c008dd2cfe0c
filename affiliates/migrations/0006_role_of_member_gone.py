"""A member has roles instead of one role."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("affiliates", "0005_roles_of_people")]

    operations = [migrations.RemoveField(model_name="affiliatemember", name="role")]
