"""A percentage of each conversion's revenue, as far as it was not refunded."""

from payouts.verification.independent.facts import EarnsNothing, Event, Figure, Rule
from payouts.verification.independent.money import ZERO, shown
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "percent", "conversions"


def figure(event: Event, rule: Rule, counter: Counter, past: Past) -> Figure:
    if event.revenue is None:
        raise EarnsNothing("it came without revenue")
    revenue, percent = event.revenue, rule.percent or ZERO
    return Figure(
        revenue * percent / 100, event.currency, lambda: f"{float(percent):.9g} % of {shown(revenue, event.currency)}"
    )
