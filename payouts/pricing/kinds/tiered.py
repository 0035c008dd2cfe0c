"""Tiers by count, revenue or lots of a calendar period; the arithmetic is in `payouts.pricing.tiers`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.pricing.amounts import ZERO, Share
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.inputs import AmountInput, ChoiceInput, Currency, PercentInput, Rows
from payouts.pricing.kind import ALL_LIMITS, NO_COLUMNS, CountsAhead, PerEvent, decimal_text
from payouts.pricing.limits import Key, Tally, account_of
from payouts.pricing.tiers import COUNT, MARGINAL, REVENUE, VOLUME, WHOLE, Tier, measure, steps_of, tiered_share
from payouts.pricing.words import exact
from records.money import PLACES
from records.periods import PERIODS, begins, in_words
from records.translation import gettext_lazy as _
from records.words import plain

UNITS = {COUNT: "conversions", REVENUE: "of revenue", VOLUME: "lots"}


def _step(row: Mapping[str, str]) -> dict[str, str]:
    priced = [name for name in ("percent", "amount") if row[name]]
    if not row["above"] or len(priced) != 1:
        raise ValueError("A tier says above what it begins, 0 for the first, and has a percent or an amount.")
    return {name: row[name] for name in ("above", *priced)}


class Tiered(CountsAhead, PerEvent):
    place = 50
    code = "tiered"
    label = _("Tiers by count, revenue or lots")
    earns = "by count, revenue or lots of a calendar period"
    example = "600, then 600: 10 % to 1000, 20 % above: 60.00, then 80.00"
    columns = NO_COLUMNS
    column_problem = "tiers carry their own prices: leave amount, currency and percent empty."
    inputs = {
        "basis": ChoiceInput(
            choices=[(COUNT, "Conversions"), (REVENUE, "Revenue"), (VOLUME, "Lots")], label=_("Counted by")
        ),
        "period": ChoiceInput(
            choices=[(each, "All time" if each == "total" else each.capitalize()) for each in PERIODS], initial="month"
        ),
        "mode": ChoiceInput(
            choices=[(MARGINAL, "Each tier pays for its part"), (WHOLE, "The tier reached pays for the whole period")]
        ),
        "steps": Rows(
            columns={"above": AmountInput(label=_("Above")), "percent": PercentInput(), "amount": AmountInput()},
            read=_step,
            label=_("Tiers"),
            help=_("All tiers pay a percent, or all an amount."),
            missing=_("Give at least one tier."),
        ),
        "currency": Currency(help=_("Of tiers that pay amounts.")),
    }
    limits = ALL_LIMITS
    names_amount = False

    def share(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> Share | str:
        key = _key(event, rule, plan_id)
        before, total = tally.sums[key], tally.totals.get(key, ZERO)
        period = in_words(rule.formula["period"], event.occurred_at)
        return tiered_share(event, rule, before=before, total=total, period=period)

    def follow(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> None:
        tally.sums[_key(event, rule, plan_id)] += _counted(event, rule)

    def counts_ahead(self, rule: PricingRule) -> bool:
        """The tier that a whole period reaches is known once all of it is counted."""
        return bool(rule.formula["mode"] == WHOLE)

    def count_ahead(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> None:
        tally.totals[_key(event, rule, plan_id)] += _counted(event, rule)

    def looks_back(self, rule: PricingRule) -> set[str]:
        return {rule.formula["period"]}

    def words(self, rule: PricingRule) -> str:
        basis, period, currency = rule.formula["basis"], rule.formula["period"], rule.formula.get("currency", "")
        steps = "; ".join(_step_words(step, currency, basis) for step in steps_of(rule.formula))
        is_whole = rule.formula["mode"] == WHOLE
        how = "the whole period at the tier that it reaches" if is_whole else "each tier for its part"
        return f"tiers by {'all time' if period == 'total' else period} ({steps}; {how})"

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return all(step.percent is not None for step in steps_of(rule.formula))

    def needs_revenue(self, rule: PricingRule) -> bool:
        return rule.formula.get("basis") == REVENUE

    def problems(self, rule: PricingRule) -> Iterator[str]:
        yield from ()

    def formula_problems(self, formula: Mapping[str, Any]) -> Iterator[str]:
        if formula["basis"] not in (COUNT, REVENUE, VOLUME) or formula["mode"] not in (MARGINAL, WHOLE):
            yield "tiers count by count, revenue or volume, and are marginal or whole."
        if formula["period"] not in PERIODS:
            yield f"the period of tiers is one of {', '.join(PERIODS)}."
        steps = formula["steps"]
        floors = [decimal_text(step["above"]) for step in steps]
        if not floors or floors[0] < 0 or any(low >= high for low, high in zip(floors, floors[1:], strict=False)):
            yield "each tier begins above the one before it."
        priced_by = {("percent" in step, "amount" in step) for step in steps}
        if not priced_by <= {(True, False)} and not priced_by <= {(False, True)}:
            yield "all tiers have a percent, or all have an amount."
        yield from _price_problems(formula, steps)

    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        if (steps := rule.formula.get("steps")) and steps[0]["above"] != "0":
            yield f"what lies below {steps[0]['above']} in a {rule.formula['period']} earns nothing."

    def formula_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        formula = {name: given[name] for name in ("basis", "mode", "period", "steps")}
        priced = any("amount" in step for step in given["steps"])
        return {**formula, "currency": given["currency"]} if priced else formula

    def given_of(self, formula: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: formula[name] for name in ("basis", "mode", "period", "steps")}
        return {**given, "currency": formula.get("currency", "")}


def _counted(event: PricedConversion, rule: PricingRule) -> Decimal:
    """How far the event moves the period; a refund that is an event of its own does not."""
    if event.revenue is not None and event.revenue < 0:
        return ZERO
    return measure(event, rule.formula["basis"]) or ZERO


def _key(event: PricedConversion, rule: PricingRule, plan_id: int) -> Key:
    """Where a tier counts: its basis and period, and by revenue its currency too.

    A new version that counts something else begins at zero.
    """
    basis, period = rule.formula["basis"], rule.formula["period"]
    currency = event.currency if basis == REVENUE else ""
    return (*account_of(event, rule, plan_id), basis, period, begins(period, event.occurred_at), currency)


def _step_words(step: Tier, currency: str, basis: str) -> str:
    price = f"{plain(step.percent)} %" if step.percent is not None else exact(step.amount or ZERO, currency)
    above = f"{plain(step.above)} {UNITS[basis]}"
    return f"{price} above {above}" if step.above or basis != COUNT else f"{price} from the first"


def _price_problems(formula: Mapping[str, Any], steps: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if any("amount" in step for step in steps) and formula.get("currency") not in PLACES:
        yield "tiers with amounts name the currency of them."
    for step in steps:
        price = decimal_text(step.get("percent", step.get("amount")))
        if price < 0 or ("percent" in step and price > 100):
            yield "a tier pays at least 0, and at most 100 percent."
