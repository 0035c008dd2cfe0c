"""Monthly partitions of the event table: made ahead of time, and dropped when they are old and read by all."""

from django.db import migrations

# Partitions are made and dropped by functions of the table's owner: the application's own role need not own it.
PARTITIONS = r"""
CREATE FUNCTION records_make_event_partitions(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    starts timestamptz := date_trunc('month', first_day::timestamp) AT TIME ZONE 'UTC';
    ends timestamptz;
    name text;
    made integer := 0;
BEGIN
    IF first_day IS NULL OR last_day IS NULL OR last_day - first_day > 3660 THEN
        RAISE EXCEPTION 'Partitions are made for at most ten years at once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(20530, 0);
    WHILE starts <= (last_day::timestamp AT TIME ZONE 'UTC') LOOP
        ends := ((starts AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        name := 'records_event_' || to_char(starts AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
        IF to_regclass(format('%I.%I', current_schema(), name)) IS NULL THEN
            LOCK TABLE records_event_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE %I.%I (LIKE records_event INCLUDING DEFAULTS)', current_schema(), name);
            -- Rows that went to the default partition meanwhile move along; they do not change.
            ALTER TABLE records_event_default DISABLE TRIGGER USER;
            EXECUTE format(
                'WITH moved AS (DELETE FROM records_event_default WHERE at >= $1 AND at < $2 RETURNING *) '
                'INSERT INTO %I SELECT * FROM moved', name
            ) USING starts, ends;
            ALTER TABLE records_event_default ENABLE TRIGGER USER;
            EXECUTE format(
                'ALTER TABLE records_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, starts, ends
            );
            made := made + 1;
        END IF;
        starts := ends;
    END LOOP;
    RETURN made;
END $$;

-- The months that ended before the day, as long as every reader has read them; returns the names of those dropped.
CREATE FUNCTION records_drop_event_partitions(before date) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month record;
    unread boolean;
    dropped text[] := '{}';
BEGIN
    IF before IS NULL OR before > (now() - interval '1 month')::date THEN
        RAISE EXCEPTION 'Events of the last month stay' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(20530, 0);
    FOR month IN
        SELECT c.oid::regclass AS part, c.relname AS name
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'records_event'::regclass AND c.relname ~ '_y[0-9]{4}m[0-9]{2}$'
          AND to_date(right(c.relname, 8), '"y"YYYY"m"MM') + interval '1 month' <= before
        ORDER BY c.relname
    LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM records_eventcursor WHERE event_id < (SELECT max(id) FROM %s))', month.part
        ) INTO unread;
        CONTINUE WHEN unread;
        EXECUTE format('DROP TABLE %s', month.part);
        dropped := dropped || month.name::text;
    END LOOP;
    RETURN dropped;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'records_make_event_partitions(date, date)', 'records_drop_event_partitions(date)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;

SELECT records_make_event_partitions(now()::date, (now() + interval '92 days')::date);
"""
NO_PARTITIONS = """
DROP FUNCTION records_drop_event_partitions(date);
DROP FUNCTION records_make_event_partitions(date, date);
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [migrations.RunSQL(PARTITIONS, NO_PARTITIONS)]
