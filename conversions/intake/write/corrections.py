"""Write corrected facts, and the new decision, into the conversions that a rule had rejected."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conversions.intake.case import Case, Rejected
from conversions.intake.judge import pixels
from conversions.models import Conversion, Correction, StatusChange
from conversions.reasons.codes import Reason
from records.bulk_rows import insert, new, update

Status = Conversion.Status
_WRITTEN = (
    "link", "customer", "click_id", "evidence", "reported_by", "transaction_id", "dedupe_key", "is_test", "revenue",
    "volume", "deductions", "payout", "extras", "currency", "status", "reason", "occurred_at", "approve_at",
    "booked_at",
)  # fmt: skip


def write_corrections(cases: Sequence[tuple[Case, Rejected, dict[str, Any]]], *, now: datetime) -> None:
    """Write the rows of these cases; three statements for the batch.

    Each case comes with the conversion that it corrects and the fields that a new conversion would have.
    """
    for case, rejected, fields in cases:
        case.conversion = row = rejected.row
        is_pixels = row.reported_by == pixels.PIXEL
        fields["dedupe_key"] = case.dedupe_key if is_pixels else row.dedupe_key
        fields["transaction_id"] = case.event.transaction_id or row.transaction_id
        fields["is_test"] = row.is_test or case.is_test
        fields["reason"] = Reason.CORRECTED if case.verdict == Status.APPROVED else case.verdict_reason
        for name in _WRITTEN:
            setattr(row, name, fields.get(name))
    update([rejected.row for _, rejected, _ in cases], _WRITTEN)
    corrections = insert(_correction(case, rejected, now) for case, rejected, _ in cases)
    insert(
        new(
            StatusChange,
            conversion=row.conversion,
            from_status=Status.REJECTED,
            to_status=case.verdict,
            reason=Reason.CORRECTED,
            # The affiliate sees this: names of the changed fields, without revenue or customer.
            note=f"Corrected: {', '.join(name for name, _, _ in row.changes)}."[:250],
            source=StatusChange.Source.POSTBACK,
            postback=case.postback,
            at=now,
        )
        for (case, _, _), row in zip(cases, corrections, strict=True)
        if case.verdict != Status.REJECTED
    )


def _correction(case: Case, rejected: Rejected, now: datetime) -> Correction:
    before, after = rejected.first_sent, rejected.first_sent | rejected.resent
    return new(Correction, conversion=rejected.row, postback=case.postback, before=before, after=after, at=now)
