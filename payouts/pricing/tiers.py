"""Tiers: the commission of an event by the count, revenue or lots of its calendar period."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from payouts.pricing.amounts import EXACT, ZERO, Share, percent_of, percent_share
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.words import exact
from records.words import counted, plain

COUNT, REVENUE, VOLUME = "count", "revenue", "volume"
MARGINAL, WHOLE = "marginal", "whole"


class Tier(NamedTuple):
    """One tier: the part above a count, a sum of revenue or a number of lots."""

    above: Decimal
    percent: Decimal | None
    amount: Decimal | None


def steps_of(formula: Mapping[str, Any]) -> list[Tier]:
    """The tiers of a formula, the lowest first."""
    return [
        Tier(Decimal(step["above"]), _decimal(step.get("percent")), _decimal(step.get("amount")))
        for step in formula["steps"]
    ]


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def measure(event: PricedConversion, basis: str) -> Decimal | None:
    """How far an event moves the count of its tiers; None where it does not say."""
    if basis == COUNT:
        return Decimal(1)
    return event.revenue if basis == REVENUE else event.volume


def tiered_share(
    event: PricedConversion, rule: PricingRule, *, before: Decimal, total: Decimal, period: str
) -> Share | str:
    """The tier's share for an event that comes after `before`, in a period with `total` in all.

    With marginal tiers each part of the period is paid by the tier that it falls in; with whole-volume tiers the tier
    that the total reaches pays for all of it.
    """
    basis, steps = rule.formula["basis"], steps_of(rule.formula)
    moved = measure(event, basis)
    if moved is None:
        return f"Tiers by {basis}, but the event came without {basis}."
    if rule.formula["mode"] == WHOLE:
        step = step_at(steps, total)
        return (
            _by_step(event, rule, step, f"{_reached(basis, total, event.currency)} in {period}") if step else _below()
        )
    if _splits(steps, basis) and before + moved > steps[0].above:
        return _split_share(event, rule, steps, before, moved, period)
    step = step_at(steps, before + moved)
    return (
        _by_step(event, rule, step, f"{_reached(basis, before + moved, event.currency)} in {period}")
        if step
        else _below()
    )


def _below() -> str:
    return "The period has not reached the first tier."


def step_at(steps: Sequence[Tier], reached: Decimal) -> Tier | None:
    """The highest tier below the value reached."""
    return next((step for step in reversed(steps) if reached > step.above), None)


def _splits(steps: Sequence[Tier], basis: str) -> bool:
    """Whether one event may fall in several tiers: a share of the counted value, not an amount per event."""
    return all(
        (basis == REVENUE and step.percent is not None) or (basis == VOLUME and step.amount is not None)
        for step in steps
    )


def _by_step(event: PricedConversion, rule: PricingRule, step: Tier, reached: str) -> Share | str:
    if step.percent is not None:
        share = percent_share(event, step.percent)
        return share if isinstance(share, str) else share._replace(words=f"{share.words} ({reached})")
    amount, currency = step.amount or ZERO, rule.formula["currency"]
    if rule.formula["basis"] == REVENUE:
        # The affiliate is paid no share of the revenue, so the line names the tier and not the value reached.
        return Share(
            amount, currency, f"{exact(amount, currency)} (the tier above {exact(step.above, event.currency)})"
        )
    if rule.formula["basis"] == VOLUME:
        volume = event.volume or ZERO
        words = f"{exact(amount, currency)} per lot for {plain(volume)} lots ({reached})"
        return Share(EXACT.multiply(amount, volume), currency, words)
    return Share(amount, currency, f"{exact(amount, currency)} ({reached})")


def _split_share(
    event: PricedConversion, rule: PricingRule, steps: Sequence[Tier], before: Decimal, moved: Decimal, period: str
) -> Share:
    """The event's share, split across the tiers that it covers."""
    after, total, words = before + moved, ZERO, []
    by_revenue = rule.formula["basis"] == REVENUE
    currency = event.currency if by_revenue else rule.formula["currency"]
    tops = [step.above for step in steps[1:]] + [max(after, steps[-1].above)]
    for step, top in zip(steps, tops, strict=True):
        part = min(after, top) - max(before, step.above)
        if part <= 0:
            continue
        if by_revenue:
            total += percent_of(part, step.percent or ZERO)
            words.append(f"{plain(step.percent or ZERO)} % of {exact(part, currency)}")
        else:
            total += EXACT.multiply(part, step.amount or ZERO)
            words.append(f"{exact(step.amount or ZERO, currency)} per lot for {plain(part)} lots")
    text = f"{' + '.join(words)} (after {_reached(rule.formula['basis'], before, event.currency)} in {period})"
    return Share(total, currency, text)


def _reached(basis: str, reached: Decimal, currency: str) -> str:
    if basis == COUNT:
        return counted(int(reached), "conversion")
    return exact(reached, currency) if basis == REVENUE else f"{plain(reached)} lots"
