"""Monthly click partitions, and the triggers that tell web processes that a link's facts changed."""

from django.db import migrations

# Half-open months in UTC. The bounds are the first 48 bits of a click ID: milliseconds since 1970.
# Rows that went to the default partition meanwhile (a clock far off, a late import) move along.
FUNCTIONS = """
CREATE FUNCTION tracking_click_bound(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION tracking_make_click_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    starts timestamptz := date_trunc('month', first_day::timestamp) AT TIME ZONE 'UTC';
    ends timestamptz;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(20527, 0);
    WHILE starts <= (last_day::timestamp AT TIME ZONE 'UTC') LOOP
        ends := ((starts AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        name := 'tracking_click_' || to_char(starts AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
        IF to_regclass(name) IS NULL THEN
            LOCK TABLE tracking_click_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE %I (LIKE tracking_click INCLUDING DEFAULTS)', name);
            EXECUTE format(
                'WITH moved AS (DELETE FROM tracking_click_default WHERE id >= $1 AND id < $2 RETURNING *) '
                'INSERT INTO %I SELECT * FROM moved', name
            ) USING tracking_click_bound(starts), tracking_click_bound(ends);
            EXECUTE format(
                'ALTER TABLE tracking_click ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, tracking_click_bound(starts), tracking_click_bound(ends)
            );
            made := made + 1;
        END IF;
        starts := ends;
    END LOOP;
    RETURN made;
END $$;

SELECT tracking_make_click_partitions((now() - interval '3 months')::date, (now() + interval '3 months')::date);

CREATE FUNCTION tracking_notify_links_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('links_changed', TG_TABLE_NAME);
    RETURN NULL;
END $$;
"""

WATCHED = (
    "affiliates_affiliate",
    "affiliates_advertiser",
    "affiliates_offer",
    "affiliates_offerdestination",
    "affiliates_enrollment",
    "affiliates_trackingdomain",
    "tracking_trackinglink",
)

TRIGGERS = "".join(
    f"CREATE TRIGGER links_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION tracking_notify_links_changed();\n"
    for table in WATCHED
)
NO_TRIGGERS = "".join(f"DROP TRIGGER links_changed ON {table};\n" for table in WATCHED)
NO_FUNCTIONS = """
DROP FUNCTION tracking_notify_links_changed();
DROP FUNCTION tracking_make_click_partitions(date, date);
DROP FUNCTION tracking_click_bound(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
