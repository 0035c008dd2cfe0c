"""Triggers that notify every process when a row changes that processes keep in memory."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION conversions_notify_terms_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('terms_changed', TG_TABLE_NAME);
    RETURN NULL;
END $$;
"""

WATCHED = (
    "affiliates_affiliate",
    "affiliates_advertiser",
    "affiliates_advertisersecret",
    "affiliates_offer",
    "affiliates_enrollment",
    "tracking_trackinglink",
    "conversions_goal",
    "conversions_qualificationrule",
    "conversions_riskpolicy",
    "conversions_sendermapping",
)

TRIGGERS = "".join(
    f"CREATE TRIGGER terms_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION conversions_notify_terms_changed();\n"
    for table in WATCHED
)
NO_TRIGGERS = "".join(f"DROP TRIGGER terms_changed ON {table};\n" for table in WATCHED)
NO_FUNCTION = "DROP FUNCTION conversions_notify_terms_changed();"


class Migration(migrations.Migration):
    dependencies = [("conversions", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, NO_FUNCTION),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
