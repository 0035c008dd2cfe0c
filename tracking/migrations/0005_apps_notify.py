"""A trigger that notifies web processes when the apps change that their association files name."""

from django.db import migrations

TRIGGER = (
    "CREATE TRIGGER links_changed AFTER INSERT OR UPDATE OR DELETE ON affiliates_mobileapp "
    "FOR EACH STATEMENT EXECUTE FUNCTION tracking_notify_links_changed()"
)


class Migration(migrations.Migration):
    dependencies = [("tracking", "0004_consent"), ("affiliates", "0003_apps")]

    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER links_changed ON affiliates_mobileapp")]
