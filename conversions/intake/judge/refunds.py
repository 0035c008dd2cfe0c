"""A postback that reports a refund of a known sale."""

from datetime import datetime

from conversions.intake.case import Case, Outcome, Problem
from conversions.lifecycle.refunds import decimals_problem, refund
from conversions.models import Conversion, Refund, StatusChange
from conversions.reasons.codes import Reason
from records.money import format_money

STEP = "deduplicate"


def compare(case: Case, known: Conversion) -> None:
    """Check whether the refund is new, and whether the sale has enough left."""
    amount = case.event.refund
    assert amount is not None
    shown = format_money(amount, known.currency)
    left = known.remaining_revenue
    same = Refund.objects.filter(conversion=known, refund_id=case.event.refund_id).first() if _has_id(case) else None
    if same and same.amount == amount:
        note = f"{known} had the refund {same.refund_id} before."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule="once per refund_id", key=case.dedupe_key)
    elif same:
        note = f"The refund {same.refund_id} of {known} came with {format_money(same.amount, known.currency)}."
        case.stop(Outcome.CONFLICT, Reason.TRANSACTION_CONFLICT, STEP, note, rule="once per refund_id", refund=shown)
    elif left is None or amount > left:
        rest = "came without revenue" if left is None else f"has {format_money(left, known.currency)} left"
        note = f"{known} {rest}; {shown} cannot go back."
        case.stop(Outcome.CONFLICT, Reason.REFUND_TOO_LARGE, STEP, note, rule="no more than the revenue", refund=shown)
    elif problem := decimals_problem(known, amount):
        case.problems.append(Problem(Reason.BAD_AMOUNT, "refund", problem, f"{amount:f}"))
        case.stop(
            Outcome.INVALID, Reason.BAD_AMOUNT, STEP, problem, rule="the currency's decimals", refund=f"{amount:f}"
        )
    else:
        case.note(STEP, "update", f"{known} is known; {shown} of it went back.", key=case.dedupe_key, refund=shown)


def _has_id(case: Case) -> bool:
    return bool(case.event.refund_id)


def take(case: Case, conversion: Conversion, now: datetime) -> None:
    """Store the refund; the ledger follows."""
    amount = case.event.refund
    assert amount is not None
    refund(
        conversion=conversion,
        amount=amount,
        refund_id=case.event.refund_id,
        occurred_at=case.occurred_at,
        now=now,
        source=StatusChange.Source.POSTBACK,
        postback=case.postback,
    )
    left = format_money(conversion.remaining_revenue or amount, conversion.currency)
    if conversion.remaining_revenue:
        reason, note = Reason.PARTLY_REFUNDED, f"{format_money(amount, conversion.currency)} went back; {left} is left."
    else:
        reason, note = Reason.REFUNDED, f"{format_money(amount, conversion.currency)} went back, and with it all."
    case.stop(Outcome.UPDATED, reason, "decide", f"{conversion}: {note}", status=conversion.status)
