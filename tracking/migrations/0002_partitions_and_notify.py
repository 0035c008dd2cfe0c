"""Monthly click partitions, and the triggers that notify web processes when the facts of a link change.

Partitions are made, indexed and dropped by functions of the tables' owner, so the application's own role need not own
them. Each looks at partitions of the click table alone, and runs with a search path that a caller cannot change.
"""

from django.db import migrations

# Half-open months in UTC. The bounds are the first 48 bits of a click ID: milliseconds since 1970.
# Rows that went to the default partition meanwhile (a clock far off, a late import) move along.
FUNCTIONS = r"""
CREATE FUNCTION tracking_click_bound(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION tracking_click_month(name text) RETURNS regclass
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found regclass;
BEGIN
    SELECT i.inhrelid::regclass INTO found
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'tracking_click'::regclass AND c.relname = name;
    IF found IS NULL THEN
        RAISE EXCEPTION '% is no partition of clicks', name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN found;
END $$;

-- What may be done with the click table may be done with its months; rows of a month are never deleted.
CREATE FUNCTION tracking_share_click_month(month regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    shared record;
BEGIN
    FOR shared IN
        SELECT a.grantee::regrole AS grantee, string_agg(a.privilege_type, ', ') AS rights
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = 'tracking_click'::regclass AND a.grantee <> 0 AND a.grantee <> c.relowner
        GROUP BY a.grantee
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s', shared.rights, month, shared.grantee);
    END LOOP;
END $$;

CREATE FUNCTION tracking_make_click_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    starts timestamptz := date_trunc('month', first_day::timestamp) AT TIME ZONE 'UTC';
    ends timestamptz;
    name text;
    made integer := 0;
BEGIN
    IF first_day IS NULL OR last_day IS NULL OR last_day - first_day > 36600 THEN
        RAISE EXCEPTION 'Partitions are made for at most a hundred years at once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(20527, 0);
    WHILE starts <= (last_day::timestamp AT TIME ZONE 'UTC') LOOP
        ends := ((starts AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        name := 'tracking_click_' || to_char(starts AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = current_schema()::regnamespace) THEN
            LOCK TABLE tracking_click_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE %I.%I (LIKE tracking_click INCLUDING DEFAULTS)', current_schema(), name);
            EXECUTE format(
                'WITH moved AS (DELETE FROM tracking_click_default WHERE id >= $1 AND id < $2 RETURNING *) '
                'INSERT INTO %I SELECT * FROM moved', name
            ) USING tracking_click_bound(starts), tracking_click_bound(ends);
            EXECUTE format(
                'ALTER TABLE tracking_click ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, tracking_click_bound(starts), tracking_click_bound(ends)
            );
            PERFORM tracking_share_click_month(name::regclass);
            made := made + 1;
        END IF;
        starts := ends;
    END LOOP;
    RETURN made;
END $$;

-- Who is not the owner drops partitions whose last click is a month old at least, by the bounds that they have.
CREATE FUNCTION tracking_drop_click_partition(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month regclass := tracking_click_month(name);
    ends uuid;
BEGIN
    SELECT substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''([0-9a-f-]{36})''\)$')::uuid INTO ends
    FROM pg_class WHERE oid = month;
    IF ends IS NULL THEN
        RAISE EXCEPTION '% has no end, so it stays', name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF ends > tracking_click_bound(now() - interval '1 month') AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION '% is also for clicks of the last month', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %s', month);
END $$;

CREATE FUNCTION tracking_index_click_partition(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month regclass := tracking_click_month(name);
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I.%I', current_schema(), name || '_personal');
    EXECUTE format(
        'CREATE INDEX %I ON %s (clicked_at, id) WHERE '
        '(ip IS NOT NULL OR user_agent <> '''' OR referrer <> '''' OR visitor IS NOT NULL)',
        name || '_personal', month
    );
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'tracking_click_bound(timestamptz)', 'tracking_click_month(text)', 'tracking_share_click_month(regclass)',
        'tracking_make_click_partitions(date, date)', 'tracking_drop_click_partition(text)',
        'tracking_index_click_partition(text)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
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
NO_FUNCTIONS = r"""
DROP FUNCTION tracking_notify_links_changed();
DROP FUNCTION tracking_index_click_partition(text);
DROP FUNCTION tracking_drop_click_partition(text);
DROP FUNCTION tracking_make_click_partitions(date, date);
DROP FUNCTION tracking_share_click_month(regclass);
DROP FUNCTION tracking_click_month(text);
DROP FUNCTION tracking_click_bound(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
