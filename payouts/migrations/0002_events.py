"""Triggers that write the events."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
        ("payouts", "0001_initial"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="draftversion",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_changed_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT CASE WHEN n.state = o.state THEN 'terms.proposed' ELSE 'terms.withdrawn' END, n.id, p.affiliate_id, jsonb_build_object('plan', n.plan_id, 'effective_from', n.effective_from) FROM new_rows n JOIN old_rows o USING (id) JOIN payouts_commissionplan p ON p.id = n.plan_id WHERE n.state <> o.state AND n.state = 'withdrawn' OR n.state = o.state AND n.asked_at IS DISTINCT FROM o.asked_at ORDER BY n.id; RETURN NULL;",
                    hash="2cf32ce9e1aaf00336fbaff4da71346cfe01f4be",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_terms_changed_event_b3a84",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="payouts_draftversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="invoice_issued_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'invoice.issued', id, affiliate_id, jsonb_build_object( 'kind', kind, 'number', number, 'gross', trim_scale(gross)::text, 'currency', currency) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="73c2bd1a0cfc570b590f6a0fd14c521070c774f9",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_invoice_issued_event_370f8",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_invoice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="entry_booked_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT CASE kind WHEN 'reversal' THEN 'commission' ELSE kind END || '.booked', id, affiliate_id, jsonb_strip_nulls(jsonb_build_object( 'kind', kind, 'sequence', sequence, 'amount', trim_scale(amount)::text, 'currency', currency, 'conversion', conversion_id, 'clicks', clicks_id, 'payout', payout_id)) FROM new_rows ORDER BY affiliate_id, sequence; RETURN NULL;",
                    hash="a01a477d382a5733384020313b868eba6d0a493d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_entry_booked_event_a4c2c",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_ledgerentry",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payout",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_created_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'payout.created', id, affiliate_id, jsonb_build_object('amount', trim_scale(amount)::text, 'currency', currency, 'statement', statement_id) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="1d75a28179e6dfb97500c85ea09a8d91058972b7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_payout_created_event_b18a2",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_payout",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payout",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_changed_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'payout.' || CASE WHEN n.status <> o.status THEN n.status ELSE 'failed' END, n.id, n.affiliate_id, jsonb_build_object('amount', trim_scale(n.amount)::text, 'currency', n.currency, 'reference', n.reference, 'failure', n.failure) FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status OR n.failure <> '' AND n.failure <> o.failure ORDER BY n.id; RETURN NULL;",
                    hash="3200bc83d036ab16b9b8284cfd90697c93df3db0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_changed_event_e6d9e",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="payouts_payout",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="planconsent",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_answered_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'terms.' || answer, draft_id, affiliate_id, jsonb_build_object('source', source) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="8e336133d481743ba74f3852a41b111a50c57b34",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_terms_answered_event_9e255",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_planconsent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="planversion",
            trigger=pgtrigger.compiler.Trigger(
                name="terms_published_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'terms.published', n.id, p.affiliate_id, jsonb_build_object('plan', n.plan_id, 'number', n.number, 'effective_from', n.effective_from) FROM new_rows n JOIN payouts_commissionplan p ON p.id = n.plan_id ORDER BY n.id; RETURN NULL;",
                    hash="3d7c924c0d80eab45452af915ada502fc00eac4b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_terms_published_event_71217",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_planversion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sentline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_sent_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'payout.sent', n.payout_id, p.affiliate_id, jsonb_build_object( 'batch', n.batch_id, 'reference', n.reference, 'amount', trim_scale(n.amount)::text, 'currency', n.currency) FROM new_rows n JOIN payouts_payout p ON p.id = n.payout_id ORDER BY n.id; RETURN NULL;",
                    hash="75fff69641024814bfd626f161895514eea237fc",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_payout_sent_event_6815e",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_sentline",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="statement",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_issued_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'statement.issued', id, affiliate_id, jsonb_build_object( 'number', number, 'closing', trim_scale(closing)::text, 'currency', currency, 'ends_at', ends_at) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="e5507b9eaab843e8a9aa852d60eecfc442604fbe",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_statement_issued_event_0148b",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="payouts_statement",
                    when="AFTER",
                ),
            ),
        ),
    ]
