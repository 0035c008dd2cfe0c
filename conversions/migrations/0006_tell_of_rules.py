"""Rules and risk policies are kept in memory as well: a change of them is told."""

from django.db import migrations

WATCHED = ("conversions_qualificationrule", "conversions_riskpolicy")
TRIGGERS = "".join(
    f"CREATE TRIGGER terms_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION conversions_notify_terms_changed();\n"
    for table in WATCHED
)
NO_TRIGGERS = "".join(f"DROP TRIGGER terms_changed ON {table};\n" for table in WATCHED)


class Migration(migrations.Migration):
    dependencies = [
        ("conversions", "0005_conversion_by_goal"),
        ("conversions", "0003_terms_changed"),
    ]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
