"""Tiers by the count, the revenue or the lots of a calendar period.

All approved events that the rule is for are counted, whether they are paid or not; refunds that are events of their own
are not. Marginal tiers pay each part of the period by the tier that it falls in; by amounts per conversion and by
percentages of a count an event lies in one tier whole. Whole-volume tiers pay every event by the tier that the whole
period reaches. A tier begins above its number. What lies below the first tier earns nothing.
"""

from collections.abc import MutableMapping
from fractions import Fraction
from typing import Any

from payouts.verification.independent.calendar import first_day
from payouts.verification.independent.facts import EarnsNothing, Event, Figure, Rule
from payouts.verification.independent.money import ZERO
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "tiered", "conversions"


def needs_whole_periods(rule: Rule) -> bool:
    return bool(rule.formula.get("mode") == "whole")


def count(event: Event, rule: Rule, counter: Counter, sums: MutableMapping[Any, Fraction]) -> None:
    sums[_period(event, rule, counter)] += _moved(event, rule) or ZERO


def figure(event: Event, rule: Rule, counter: Counter, past: Past) -> Figure:
    """The event is counted in `past.sums` already."""
    basis, steps, moved = rule.formula["basis"], rule.formula["steps"], _moved(event, rule)
    if moved is None:
        raise EarnsNothing(f"it came without {basis}")
    period = _period(event, rule, counter)
    after = past.totals[period] if needs_whole_periods(rule) else past.sums[period]
    below = [step for step in steps if Fraction(step["above"]) < after]
    if not below:
        raise EarnsNothing("the period has not reached the first tier")
    if needs_whole_periods(rule) or not _is_cut(rule):
        return _by_one_step(event, rule, below[-1])
    return _by_parts(event, rule, after - moved, after)


def _moved(event: Event, rule: Rule) -> Fraction | None:
    """What the event adds to the period; None where it does not have it."""
    basis = rule.formula["basis"]
    if basis == "count":
        return Fraction(1)
    return event.revenue if basis == "revenue" else event.volume


def _period(event: Event, rule: Rule, counter: Counter) -> tuple[object, ...]:
    """Where it counts: by basis and period, and revenue by currency."""
    basis, period = rule.formula["basis"], rule.formula["period"]
    currency = event.currency if basis == "revenue" else ""
    return counter, basis, currency, period, first_day(period, event.occurred_at)


def _is_cut(rule: Rule) -> bool:
    """Whether an event can lie in several tiers: percentages of revenue, and amounts per lot."""
    basis, step = rule.formula["basis"], rule.formula["steps"][0]
    return (basis == "revenue" and "percent" in step) or (basis == "volume" and "amount" in step)


def _by_one_step(event: Event, rule: Rule, step: dict[str, str]) -> Figure:
    if "percent" in step:
        if event.revenue is None:
            raise EarnsNothing("it came without revenue")
        return Figure(
            event.revenue * Fraction(step["percent"]) / 100,
            event.currency,
            lambda: f"by the tier above {step['above']}",
        )
    lots = event.volume or ZERO if rule.formula["basis"] == "volume" else 1
    return Figure(
        Fraction(step["amount"]) * lots, rule.formula["currency"], lambda: f"by the tier above {step['above']}"
    )


def _by_parts(event: Event, rule: Rule, before: Fraction, after: Fraction) -> Figure:
    steps, total = rule.formula["steps"], ZERO
    for place, step in enumerate(steps):
        begins = max(before, Fraction(step["above"]))
        ends = min(after, Fraction(steps[place + 1]["above"])) if place + 1 < len(steps) else after
        if ends > begins:
            price = Fraction(step["percent"]) / 100 if "percent" in step else Fraction(step["amount"])
            total += (ends - begins) * price
    by_revenue = rule.formula["basis"] == "revenue"
    return Figure(total, event.currency if by_revenue else rule.formula["currency"], lambda: "by tiers")
