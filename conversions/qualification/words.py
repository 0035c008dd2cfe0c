"""Rules of goals as people read them, on every page, in the API and in every trace."""

from conversions.models import Goal, QualificationRule
from conversions.qualification_kinds.table import kind_of
from records.money import format_money


def words(rule: QualificationRule) -> str:
    return kind_of(rule.kind).words(rule)


def all_words(goal: Goal) -> list[str]:
    """Everything that the goal asks, the goal's own rules first."""
    own = ["once per customer"] if goal.once_per_customer else []
    if goal.minimum_revenue:
        own.append(f"from {format_money(goal.minimum_revenue, goal.offer.currency)}")
    return own + [words(rule) for rule in goal.qualification_rules]
