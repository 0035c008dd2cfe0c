"""Qualification rules in words, for every page, the API and every trace."""

from conversions.models import Goal
from records.money import format_money


def all_words(goal: Goal) -> list[str]:
    """All rules of the goal in words, those on the goal itself first."""
    own = ["once per customer"] if goal.once_per_customer else []
    if goal.minimum_revenue:
        own.append(f"from {format_money(goal.minimum_revenue, goal.offer.currency)}")
    return own + [rule.in_words for rule in goal.qualification_rules]
