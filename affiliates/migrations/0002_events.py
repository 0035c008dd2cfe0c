"""Triggers that write the events."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
        ("affiliates", "0001_initial"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="affiliate",
            trigger=pgtrigger.compiler.Trigger(
                name="affiliate_created_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'affiliate.created', id, id, jsonb_build_object('status', status) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="ddad7237fa212d6c262a3d837ff27f0bd3d74faa",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_affiliate_created_event_99436",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="affiliates_affiliate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="affiliate",
            trigger=pgtrigger.compiler.Trigger(
                name="affiliate_changed_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'affiliate.' || CASE n.status WHEN 'active' THEN 'activated' ELSE n.status END, n.id, n.id, jsonb_build_object('from', o.status, 'to', n.status, 'note', n.status_note) FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status ORDER BY n.id; RETURN NULL;",
                    hash="8aeed6d5f5041e24d3df8e409b7b3c2b3e680344",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_affiliate_changed_event_557d3",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="affiliates_affiliate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="enrollment_created_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'enrollment.created', id, affiliate_id, jsonb_build_object('offer', offer_id, 'status', status) FROM new_rows ORDER BY id; RETURN NULL;",
                    hash="9153493d9cf8b55eb081d044c143e1915b5e8484",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_enrollment_created_event_09f48",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="affiliates_enrollment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="enrollment_changed_event",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO records_event (kind, subject_id, affiliate_id, data) SELECT 'enrollment.' || n.status, n.id, n.affiliate_id, jsonb_build_object('offer', n.offer_id, 'from', o.status, 'to', n.status, 'note', n.note) FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status ORDER BY n.id; RETURN NULL;",
                    hash="1641509954c524c62e4453bb31f81529eae1cc8b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_enrollment_changed_event_4b95e",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="affiliates_enrollment",
                    when="AFTER",
                ),
            ),
        ),
    ]
