"""An amount for each lot."""

from payouts.verification.independent.facts import EarnsNothing, Event, Figure, Rule
from payouts.verification.independent.money import ZERO
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "per_lot", "conversions"


def figure(event: Event, rule: Rule, counter: Counter, past: Past) -> Figure:
    if event.volume is None:
        raise EarnsNothing("it came without volume")
    lots, price = event.volume, rule.amount or ZERO
    return Figure(
        lots * price, rule.currency, lambda: f"{float(lots):.15g} lots at {float(price):.15g} {rule.currency}"
    )
