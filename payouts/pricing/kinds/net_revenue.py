"""A share of each month's net revenue (RevShare); the arithmetic is in `payouts.pricing.revshare_month`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from payouts.pricing.amounts import ZERO
from payouts.pricing.facts import CommissionLine, PricedConversion, PricingRule
from payouts.pricing.inputs import HOW_MANY_PERCENT, AmountInput, PercentInput, Rows, Switch, TextInput
from payouts.pricing.kind import ConversionKind, Limits, decimal_text
from payouts.pricing.limits import Tally, account_of
from payouts.pricing.revshare_month import NetRevenueMonth as Month
from records.money import MAX_AMOUNT, PLACES
from records.periods import TOTAL
from records.translation import gettext_lazy as _
from records.words import plain


def _deduction(row: Mapping[str, str]) -> dict[str, str]:
    if not row["name"] or (row["percent"] and row["amount"]):
        raise ValueError("A deduction has a name, and a percent, an amount, or neither: then it is what is sent.")
    return {name: value for name, value in row.items() if value}


class NetRevenue(ConversionKind):
    place = 60
    code = "net_revenue"
    label = _("Share of net revenue by month (RevShare)")
    earns = "its share of each month's net revenue"
    example = "gross 1000, bonus 200: 30 % of 800 = 240.00"
    columns = frozenset({"percent"})
    column_problem = "a share of net revenue has a percent, and neither amount nor currency."
    inputs = {
        "percent": PercentInput(missing=HOW_MANY_PERCENT),
        "deductions": Rows(
            columns={
                "name": TextInput(read=str.strip, longest=255),
                "percent": PercentInput(),
                "amount": AmountInput(),
                "cap": AmountInput(label=_("At most")),
            },
            read=_deduction,
            help=_("By customer and month. Without percent and amount: what the sender sends, such as bonus or fees."),
        ),
        "carryover": Switch(label=_("Losses are carried over"), help=_("A month below zero is made up by the next.")),
        "recoup_cpa": Switch(
            label=_("CPA is made up first"),
            help=_("Shares are first set against the CPA of the plan's other components."),
        ),
        "ring_fence": AmountInput(help=_("A customer with a greater loss in a month does not draw the others down.")),
    }
    limits = Limits(
        ("is_component",), problem="shares of net revenue and shares for parents have no limits per conversion."
    )

    def line(
        self, event: PricedConversion, rule: PricingRule, plan_id: int, version_id: int, tally: Tally
    ) -> CommissionLine | str:
        """The event's change to its month's rounded share; negative where the share falls."""
        currency = event.currency
        if event.revenue is None:
            return "A share of net revenue, but the event came without revenue."
        if currency not in PLACES:
            return f"{currency or 'An empty currency'} is not a supported currency."
        month = tally.state(
            (*account_of(event, rule, plan_id), currency),
            lambda: Month(rule.formula, rule.percent or ZERO, currency),
        )
        pot = (event.affiliate_id, event.offer_id, plan_id, currency)
        to_recoup = tally.to_recoup[pot] if rule.formula.get("recoup_cpa") else ZERO
        amount, words, made_up = month.add(event, rule, to_recoup)
        if made_up:
            tally.to_recoup[pot] -= made_up
        if not amount:
            return f"{words}; a line of zero is not booked."
        if abs(amount) >= MAX_AMOUNT:
            return f"{words} is more than an amount can hold; correct the rule or the revenue."
        return CommissionLine(event.affiliate_id, rule.id, version_id, amount, currency, words)

    def looks_back(self, rule: PricingRule) -> set[str]:
        return {TOTAL}

    def words(self, rule: PricingRule) -> str:
        formula = rule.formula
        names = [each["name"] for each in formula.get("deductions", ())]
        words = f"{plain(rule.percent or ZERO)} % of net revenue by month"
        words += f" less {', '.join(names)}" if names else ""
        words += ", losses carried over" if formula.get("carryover") else ""
        words += f", ring fence {formula['ring_fence']}" if formula.get("ring_fence") is not None else ""
        return words + (", CPA made up first" if formula.get("recoup_cpa") else "")

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return True

    def needs_revenue(self, rule: PricingRule) -> bool:
        return True

    def problems(self, rule: PricingRule) -> Iterator[str]:
        yield from ()

    def formula_problems(self, formula: Mapping[str, Any]) -> Iterator[str]:
        unknown = formula.keys() - {"deductions", "carryover", "ring_fence", "recoup_cpa"}
        if unknown:
            yield f"unknown in the formula: {', '.join(sorted(unknown))}."
        for each in formula.get("deductions", ()):
            if not each["name"] or {"percent", "amount"} <= each.keys():
                yield "a deduction has a name, and a percent, an amount, or what is sent under its name."
            if any(decimal_text(each[name]) < 0 for name in ("percent", "amount", "cap") if each.get(name) is not None):
                yield f"the deduction {each['name']} is negative."
        if formula.get("ring_fence") is not None and decimal_text(formula["ring_fence"]) < 0:
            yield "the ring fence is an amount of loss, at least 0."

    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        if rule.formula.get("recoup_cpa") and components < 2:
            yield "there is no component of CPA beside it that it could make up."

    def formula_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = {"deductions": given["deductions"]} if given["deductions"] else {}
        found |= {name: True for name in ("carryover", "recoup_cpa") if given[name]}
        return found | ({"ring_fence": plain(given["ring_fence"])} if given["ring_fence"] is not None else {})

    def given_of(self, formula: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: formula.get(name) for name in ("carryover", "recoup_cpa", "ring_fence")}
        return {**given, "deductions": formula.get("deductions", [])}
