"""Whether a postback's refund of a known sale is new, and whether the sale has enough left."""

from decimal import Decimal

from conversions.intake.case import Case, Outcome
from conversions.lifecycle.refunds import decimals_problem
from conversions.models import Conversion, Refund
from conversions.reasons.codes import Reason
from records.money import format_money

STEP = "deduplicate"
# Begins the ID of a refund that was read from the total of what went back.
IN_ALL = "in all: "


def _is_in_total(case: Case, known: Conversion, amount: Decimal) -> bool:
    """Whether a source's refund is a part that it reported before within the total of what went back.

    If it was another of the same amount, the next total finds what is missing.
    """
    if not case.mapping.finds_sales:
        return False
    return Refund.objects.filter(conversion=known, refund_id__startswith=IN_ALL, amount=amount).exists()


def compare(case: Case, known: Conversion, amount: Decimal) -> None:
    """Stop a refund that was sent before, contradicts one, or is more than what is left."""
    if case.event.is_refund_total:
        amount = amount - known.refunded
        if amount <= 0:
            note = f"{known} had {format_money(known.refunded, known.currency)} refunded before: there is nothing new."
            case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule="all that went back", key=case.dedupe_key)
            return
        case.event.refund, case.event.refund_id = amount, f"{IN_ALL}{known.refunded + amount:f}"
    elif case.event.refund_id and _is_in_total(case, known, amount):
        note = f"{known} had it refunded before, with all that went back."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule="all that went back", key=case.dedupe_key)
        return
    shown = format_money(amount, known.currency)
    left, named = known.remaining_revenue, case.event.refund_id
    same = Refund.objects.filter(conversion=known, refund_id=named).first() if named else None
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
        case.report(Reason.BAD_AMOUNT, "refund", problem, f"{amount:f}")
        case.stop(
            Outcome.INVALID, Reason.BAD_AMOUNT, STEP, problem, rule="the currency's decimals", refund=f"{amount:f}"
        )
    else:
        case.note(STEP, "update", f"{known} is known; {shown} of it went back.", key=case.dedupe_key, refund=shown)
