"""Contradictions to what was counted, kept for a person to decide."""

from collections.abc import Iterable
from datetime import datetime

from conversions.intake.case import Case, Outcome
from conversions.models import ConflictReview
from conversions.reasons.codes import Reason


def keep_conflicts(cases: Iterable[Case], *, now: datetime) -> None:
    """Put what contradicts a conversion before a person, once however often it is sent; no query where nothing does."""
    found = [case for case in cases if case.conversion and case.reason == Reason.TRANSACTION_CONFLICT]
    if not found:
        return
    ConflictReview.objects.bulk_create(
        (
            ConflictReview(
                conversion=case.conversion,
                postback=case.postback,
                fingerprint=case.event.fingerprint,
                opened_at=now,
            )
            for case in found
            if case.outcome == Outcome.CONFLICT
        ),
        ignore_conflicts=True,
    )
