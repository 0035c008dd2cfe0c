"""Shares for the affiliate's parents, by level, of its commission or of the revenue."""

from fractions import Fraction

from payouts.verification.independent.facts import Rule
from payouts.verification.independent.money import rounded_together

CODE, PRICES = "parents", "parents"


def is_of_revenue(rule: Rule) -> bool:
    return bool(rule.formula["of"] == "revenue")


def shares(base: Fraction, currency: str, rule: Rule, number: int) -> list[Fraction]:
    """What so many parents have of it, the nearest first: rounded together, so that no unit is lost or made."""
    percents = [Fraction(percent) for percent in rule.formula["levels"][:number]]
    return rounded_together([base * percent / 100 for percent in percents], currency)
