"""Write the changes that a request makes to a known conversion: a refund, or a new status."""

from datetime import datetime
from decimal import Decimal

from conversions.intake.case import Case, Judged, Outcome, known_events
from conversions.intake.judge.estimates import settles
from conversions.lifecycle import status as lifecycle
from conversions.lifecycle.refunds import refund
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from records.bulk_rows import update
from records.money import format_money

STEP = "decide"
Status, SOURCE = Conversion.Status, StatusChange.Source.POSTBACK


def write_refunds(judged: Judged) -> None:
    """Store the refunds; the ledger follows."""
    for case, conversion in known_events(judged.cases):
        if case.event.refund is not None:
            _refund(case, conversion, case.event.refund, judged.now)


def _refund(case: Case, conversion: Conversion, amount: Decimal, now: datetime) -> None:
    refund(
        conversion=conversion,
        amount=amount,
        refund_id=case.event.refund_id,
        occurred_at=case.occurred_at,
        now=now,
        source=SOURCE,
        postback=case.postback,
    )
    left = format_money(conversion.remaining_revenue or amount, conversion.currency)
    if conversion.remaining_revenue:
        reason, note = Reason.PARTLY_REFUNDED, f"{format_money(amount, conversion.currency)} went back; {left} is left."
    else:
        reason, note = Reason.REFUNDED, f"{format_money(amount, conversion.currency)} went back, and with it all."
    case.stop(Outcome.UPDATED, reason, STEP, f"{conversion}: {note}", status=conversion.status)


def store_senders_rejections(judged: Judged) -> None:
    """Store that the sender rejects a conversion that a rule had rejected, so that no correction can count it."""
    update([row for case in judged.cases if case.rejected_by_sender and (row := case.conversion)], ("reason",))


def write_final_amounts(judged: Judged) -> None:
    """Replace the estimates of pending conversions with the amounts that their sender approves."""
    for case, conversion in known_events(judged.cases):
        event = case.event
        if event.refund is None and settles(case, conversion):
            conversion.revenue = conversion.revenue if event.revenue is None else event.revenue
            conversion.payout = conversion.payout if event.payout is None else event.payout
            conversion.save(update_fields=["revenue", "payout"])


def change_statuses(judged: Judged) -> None:
    """Give known conversions the status that the sender reports."""
    for case, conversion in known_events(judged.cases):
        to, was = Status(case.event.status), conversion.status
        if to == Status.APPROVED:
            reason = Reason.ADVERTISER_APPROVED
        else:
            reason = Reason.REVERSED if was == Status.APPROVED else Reason.SENT_REJECTED
        lifecycle.change_status(
            conversion_ids=[conversion.pk], to=to, reason=reason, source=SOURCE, now=judged.now, postback=case.postback
        )
        conversion.status, conversion.reason = to, reason
        case.stop(Outcome.UPDATED, Reason.STATUS_UPDATED, STEP, f"{conversion} was {was} and is now {to}.", status=to)
