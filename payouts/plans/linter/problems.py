"""Errors in a version's rules, which keep it from being published. Findings that do not are in `findings.py`.

Precedence must give one answer for every event. The order in `payouts.pricing.precedence` decides between two different
selections. Two rules of the same selection whose validity overlaps are refused, unless both are components of one deal
(a hybrid) and of different kinds.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import InvalidOperation

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from payouts.models import CommissionPlan, CommissionRule
from payouts.plans.price_books import terms_of_rule
from payouts.pricing import plain
from payouts.pricing.kind import CommissionKind, Prices
from payouts.pricing.kinds import KINDS
from records.money import places
from records.periods import BEGINNING, END

# Limits that are a number, or an amount in the currency of the limits.
NUMBERS = ("minimum", "maximum", "cap_amount", "cap_count", "max_months", "max_payments")


def problems_of_rules(plan: CommissionPlan, rules: Sequence[CommissionRule]) -> list[str]:
    """Every error as a sentence; empty when the rules can be published."""
    problems = []
    if not rules:
        problems.append(
            gettext("A version needs at least one rule; to pay nothing for a goal, give it a flat amount of 0.")
        )
    for rule in rules:
        problems += [
            gettext("Rule for {goal_name}: {problem}").format(goal_name=rule.goal_name, problem=problem)
            for problem in _problems_of_rule(plan, rule)
        ]
    return [*problems, *_overlaps(rules)]


def _is_open(rule: CommissionRule) -> bool:
    return not (rule.country or rule.sub_name or rule.valid_from or rule.valid_until)


def _overlaps(rules: Sequence[CommissionRule]) -> Iterator[str]:
    groups: dict[tuple[object, ...], list[CommissionRule]] = defaultdict(list)
    for rule in rules:
        dated = bool(rule.valid_from or rule.valid_until)
        key = (
            rule.goal_id,
            rule.country,
            rule.sub_name,
            rule.sub_value,
            apart(rule),
            dated,
        )
        groups[key].append(rule)
    for same in groups.values():
        clash = next((pair for pair in _pairs(same) if _clash(*pair)), None)
        if clash:
            first, second = clash
            yield f"Rule for {first.goal_name}: {_tie(first, second)}"


def apart(rule: CommissionRule) -> str:
    """The kind of a rule that is chosen beside those that price conversions; empty for these."""
    kind = KINDS.get(rule.kind)
    return rule.kind if kind and kind.prices is not Prices.CONVERSIONS else ""


def _pairs(rules: Sequence[CommissionRule]) -> Iterator[tuple[CommissionRule, CommissionRule]]:
    for number, first in enumerate(rules):
        for second in rules[number + 1 :]:
            yield first, second


def _clash(first: CommissionRule, second: CommissionRule) -> bool:
    """Whether both could win for one event."""
    if first.is_component and second.is_component and first.kind != second.kind:
        return False
    return (first.valid_from or BEGINNING) < (second.valid_until or END) and (second.valid_from or BEGINNING) < (
        first.valid_until or END
    )


def _tie(first: CommissionRule, second: CommissionRule) -> str:
    same = (
        gettext("the goal has several rules")
        if _is_open(first)
        else gettext("several rules are for the same events at the same time")
    )
    if first.is_component and second.is_component:
        return gettext("{same} of one kind; components of a hybrid are of different kinds.").format(same=same)
    return gettext("{same}; keep one, or mark all of them as components of one deal.").format(same=same)


def _problems_of_rule(plan: CommissionPlan, rule: CommissionRule) -> list[str]:
    if rule.goal and rule.goal.offer_id != plan.offer_id:
        return [gettext("the goal belongs to another offer than the plan {plan}.").format(plan=plan.name)]
    if rule.kind not in KINDS:
        return [gettext("unknown kind.")]
    kind = KINDS[rule.kind]
    if not _has_its_price(rule, kind):
        return [kind.column_problem]
    try:
        rule.clean_fields(exclude=["version", "goal", "formula"])
    except ValidationError as error:
        return [f"{field}: {message}" for field, messages in error.message_dict.items() for message in messages]
    own = kind.problems(terms_of_rule(rule))
    limits = [*_problems_of_amounts(rule), *_problems_of_narrowing(rule), *_problems_of_limits(rule, kind)]
    return [*own, *limits, *_problems_of_formula(rule, kind)]


def _has_its_price(rule: CommissionRule, kind: CommissionKind) -> bool:
    given = {"amount": rule.amount is not None, "percent": rule.percent is not None, "currency": bool(rule.currency)}
    return kind.columns == {name for name, is_given in given.items() if is_given}


def _problems_of_amounts(rule: CommissionRule) -> Iterator[str]:
    currency = rule.limit_currency
    for amount in (rule.minimum, rule.maximum, rule.cap_amount):
        if amount is None:
            continue
        if not currency:
            yield "minimum, maximum and budget need the currency that they are in."
        elif amount != round(amount, places(currency)):
            yield f"{plain(amount)} has more decimals than {currency} is counted in ({places(currency)})."


def _problems_of_narrowing(rule: CommissionRule) -> Iterator[str]:
    if bool(rule.sub_name) != bool(rule.sub_value):
        yield "a rule for a sub ID names both the sub ID and its value."
    if rule.valid_from and rule.valid_until and rule.valid_until <= rule.valid_from:
        yield "it must end after it begins."


def _problems_of_limits(rule: CommissionRule, kind: CommissionKind) -> Iterator[str]:
    if any(getattr(rule, name) is not None for name in set(NUMBERS) - set(kind.limits.names)):
        yield kind.limits.problem
    if rule.is_component and "is_component" not in kind.limits.names:
        yield kind.limits.component_problem
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        yield "the minimum is greater than the maximum."
    capped = rule.cap_amount is not None or rule.cap_count is not None
    if capped != bool(rule.cap_period):
        yield "a cap has a period, and an amount or a number of conversions."
    if "currency" in kind.columns and rule.limit_currency not in ("", rule.currency):
        yield f"its limits are in {rule.limit_currency}, but it pays in {rule.currency}."


def _problems_of_formula(rule: CommissionRule, kind: CommissionKind) -> list[str]:
    try:
        return list(kind.formula_problems(rule.formula))
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError):
        return [gettext("the formula cannot be read; see docs/commission.md for its form.")]
