"""Rules of goals as people read them, on every page and in every trace."""

from datetime import timedelta
from decimal import Decimal

from conversions.models import Goal, QualificationRule
from records.money import format_money

Kind, Period, Scope = QualificationRule.Kind, QualificationRule.Period, QualificationRule.Scope


def words(rule: QualificationRule) -> str:
    """The rule as people read it, on every page and in every trace."""
    within = f", within {span(rule.within)}" if rule.within else ""
    other = rule.other_goal.name if rule.other_goal else ""
    match rule.kind:
        case Kind.ACCUMULATED:
            amount = format_money(rule.amount or Decimal(0), rule.goal.offer.currency)
            return f"{other or rule.goal.name} amounts add up to {amount}{within}"
        case Kind.WAGERING:
            need = (
                f"{plain(rule.factor)} times the amount"
                if rule.factor is not None
                else plain(rule.amount or Decimal(0))
            )
            return f"volume of {need} by {other}{within}"
        case Kind.KYC:
            return f"identity checked and approved{within}"
        case Kind.REQUIRES:
            return f"{other} comes first{within}"
        case Kind.COUNTRY:
            return f"customers from {', '.join(rule.countries)}"
        case Kind.TIME:
            return f"{_bounds(rule)} after {other or 'the click'}{within}"
    whom = {Scope.AFFILIATE: "for each affiliate", Scope.GOAL: "in all", Scope.OFFER: "for the whole offer"}
    period = "ever" if rule.period == Period.TOTAL else f"a {rule.period}"
    return f"at most {rule.number} {period} {whom[Scope(rule.scope)]}"


def _bounds(rule: QualificationRule) -> str:
    least, most = rule.at_least, rule.at_most
    if least is not None and most is not None:
        return f"{span(least)} to {span(most)}"
    return f"at least {span(least)}" if least is not None else f"at most {span(most or timedelta(0))}"


def all_words(goal: Goal) -> list[str]:
    """Everything that the goal asks, the goal's own rules first."""
    own = ["once per customer"] if goal.once_per_customer else []
    if goal.minimum_revenue:
        own.append(f"from {format_money(goal.minimum_revenue, goal.offer.currency)}")
    return own + [words(rule) for rule in goal.qualification_rules]


def plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def span(length: timedelta) -> str:
    """`30 days`, `90 min`, `12 s`: the largest unit in which it is short."""
    seconds = length.total_seconds()
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and (seconds % unit == 0 or seconds >= 3 * unit):
            number = f"{seconds / unit:.4g}"
            return f"{number} {name}{'' if number == '1' else 's'}"
    return f"{seconds:g} s"
