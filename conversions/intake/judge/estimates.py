"""The amounts of an event that its sender reported as pending: an estimate, until the sender approves it."""

from conversions.intake.case import Case
from conversions.intake.judge.pixels import from_pixel
from conversions.models import Conversion
from conversions.reasons.codes import Reason

Status = Conversion.Status


def settles(case: Case, known: Conversion) -> bool:
    """Whether the request approves what the sender itself had reported as pending, with the amounts that count.

    Currency and click must be the same: with others it is not the event that was reported. An amount below the goal's
    minimum is a person's decision.
    """
    event = case.event
    if event.status != Status.APPROVED or event.refund is not None or from_pixel(case):
        return False
    is_estimate = known.status == Status.PENDING and known.reason == Reason.SENT_PENDING and not known.refunded
    same_currency = event.currency in ("", known.currency)
    same_click = event.click is None or known.evidence not in _BY_CLICK or event.click.uuid == known.click_id
    return is_estimate and same_currency and same_click and not _falls_short(case)


_BY_CLICK = (Conversion.Evidence.ROW, Conversion.Evidence.SIGNATURE)


def _falls_short(case: Case) -> bool:
    minimum = case.named_goal.minimum_revenue if case.named_goal else None
    return minimum is not None and case.event.revenue is not None and case.event.revenue < minimum
