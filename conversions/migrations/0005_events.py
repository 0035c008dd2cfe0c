"""Triggers that write the events."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
        ("conversions", "0004_fewer_indexes"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="appeal",
            trigger=pgtrigger.compiler.Trigger(
                name="appeal_opened_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'appeal.opened', n.conversion_id, c.affiliate_id, jsonb_build_object('due_at', n.due_at) FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.conversion_id; RETURN NULL;",
                    hash="2ecd69cfc1ce329ff5ea8b72bf37377ed004d714",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_appeal_opened_event_cef4f",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="conversions_appeal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="appeal",
            trigger=pgtrigger.compiler.Trigger(
                name="appeal_resolved_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'appeal.' || n.state, n.conversion_id, c.affiliate_id, jsonb_build_object('note', n.note) FROM new_rows n JOIN old_rows o USING (conversion_id) JOIN conversions_conversion c ON c.id = n.conversion_id WHERE n.state <> o.state ORDER BY n.conversion_id; RETURN NULL;",
                    hash="5d345181ee8574e31bdb336dfcad0611bd59d777",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_appeal_resolved_event_b2e01",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="conversions_appeal",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conversion",
            trigger=pgtrigger.compiler.Trigger(
                name="conversion_created_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'conversion.created', id, affiliate_id, jsonb_build_object( 'status', status, 'reason', reason, 'goal', goal_id, 'revenue', trim_scale(revenue)::text, 'currency', currency, 'is_test', is_test) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="e289e974e2f25a979ed9633e820b2afcdc33b455",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_conversion_created_event_a50d2",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="conversions_conversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="correction",
            trigger=pgtrigger.compiler.Trigger(
                name="conversion_updated_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'conversion.updated', n.conversion_id, c.affiliate_id, jsonb_build_object('before', n.before, 'after', n.after) FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.id; RETURN NULL;",
                    hash="bab42a0162b96f072678b7a1f5c922665476eaf6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_conversion_updated_event_660bd",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="conversions_correction",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="conversion_refunded_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'conversion.refunded', n.conversion_id, c.affiliate_id, jsonb_build_object( 'refund', n.id, 'amount', trim_scale(n.amount)::text, 'currency', c.currency) FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.id; RETURN NULL;",
                    hash="e5c17e54eef62ae64993822a38275a7d8140a146",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_conversion_refunded_event_07629",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="conversions_refund",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="statuschange",
            trigger=pgtrigger.compiler.Trigger(
                name="status_changed_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'conversion.' || n.to_status, n.conversion_id, c.affiliate_id, jsonb_build_object('from', n.from_status, 'to', n.to_status, 'reason', n.reason, 'source', n.source) FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id WHERE n.from_status <> '' ORDER BY n.id; RETURN NULL;",
                    hash="fc37fb24548ff78977eaae91e14c8ef51edd6803",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_status_changed_event_baff9",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="conversions_statuschange",
                    when="AFTER",
                ),
            ),
        ),
    ]
