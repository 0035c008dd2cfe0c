"""Step 7: the goal's own rules. Not met for good means rejected, with the rule that was not met."""

from collections import Counter

from affiliates.money import format_money
from conversions.intake.case import Case
from conversions.models import Conversion
from conversions.reasons import Reason

STEP = "qualify"
REJECTED = Conversion.Status.REJECTED


def qualify(cases: list[Case]) -> None:
    """Judge new events by their goals; one query for the batch."""
    cases = [case for case in cases if case.is_open and case.conversion is None]
    counted = _counted_before(cases)
    for case in cases:
        _judge_minimum(case)
        _judge_first(case, counted)


def _judge_minimum(case: Case) -> None:
    assert case.goal
    minimum, revenue, goal = case.goal.minimum_revenue, case.event.revenue, case.goal
    if minimum is None or revenue is None:
        return
    currency = case.goal.offer.currency
    rule = f"minimum revenue {format_money(minimum, currency)}"
    sent = case.event.currency or currency
    if sent != currency:
        note = f"The minimum is in {currency}, the event in {sent}: an operator decides."
        case.judge(Conversion.Status.PENDING, Reason.AWAITS_APPROVAL, STEP, note, rule=rule, revenue=revenue)
    elif revenue < minimum:
        note = f"{format_money(revenue, sent)} is below the minimum of {goal.name}."
        case.judge(REJECTED, Reason.BELOW_MINIMUM, STEP, note, rule=rule, revenue=revenue)
    else:
        case.note(STEP, "passed", f"{format_money(revenue, sent)} meets the minimum.", rule=rule, revenue=revenue)


def _judge_first(case: Case, counted: Counter[tuple[int, int]]) -> None:
    assert case.goal
    if not case.goal.once_per_customer or not case.event.customer_id:
        return
    if case.customer and counted[case.customer.pk, case.goal.pk]:
        note = f"The customer has a {case.goal.name} already."
        case.judge(REJECTED, Reason.NOT_FIRST, STEP, note, rule="once per customer", customer_id=case.event.customer_id)
    else:
        case.note(STEP, "passed", f"The customer's first {case.goal.name}.", rule="once per customer")


def _counted_before(cases: list[Case]) -> Counter[tuple[int, int]]:
    """How many conversions that are not rejected a customer has per goal."""
    once = [case for case in cases if case.goal and case.goal.once_per_customer and case.customer]
    if not once:
        return Counter()
    rows = Conversion.objects.exclude(status=REJECTED).filter(
        customer__in={case.customer for case in once}, goal__in={case.goal for case in once}
    )
    return Counter((customer or 0, goal) for customer, goal in rows.values_list("customer_id", "goal_id"))
