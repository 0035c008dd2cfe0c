"""Findings on a version's rules for the operator to check before publishing; they do not prevent it.

Gaps are events that no rule prices. Overlaps are rules where one takes precedence although neither is a plain exception
to the other. Hints are rules with an unexpected effect.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.utils.translation import gettext

from conversions.models import Goal
from payouts.models import CommissionPlan, CommissionRule
from payouts.plans.linter.problems import apart
from payouts.plans.price_books import terms_of_rule
from payouts.pricing import counted
from payouts.pricing.kinds import kind_of
from payouts.pricing.precedence import specificity
from records.periods import BEGINNING, END

GAP, OVERLAP, HINT = "gap", "overlap", "hint"
# How many overlaps are listed: many rules have many pairs.
MOST_OVERLAPS = 12


class Finding(NamedTuple):
    """One thing to know, as a sentence."""

    kind: str
    words: str


def findings(plan: CommissionPlan, rules: Sequence[CommissionRule], *, effective_from: datetime) -> list[Finding]:
    """Gaps in the order of the funnel, then overlaps and hints in the order of the rules. The rules must have no
    errors.
    """
    goals = list(Goal.objects.filter(offer=plan.offer_id).order_by("position", "pk"))
    earning = [rule for rule in rules if not apart(rule)]
    found = [Finding(GAP, words) for goal in goals if goal.is_active for words in _gaps(plan, goal, earning)]
    found += [Finding(OVERLAP, words) for words in list(_overlaps(rules))[:MOST_OVERLAPS]]
    for number, rule in enumerate(rules, 1):
        found += [
            Finding(HINT, gettext("Rule {number}: {words}").format(number=number, words=words))
            for words in _hints(rule, rules, goals, effective_from)
        ]
    return found


def _gaps(plan: CommissionPlan, goal: Goal, rules: Sequence[CommissionRule]) -> Iterator[str]:
    mine = [rule for rule in rules if rule.goal_id in (None, goal.pk)]
    if not mine:
        yield f"{goal.name} has no rule: it is counted and earns nothing."
        return
    everywhere = [rule for rule in mine if not rule.country and not rule.sub_name]
    if any(not _is_dated(rule) for rule in everywhere):
        return
    if everywhere:
        spans = " and ".join(_span_words(rule) for rule in everywhere)
        yield f"{goal.name} earns {spans} only; at other times nothing, but where another rule fits."
        return
    covered = sorted({rule.country for rule in mine if rule.country and not rule.sub_name})
    if covered:
        wanted = [country for country in plan.offer.countries or () if country not in covered]
        where = (
            gettext("{names}, where the offer takes visitors from,").format(names=", ".join(wanted))
            if wanted
            else gettext("everywhere else it")
        )
        if plan.offer.countries and not wanted:
            return
        yield f"{goal.name} is priced for {', '.join(covered)} only: {where} earns nothing."
    else:
        labels = sorted({f"{rule.sub_name} = {rule.sub_value}" for rule in mine})
        yield f"{goal.name} is priced for {', '.join(labels)} only: with any other sub ID it earns nothing."


def _overlaps(rules: Sequence[CommissionRule]) -> Iterator[str]:
    """Pairs that both fit some events, of which each fits others too: the published order decides between them."""
    for number, first in enumerate(rules, 1):
        for later, second in enumerate(rules[number:], number + 1):
            if apart(first) != apart(second) or not _meet(first, second):
                continue
            if _contains(first, second) or _contains(second, first):
                continue
            ahead, behind = (number, later) if _rank(first) > _rank(second) else (later, number)
            yield f"Rules {number} and {later} both fit {_both_words(first, second)}: there rule {ahead} goes first."


def _meet(first: CommissionRule, second: CommissionRule) -> bool:
    """Whether some event fits both."""
    same_goal = first.goal_id is None or second.goal_id is None or first.goal_id == second.goal_id
    same_country = not first.country or not second.country or first.country == second.country
    same_sub = first.sub_name != second.sub_name or first.sub_value == second.sub_value
    return (
        same_goal
        and same_country
        and same_sub
        and (first.valid_from or BEGINNING) < (second.valid_until or END)
        and (second.valid_from or BEGINNING) < (first.valid_until or END)
    )


def _contains(wide: CommissionRule, narrow: CommissionRule) -> bool:
    """Whether every event of the one fits the other: a plain exception, which goes first anyway."""
    return (
        wide.goal_id in (None, narrow.goal_id)
        and wide.country in ("", narrow.country)
        and (not wide.sub_name or (wide.sub_name, wide.sub_value) == (narrow.sub_name, narrow.sub_value))
        and (wide.valid_from or BEGINNING) <= (narrow.valid_from or BEGINNING)
        and (wide.valid_until or END) >= (narrow.valid_until or END)
    )


def _rank(rule: CommissionRule) -> tuple[bool, int, bool, bool]:
    return specificity(terms_of_rule(rule))


def _both_words(first: CommissionRule, second: CommissionRule) -> str:
    goal = first.goal or second.goal
    words = goal.name if goal else gettext("events")
    country = first.country or second.country
    words += gettext(" from {country}").format(country=country) if country else ""
    labels = {each.sub_name: each.sub_value for each in (first, second) if each.sub_name}
    return words + "".join(
        gettext(" with {name} = {value}").format(name=name, value=value) for name, value in sorted(labels.items())
    )


def _hints(
    rule: CommissionRule, rules: Sequence[CommissionRule], goals: Sequence[Goal], effective_from: datetime
) -> Iterator[str]:
    mine = [goal for goal in goals if goal.is_active and rule.goal_id in (None, goal.pk)]
    if rule.goal and not rule.goal.is_active:
        yield f"{rule.goal.name} is not active: no event of it comes in."
    if rule.valid_until and rule.valid_until <= effective_from:
        yield f"it ends on {rule.valid_until:%Y-%m-%d}, before the version begins."
    if rule.goal_id is None and not apart(rule) and mine and all(_has_own(goal, rules) for goal in mine):
        yield "every goal has a rule of its own, which goes before this one: it pays nothing now."
    yield from _hints_of_facts(rule, mine)
    yield from _hints_of_deal(rule, rules, effective_from)


def _has_own(goal: Goal, rules: Sequence[CommissionRule]) -> bool:
    own = [rule for rule in rules if rule.goal_id == goal.pk and not apart(rule)]
    return any(not (rule.country or rule.sub_name or _is_dated(rule)) for rule in own)


def _hints_of_facts(rule: CommissionRule, goals: Sequence[Goal]) -> Iterator[str]:
    """Facts of an event that the rule needs and the goal does not require."""
    terms = terms_of_rule(rule)
    without = [goal.name for goal in goals if not goal.needs_revenue]
    if without and rule.goal_id and kind_of(terms).needs_revenue(terms):
        yield f"{without[0]} does not ask for revenue; an event that comes without earns nothing."
    limited = rule.max_months is not None or rule.max_payments is not None
    if limited and rule.goal_id and any(not goal.needs_customer_id for goal in goals):
        yield f"{goals[0].name} does not ask for a customer; an event that names none earns nothing."


def _hints_of_deal(rule: CommissionRule, rules: Sequence[CommissionRule], effective_from: datetime) -> Iterator[str]:
    terms = terms_of_rule(rule)
    components = sum(each.is_component and _selection(each) == _selection(rule) for each in rules)
    if rule.is_component and components == 1:
        yield "it is a component of a hybrid, but no other component is for the same events."
    if rule.cap_amount is not None and rule.amount is not None and rule.cap_amount < rule.amount:
        yield "its budget is less than a single payment, so that only a part of one is ever paid."
    yield from kind_of(terms).hints(terms, components=components, effective_from=effective_from)


def _selection(rule: CommissionRule) -> tuple[object, ...]:
    return rule.goal_id, rule.country, rule.sub_name, rule.sub_value, rule.valid_from, rule.valid_until


def _is_dated(rule: CommissionRule) -> bool:
    return rule.valid_from is not None or rule.valid_until is not None


def _span_words(rule: CommissionRule) -> str:
    words = (
        gettext("from {astimezone:%Y-%m-%d}").format(astimezone=rule.valid_from.astimezone(UTC))
        if rule.valid_from
        else ""
    )
    return f"{words} until {rule.valid_until.astimezone(UTC):%Y-%m-%d}".strip() if rule.valid_until else words


def not_shown(rules: Sequence[CommissionRule], numbers: set[int]) -> list[Finding]:
    """Rules that no worked example covers."""
    missing = [number for number in range(1, len(rules) + 1) if number not in numbers]
    if not missing:
        return []
    what = ", ".join(map(str, missing))
    rule = "rule" if len(missing) == 1 else "rules"
    return [
        Finding(
            HINT,
            gettext("No worked example shows {rule} {what} of {counted}.").format(
                rule=rule, what=what, counted=counted(len(rules), "rule")
            ),
        )
    ]
