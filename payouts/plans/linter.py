"""What is wrong with the rules of a version: the faults that refuse it. What is only told is in `findings.py`.

Precedence must come to one answer for every event. The order of `payouts.pricing.precedence` settles which of two
different selections goes first; what is left to refuse are two rules of the same selection whose validity overlaps,
unless both are components of one deal (a hybrid) and of different kinds.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError

from payouts.models import CommissionPlan, CommissionRule
from payouts.pricing import plain
from payouts.pricing.kinds import COUNT, MARGINAL, REVENUE, VOLUME, WHOLE
from records.money import PLACES, places
from records.periods import PERIODS

Kind = CommissionRule.Kind
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
MOST_LEVELS = 10
# Chosen among themselves, beside the rule that prices the conversion.
APART = (Kind.PARENTS, Kind.PER_CLICK)
WORDS = {
    Kind.FLAT: "a flat rule has an amount and its currency, and no percent.",
    Kind.PER_LOT: "a rule per lot has an amount and its currency, and no percent.",
    Kind.PER_CLICK: "a rule per click has an amount and its currency, and no percent.",
    Kind.PERCENT: "a percent rule has a percent, and neither amount nor currency.",
    Kind.NET_REVENUE: "a share of net revenue has a percent, and neither amount nor currency.",
    Kind.TIERED: "tiers carry their own prices: leave amount, currency and percent empty.",
    Kind.PARENTS: "a share for parents has its percentages by level: leave amount, currency and percent empty.",
}


def faults_of_rules(plan: CommissionPlan, rules: Sequence[CommissionRule]) -> list[str]:
    """Every fault as a sentence; none when the rules can be published."""
    problems = []
    if not rules:
        problems.append("A version needs at least one rule; to pay nothing for a goal, give it a flat amount of 0.")
    for rule in rules:
        problems += [f"Rule for {rule.goal_name}: {fault}" for fault in _faults_of_rule(plan, rule)]
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
            rule.kind if rule.kind in APART else "",
            dated,
        )
        groups[key].append(rule)
    for same in groups.values():
        clash = next((pair for pair in _pairs(same) if _clash(*pair)), None)
        if clash:
            first, second = clash
            yield f"Rule for {first.goal_name}: {_tie(first, second)}"


def _pairs(rules: Sequence[CommissionRule]) -> Iterator[tuple[CommissionRule, CommissionRule]]:
    for number, first in enumerate(rules):
        for second in rules[number + 1 :]:
            yield first, second


def _clash(first: CommissionRule, second: CommissionRule) -> bool:
    """Whether both could win for one event."""
    if first.is_component and second.is_component and first.kind != second.kind:
        return False
    return (first.valid_from or FIRST) < (second.valid_until or LAST) and (second.valid_from or FIRST) < (
        first.valid_until or LAST
    )


def _tie(first: CommissionRule, second: CommissionRule) -> str:
    same = "the goal has several rules" if _is_open(first) else "several rules are for the same events at the same time"
    if first.is_component and second.is_component:
        return f"{same} of one kind; components of a hybrid are of different kinds."
    return f"{same}; keep one, or mark all of them as components of one deal."


def _faults_of_rule(plan: CommissionPlan, rule: CommissionRule) -> list[str]:
    if rule.goal and rule.goal.offer_id != plan.offer_id:
        return [f"the goal belongs to another offer than the plan {plan.name}."]
    if not _has_its_price(rule):
        return [WORDS.get(Kind(rule.kind), "the kind is unknown.") if rule.kind in Kind.values else "unknown kind."]
    try:
        rule.clean_fields(exclude=["version", "goal", "formula"])
    except ValidationError as error:
        return [f"{field}: {message}" for field, messages in error.message_dict.items() for message in messages]
    return [*_faults_of_amounts(rule), *_faults_of_narrowing(rule), *_faults_of_limits(rule), *_faults_of_formula(rule)]


def _has_its_price(rule: CommissionRule) -> bool:
    has_amount, has_percent = rule.amount is not None, rule.percent is not None
    if rule.kind in (Kind.FLAT, Kind.PER_LOT, Kind.PER_CLICK):
        return has_amount and bool(rule.currency) and not has_percent
    if rule.kind in (Kind.PERCENT, Kind.NET_REVENUE):
        return has_percent and not rule.currency and not has_amount
    return rule.kind in Kind.values and not (has_amount or has_percent or rule.currency)


def _faults_of_amounts(rule: CommissionRule) -> Iterator[str]:
    pairs = [(rule.amount, rule.currency)] if rule.kind == Kind.FLAT else []
    pairs += [(each, rule.limit_currency) for each in (rule.minimum, rule.maximum, rule.cap_amount)]
    for amount, currency in pairs:
        if amount is None:
            continue
        if not currency:
            yield "minimum, maximum and budget need the currency that they are in."
        elif amount != round(amount, places(currency)):
            yield f"{plain(amount)} has more decimals than {currency} is counted in ({places(currency)})."


def _faults_of_narrowing(rule: CommissionRule) -> Iterator[str]:
    if rule.kind == Kind.PER_CLICK:
        yield from _faults_of_clicks(rule)
    if bool(rule.sub_name) != bool(rule.sub_value):
        yield "a rule for a sub ID names both the sub ID and its value."
    if rule.valid_from and rule.valid_until and rule.valid_until <= rule.valid_from:
        yield "it must end after it begins."


def _faults_of_clicks(rule: CommissionRule) -> Iterator[str]:
    """Clicks are billed by whole days, before anybody has converted."""
    if rule.goal_id is not None:
        yield "clicks are paid whatever comes of them: leave the goal empty."
    if rule.is_component:
        yield "a price per click stands beside the others anyway; it is no component."
    if any(each is not None for each in (rule.minimum, rule.maximum, rule.max_months, rule.max_payments)):
        yield "a price per click has a cap at most: no limits per conversion or customer."
    if any(each and each.astimezone(UTC).time() != time.min for each in (rule.valid_from, rule.valid_until)):
        yield "clicks are billed by whole days: its validity begins and ends at midnight UTC."


def _faults_of_limits(rule: CommissionRule) -> Iterator[str]:
    limits = (rule.minimum, rule.maximum, rule.cap_amount, rule.cap_count, rule.max_months, rule.max_payments)
    if rule.kind in (Kind.NET_REVENUE, Kind.PARENTS) and any(each is not None for each in limits):
        yield "shares of net revenue and shares for parents have no limits per conversion."
    if rule.kind == Kind.PARENTS and rule.is_component:
        yield "a share for parents stands beside the others anyway; it is no component."
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        yield "the minimum is greater than the maximum."
    capped = rule.cap_amount is not None or rule.cap_count is not None
    if capped != bool(rule.cap_period):
        yield "a cap has a period, and an amount or a number of conversions."
    if rule.kind in (Kind.FLAT, Kind.PER_LOT, Kind.PER_CLICK) and rule.limit_currency not in ("", rule.currency):
        yield f"its limits are in {rule.limit_currency}, but it pays in {rule.currency}."


def _faults_of_formula(rule: CommissionRule) -> Iterator[str]:
    check = {Kind.TIERED: _tiers, Kind.PARENTS: _levels, Kind.NET_REVENUE: _net_formula}.get(Kind(rule.kind))
    if check is None:
        if rule.formula:
            yield "this kind has no formula."
        return
    try:
        yield from check(rule.formula)
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError):
        yield "the formula cannot be read; see docs/commission.md for its form."


def _tiers(formula: Mapping[str, Any]) -> Iterator[str]:
    if formula["basis"] not in (COUNT, REVENUE, VOLUME) or formula["mode"] not in (MARGINAL, WHOLE):
        yield "tiers count by count, revenue or volume, and are marginal or whole."
    if formula["period"] not in PERIODS:
        yield f"the period of tiers is one of {', '.join(PERIODS)}."
    steps = formula["steps"]
    floors = [_number(step["above"]) for step in steps]
    if not floors or floors[0] < 0 or any(low >= high for low, high in zip(floors, floors[1:], strict=False)):
        yield "each tier begins above the one before it."
    kinds = {("percent" in step, "amount" in step) for step in steps}
    if not kinds <= {(True, False)} and not kinds <= {(False, True)}:
        yield "all tiers have a percent, or all have an amount."
    yield from _step_prices(formula, steps)


def _step_prices(formula: Mapping[str, Any], steps: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if any("amount" in step for step in steps) and formula.get("currency") not in PLACES:
        yield "tiers with amounts name the currency of them."
    for step in steps:
        price = _number(step.get("percent", step.get("amount")))
        if price < 0 or ("percent" in step and price > 100):
            yield "a tier pays at least 0, and at most 100 percent."


def _levels(formula: Mapping[str, Any]) -> Iterator[str]:
    if formula["of"] not in ("commission", "revenue"):
        yield "parents have a share of the commission or of the revenue."
    levels = [_number(each) for each in formula["levels"]]
    if not 1 <= len(levels) <= MOST_LEVELS or any(not 0 <= each <= 100 for each in levels):
        yield f"parents have one to {MOST_LEVELS} levels, each from 0 to 100 percent."


def _net_formula(formula: Mapping[str, Any]) -> Iterator[str]:
    unknown = formula.keys() - {"deductions", "carryover", "ring_fence", "recoup_cpa"}
    if unknown:
        yield f"unknown in the formula: {', '.join(sorted(unknown))}."
    for each in formula.get("deductions", ()):
        if not each["name"] or {"percent", "amount"} <= each.keys():
            yield "a deduction has a name, and a percent, an amount, or what is sent under its name."
        if any(_number(each[name]) < 0 for name in ("percent", "amount", "cap") if each.get(name) is not None):
            yield f"the deduction {each['name']} is negative."
    if formula.get("ring_fence") is not None and _number(formula["ring_fence"]) < 0:
        yield "the ring fence is an amount of loss, at least 0."


def _number(text: Any) -> Decimal:
    """A decimal that was written as text, so that no digit is lost on the way through JSON."""
    if not isinstance(text, str):
        raise TypeError(text)
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number
