"""What a pending conversion is on hold for, who decides and until when, in words: for pages and the API."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from conversions.models import Conversion
from conversions.reasons.codes import Reason
from conversions.risk.words import words_for_affiliates

# Who decides a review, as affiliates see it: a role, no person.
REVIEWER = "An operator"

# Fetch these with conversions whose holds are shown.
HOLDS = ("qualification_wait", "risk_review__owner")


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """One reason for a hold.

    `rule` is for affiliates. `text` is for operators: it names revenue, points and limits.
    """

    rule: str
    text: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold; `until` is its end or the date to decide a review, `owner` is empty for a rule."""

    waiting_for: list[WaitingFor]
    until: datetime | None
    owner: str = ""
    score: int = 0
    threshold: int = 0

    @property
    def is_review(self) -> bool:
        """Whether an operator decides, rather than a rule of the goal."""
        return self.threshold > 0

    @property
    def owner_for_affiliate(self) -> str:
        """Who decides, without the operator's name; empty for a rule."""
        return REVIEWER if self.is_review else ""


def hold_of(row: Conversion) -> Hold | None:
    """The conversion's current hold; None if it is decided, or only pending for a date or an approval."""
    if row.status != Conversion.Status.PENDING:
        return None
    wait, review = getattr(row, "qualification_wait", None), getattr(row, "risk_review", None)
    if row.reason == Reason.AWAITS_RULES and wait and not wait.ended_at:
        parts = [
            WaitingFor(part["rule"], part["text"], parse_datetime(part["until"]) if part["until"] else None)
            for part in wait.waiting_for
        ]
        return Hold(parts, wait.deadline)
    if row.reason == Reason.RISK_REVIEW and review and not review.resolved_at:
        parts = [
            WaitingFor(words_for_affiliates(part["mark"]), part["note"], review.held_until) for part in review.parts
        ]
        return Hold(parts, review.held_until, str(review.owner or ""), review.score, review.threshold)
    return None
