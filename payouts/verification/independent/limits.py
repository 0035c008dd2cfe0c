"""The end of recurring commission, minimum and maximum, and caps."""

from payouts.verification.independent.calendar import first_day, months_later
from payouts.verification.independent.facts import EarnsNothing, Event, Figure, Owed, Rule
from payouts.verification.independent.money import shown
from payouts.verification.independent.past import Counter, Past


def check_not_run_out(event: Event, rule: Rule, counter: Counter, past: Past) -> None:
    """Commission for so many months since the customer's first event, or for so many payments of the customer."""
    if rule.max_months is None and rule.max_payments is None:
        return
    if event.customer_id is None:
        raise EarnsNothing("it is paid for a limited time per customer, and the event names none")
    since = event.customer_since or event.occurred_at
    if rule.max_months is not None and event.occurred_at >= months_later(since, rule.max_months):
        raise EarnsNothing(f"{rule.max_months} months since {since:%Y-%m-%d} are over")
    if rule.max_payments is not None and past.payments[counter, event.customer_id] >= rule.max_payments:
        raise EarnsNothing(f"the customer was paid for {rule.max_payments} times")


def within_bounds(figure: Figure, rule: Rule) -> Figure:
    """At least the minimum, at most the maximum; limits are in one currency and bind no other."""
    if rule.limit_currency and figure.currency != rule.limit_currency:
        raise EarnsNothing(f"the limits are in {rule.limit_currency}, and this is in {figure.currency}")
    amount = figure.amount
    if rule.minimum is not None:
        amount = max(amount, rule.minimum)
    if rule.maximum is not None:
        amount = min(amount, rule.maximum)
    return figure._replace(amount=amount)


def within_cap(line: Owed, event: Event, rule: Rule, counter: Counter, past: Past, count: int = 1) -> Owed:
    """The line as far as the cap of its period lets it through, and counted there; `count` is how many it pays for."""
    if not rule.cap_period:
        return line
    period = (counter, rule.cap_period, first_day(rule.cap_period, event.occurred_at))
    if rule.cap_count is not None and past.capped_count[period] >= rule.cap_count:
        raise EarnsNothing(f"the cap of {rule.cap_count} is reached")
    if rule.cap_amount is not None:
        left = rule.cap_amount - past.capped_money[period, line.currency]
        if left <= 0:
            raise EarnsNothing(f"the budget of {shown(rule.cap_amount, line.currency)} is spent")
        line = line._replace(amount=min(line.amount, left))
    past.capped_count[period] += count
    past.capped_money[period, line.currency] += line.amount
    return line
