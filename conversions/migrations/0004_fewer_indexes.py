"""Drop the indexes that no query needs: each costs every postback, once or twice.

The first are on columns that a constraint or another index begins with; the others serve searches by the beginning of
an ID, which nothing does. The statements are written out: Django would also check every foreign key again.
"""

import django.db.models.deletion
from django.db import migrations, models

KEYS = (
    (
        "conversion",
        "advertiser",
        "affiliates.advertiser",
        "conversions",
        "conversions_conversion_advertiser_id_1e883c5f",
    ),
    ("conversion", "affiliate", "affiliates.affiliate", "conversions", "conversions_conversion_affiliate_id_0343ea69"),
    ("conversion", "customer", "conversions.customer", "conversions", "conversions_conversion_customer_id_928ee618"),
    ("conversion", "goal", "conversions.goal", "conversions", "conversions_conversion_goal_id_ed1ede1d"),
    ("customer", "advertiser", "affiliates.advertiser", "customers", "conversions_customer_advertiser_id_e1a502b7"),
    ("customerlock", "customer", "conversions.customer", "locks", "conversions_customerlock_customer_id_0b5b24a0"),
    ("touch", "customer", "conversions.customer", "touches", "conversions_touch_customer_id_065bbf67"),
)
BEGINNINGS = (
    ("conversion", "public_id", "conversions_conversion_public_id_7791e2fc_like"),
    ("conversion", "transaction_id", "conversions_conversion_transaction_id_f3494e18_like"),
    ("postback", "public_id", "conversions_postback_public_id_2502ee92_like"),
    ("postback", "transaction_id", "conversions_postback_transaction_id_58015d5a_like"),
)


def without_index(model, name, to, related_name):
    fields = {"null": True} if (model, name) == ("conversion", "customer") else {}
    key = models.ForeignKey(
        to=to, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, db_index=False, **fields
    )
    return migrations.AlterField(model, name, key)


class Migration(migrations.Migration):
    dependencies = [("conversions", "0003_postback_event")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[without_index(*key) for *key, _ in KEYS],
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {index}", f"CREATE INDEX {index} ON conversions_{model} ({name}_id)"
                )
                for model, name, _, _, index in KEYS
            ],
        ),
        *(
            migrations.RunSQL(
                f"DROP INDEX IF EXISTS {index}",
                f"CREATE INDEX {index} ON conversions_{model} ({name} varchar_pattern_ops)",
            )
            for model, name, index in BEGINNINGS
        ),
    ]
