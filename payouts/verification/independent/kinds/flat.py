"""A flat amount for each conversion."""

from fractions import Fraction

from payouts.verification.independent.facts import Event, Figure, Rule
from payouts.verification.independent.money import shown
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "flat", "conversions"


def figure(event: Event, rule: Rule, counter: Counter, past: Past) -> Figure:
    amount = rule.amount or Fraction(0)
    return Figure(amount, rule.currency, lambda: f"flat {shown(amount, rule.currency)}")
