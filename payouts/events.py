"""The events of accounts, statements, payouts and terms, and the triggers that write them (`records.events`)."""

from records.events.writing import on_insert, on_update

KINDS = {
    "commission.booked": "A line of commission in an account; a reversal has an amount below zero.",
    "adjustment.booked": "An adjustment by hand in an account.",
    "payment.booked": "A payment left an account.",
    "fee.booked": "A payout's fee was kept back from an account.",
    "returned.booked": "A payment that came back, in an account again.",
    "vat.booked": "The VAT of an invoice or credit note in an account.",
    "statement.issued": "A period of an account was closed.",
    "invoice.issued": "An invoice or credit note was issued in an affiliate's name.",
    "payout.created": "A statement made money due.",
    "payout.sent": "A payout went out in a batch's file.",
    "payout.paid": "A payout was paid.",
    "payout.failed": "A payout could not be sent or was refused; it is due again.",
    "payout.returned": "A paid payout came back.",
    "terms.proposed": "Affiliates were asked for their consent to a draft of terms.",
    "terms.accepted": "An affiliate agreed to a draft of terms.",
    "terms.declined": "An affiliate declined a draft of terms.",
    "terms.withdrawn": "A draft of terms was withdrawn.",
    "terms.published": "A version of a commission plan was published.",
}

entry_booked = on_insert(
    "entry_booked_event",
    """
    SELECT CASE kind WHEN 'reversal' THEN 'commission' ELSE kind END || '.booked', id, affiliate_id,
           jsonb_strip_nulls(jsonb_build_object(
               'kind', kind, 'sequence', sequence, 'amount', trim_scale(amount)::text, 'currency', currency,
               'conversion', conversion_id, 'clicks', clicks_id, 'payout', payout_id))
    FROM new_rows ORDER BY affiliate_id, sequence
    """,
)
statement_issued = on_insert(
    "statement_issued_event",
    """
    SELECT 'statement.issued', id, affiliate_id, jsonb_build_object(
        'number', number, 'closing', trim_scale(closing)::text, 'currency', currency, 'ends_at', ends_at)
    FROM new_rows ORDER BY id
    """,
)
invoice_issued = on_insert(
    "invoice_issued_event",
    """
    SELECT 'invoice.issued', id, affiliate_id, jsonb_build_object(
        'kind', kind, 'number', number, 'gross', trim_scale(gross)::text, 'currency', currency)
    FROM new_rows ORDER BY id
    """,
)
payout_created = on_insert(
    "payout_created_event",
    """
    SELECT 'payout.created', id, affiliate_id,
           jsonb_build_object('amount', trim_scale(amount)::text, 'currency', currency, 'statement', statement_id)
    FROM new_rows ORDER BY id
    """,
)
payout_changed = on_update(
    "payout_changed_event",
    """
    SELECT 'payout.' || CASE WHEN n.status <> o.status THEN n.status ELSE 'failed' END, n.id, n.affiliate_id,
           jsonb_build_object('amount', trim_scale(n.amount)::text, 'currency', n.currency,
                              'reference', n.reference, 'failure', n.failure)
    FROM new_rows n JOIN old_rows o USING (id)
    WHERE n.status <> o.status OR n.failure <> '' AND n.failure <> o.failure ORDER BY n.id
    """,
)
payout_sent = on_insert(
    "payout_sent_event",
    """
    SELECT 'payout.sent', n.payout_id, p.affiliate_id, jsonb_build_object(
        'batch', n.batch_id, 'reference', n.reference, 'amount', trim_scale(n.amount)::text, 'currency', n.currency)
    FROM new_rows n JOIN payouts_payout p ON p.id = n.payout_id ORDER BY n.id
    """,
)
terms_published = on_insert(
    "terms_published_event",
    """
    SELECT 'terms.published', n.id, p.affiliate_id,
           jsonb_build_object('plan', n.plan_id, 'number', n.number, 'effective_from', n.effective_from)
    FROM new_rows n JOIN payouts_commissionplan p ON p.id = n.plan_id ORDER BY n.id
    """,
)
# The subject of the events of a draft is the draft.
terms_changed = on_update(
    "terms_changed_event",
    """
    SELECT CASE WHEN n.state = o.state THEN 'terms.proposed' ELSE 'terms.withdrawn' END, n.id, p.affiliate_id,
           jsonb_build_object('plan', n.plan_id, 'effective_from', n.effective_from)
    FROM new_rows n JOIN old_rows o USING (id) JOIN payouts_commissionplan p ON p.id = n.plan_id
    WHERE n.state <> o.state AND n.state = 'withdrawn' OR n.state = o.state AND n.asked_at IS DISTINCT FROM o.asked_at
    ORDER BY n.id
    """,
)
terms_answered = on_insert(
    "terms_answered_event",
    """
    SELECT 'terms.' || answer, draft_id, affiliate_id, jsonb_build_object('source', source)
    FROM new_rows ORDER BY id
    """,
)
