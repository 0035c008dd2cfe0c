"""Conflicts with counted conversions, stored for an operator to decide."""

from conversions.intake.case import Judged, Outcome
from conversions.models import ConflictReview
from conversions.reasons.codes import Reason


def open_conflicts(judged: Judged) -> None:
    """Open a conflict for each contradiction, once however often it is sent. No query where there is none."""
    found = [case for case in judged.cases if case.conversion and case.reason == Reason.TRANSACTION_CONFLICT]
    if not found:
        return
    ConflictReview.objects.bulk_create(
        (
            ConflictReview(
                conversion=case.conversion,
                postback=case.postback,
                fingerprint=case.event.fingerprint,
                opened_at=judged.now,
            )
            for case in found
            if case.outcome == Outcome.CONFLICT
        ),
        ignore_conflicts=True,
    )
