"""The event table, with the functions that number its rows and say which are final."""

import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# A default partition takes rows whose month has no partition yet, so that a worker that is down for months stops
# nothing. The sequence must give one number at a time (CACHE 1): numbers held back by a session would be passed over.
TABLE = """
CREATE SEQUENCE records_event_id_seq AS bigint CACHE 1;

-- 20529 is Lock.EVENT_WRITERS. The lock is taken once in a transaction, before its first number; it and the setting that
-- says so end together, with the transaction or with the savepoint.
CREATE FUNCTION records_next_event() RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('affidavit.writes_events', true), '') = '' THEN
        PERFORM pg_advisory_xact_lock_shared(
            20529, ((CASE WHEN is_called THEN last_value + 1 ELSE last_value END) % 2147483648)::integer
        ) FROM records_event_id_seq;
        PERFORM set_config('affidavit.writes_events', 'yes', true);
    END IF;
    RETURN nextval('records_event_id_seq');
END $$;

CREATE TABLE records_event (
    id bigint NOT NULL DEFAULT records_next_event(),
    kind varchar(40) NOT NULL,
    subject_id bigint NOT NULL,
    affiliate_id bigint NULL,
    at timestamptz NOT NULL DEFAULT now(),
    data jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE records_event_id_seq OWNED BY records_event.id;
CREATE TABLE records_event_default PARTITION OF records_event DEFAULT;
CREATE INDEX event_by_subject ON records_event (kind, subject_id);

-- The order matters: the last number given is read first. A transaction that took a number up to it has its lock by
-- then, or has ended, and then its rows are visible to the next statement. Keys are numbers modulo 2^31; one that
-- seems far behind is just ahead of the last number.
CREATE FUNCTION records_event_horizon() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    latest bigint;
    open_since bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Events are read in a transaction that is READ COMMITTED, this one is %',
            upper(current_setting('transaction_isolation')) USING ERRCODE = 'invalid_transaction_state';
    END IF;
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO latest FROM records_event_id_seq;
    SELECT min(latest + 1 - behind) INTO open_since
    FROM (
        SELECT ((latest + 1 - objid::bigint) % 2147483648 + 2147483648) % 2147483648 AS behind
        FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 20529 AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS held
    WHERE behind < 1073741824;
    RETURN least(latest, open_since - 1);
END $$;
"""
NO_TABLE = """
DROP TABLE records_event;
DROP FUNCTION records_event_horizon();
DROP FUNCTION records_next_event();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EventCursor",
            fields=[
                ("reader", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField()),
                ("moved_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("kind", models.CharField(max_length=40)),
                        ("subject_id", models.BigIntegerField()),
                        ("affiliate_id", models.BigIntegerField(null=True)),
                        ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("data", models.JSONField(db_default={}, default=dict)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [models.Index(fields=["kind", "subject_id"], name="event_by_subject")],
                    },
                ),
            ],
            database_operations=[migrations.RunSQL(TABLE, NO_TABLE)],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="event_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="33391ad746c956fdadb9bfd841fcc3cfb8a0ea29",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_event_append_only_b6348",
                    table="records_event",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="event",
            trigger=pgtrigger.compiler.Trigger(
                name="event_append_only_whole",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                    hash="7777cf76c53b192e51f855b06b8f0e8e01ce0cec",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_event_append_only_whole_62d39",
                    table="records_event",
                    when="BEFORE",
                ),
            ),
        ),
    ]
