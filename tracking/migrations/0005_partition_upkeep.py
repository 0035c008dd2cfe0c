"""Upkeep of click partitions by functions of the tables' owner: the application's own role need not own anything.

Each looks at partitions of the click table alone, and runs with a search path that a caller cannot change.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION tracking_click_month(name text) RETURNS regclass
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found regclass;
BEGIN
    SELECT i.inhrelid::regclass INTO found
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'tracking_click'::regclass AND c.relname = name
      AND (name = 'tracking_click_default' OR name ~ '^tracking_click_y[0-9]{4}m[0-9]{2}$');
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

CREATE OR REPLACE FUNCTION tracking_make_click_partitions(first_day date, last_day date) RETURNS integer
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
    PERFORM pg_advisory_xact_lock(hashtext('tracking_make_click_partitions'));
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

-- Who is not the owner drops months that ended a month ago at least.
CREATE FUNCTION tracking_drop_click_partition(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month regclass := tracking_click_month(name);
    ends date;
BEGIN
    IF name = 'tracking_click_default' THEN
        RAISE EXCEPTION 'The default partition stays' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    ends := (to_date(substr(name, 17, 4) || substr(name, 22, 2), 'YYYYMM') + interval '1 month')::date;
    IF ends > (now() AT TIME ZONE 'UTC' - interval '1 month')::date AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION '% ended less than a month ago', name USING ERRCODE = 'insufficient_privilege';
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
"""
# The first version of the function that makes partitions is good for what is left when these are gone.
NO_FUNCTIONS = """
DROP FUNCTION tracking_index_click_partition(text);
DROP FUNCTION tracking_drop_click_partition(text);
ALTER FUNCTION tracking_make_click_partitions(date, date) SECURITY INVOKER;
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0004_test_links_and_legacy_click_ids")]

    operations = [migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS)]
