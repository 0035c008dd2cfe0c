"""The events of affiliates and enrollments, and the triggers that write them (`records.events`)."""

from records.events.writing import on_insert, on_update

KINDS = {
    "affiliate.created": "An affiliate was added or has applied. `status` is its first one.",
    "affiliate.activated": "An affiliate may send visitors and is paid, for the first time or again.",
    "affiliate.suspended": "An affiliate was suspended.",
    "affiliate.closed": "An affiliate's account was closed.",
    "affiliate.pending": "An affiliate has to be approved again.",
    "enrollment.created": "An affiliate applied to an offer or was added to it. `status` is the first one.",
    "enrollment.approved": "An affiliate may promote the offer.",
    "enrollment.rejected": "An application to an offer was rejected.",
    "enrollment.blocked": "An affiliate may no longer promote the offer.",
    "enrollment.pending": "An enrollment has to be decided again.",
}

affiliate_created = on_insert(
    "affiliate_created_event",
    """SELECT 'affiliate.created', id, id, jsonb_build_object('status', status) FROM new_rows ORDER BY id""",
)
affiliate_changed = on_update(
    "affiliate_changed_event",
    """
    SELECT 'affiliate.' || CASE n.status WHEN 'active' THEN 'activated' ELSE n.status END, n.id, n.id,
           jsonb_build_object('from', o.status, 'to', n.status, 'note', n.status_note)
    FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status ORDER BY n.id
    """,
)
enrollment_created = on_insert(
    "enrollment_created_event",
    """
    SELECT 'enrollment.created', id, affiliate_id, jsonb_build_object('offer', offer_id, 'status', status)
    FROM new_rows ORDER BY id
    """,
)
enrollment_changed = on_update(
    "enrollment_changed_event",
    """
    SELECT 'enrollment.' || n.status, n.id, n.affiliate_id,
           jsonb_build_object('offer', n.offer_id, 'from', o.status, 'to', n.status, 'note', n.note)
    FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status ORDER BY n.id
    """,
)
