"""The events of conversions and appeals, and the triggers that write them (`records.events`)."""

from records.events.writing import on_insert, on_update

KINDS = {
    "conversion.created": "A conversion was credited to an affiliate. `status` may be approved or rejected at once.",
    "conversion.approved": "A conversion was approved after it was created.",
    "conversion.rejected": "A conversion was rejected after it was created.",
    "conversion.pending": "A rejected conversion waits again, after a correction.",
    "conversion.updated": "A later postback corrected facts of a conversion: `before` and `after`.",
    "conversion.refunded": "The customer got all or a part of the revenue back.",
    "appeal.opened": "An affiliate appealed against a rejection.",
    "appeal.upheld": "An appeal was upheld.",
    "appeal.dismissed": "An appeal was dismissed.",
}

conversion_created = on_insert(
    "conversion_created_event",
    """
    SELECT 'conversion.created', id, affiliate_id, jsonb_build_object(
        'status', status, 'reason', reason, 'goal', goal_id, 'revenue', trim_scale(revenue)::text,
        'currency', currency, 'is_test', is_test)
    FROM new_rows ORDER BY id
    """,
)
# The first status change of a conversion says what its creation says.
status_changed = on_insert(
    "status_changed_event",
    """
    SELECT 'conversion.' || n.to_status, n.conversion_id, c.affiliate_id,
           jsonb_build_object('from', n.from_status, 'to', n.to_status, 'reason', n.reason, 'source', n.source)
    FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id
    WHERE n.from_status <> '' ORDER BY n.id
    """,
)
conversion_updated = on_insert(
    "conversion_updated_event",
    """
    SELECT 'conversion.updated', n.conversion_id, c.affiliate_id,
           jsonb_build_object('before', n.before, 'after', n.after)
    FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.id
    """,
)
conversion_refunded = on_insert(
    "conversion_refunded_event",
    """
    SELECT 'conversion.refunded', n.conversion_id, c.affiliate_id, jsonb_build_object(
        'refund', n.id, 'amount', trim_scale(n.amount)::text, 'currency', c.currency)
    FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.id
    """,
)
appeal_opened = on_insert(
    "appeal_opened_event",
    """
    SELECT 'appeal.opened', n.conversion_id, c.affiliate_id, jsonb_build_object('due_at', n.due_at)
    FROM new_rows n JOIN conversions_conversion c ON c.id = n.conversion_id ORDER BY n.conversion_id
    """,
)
appeal_resolved = on_update(
    "appeal_resolved_event",
    """
    SELECT 'appeal.' || n.state, n.conversion_id, c.affiliate_id, jsonb_build_object('note', n.note)
    FROM new_rows n JOIN old_rows o USING (conversion_id)
         JOIN conversions_conversion c ON c.id = n.conversion_id
    WHERE n.state <> o.state ORDER BY n.conversion_id
    """,
)
