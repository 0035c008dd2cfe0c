"""Shares for the affiliate's parents, by level, of its commission or of the revenue."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.pricing.amounts import Share, percent_of
from payouts.pricing.facts import MOST_LEVELS, CommissionLine, Family, PricedClicks, PricedEvent, PricingRule
from payouts.pricing.inputs import ChoiceInput, TextInput
from payouts.pricing.kind import NO_COLUMNS, Limits, ParentKind, decimal_text
from payouts.pricing.limits import line_of
from payouts.pricing.words import exact
from records.money import PLACES, round_money, round_together
from records.translation import gettext_lazy as _
from records.words import plain

COMMISSION, REVENUE = "commission", "revenue"


def _levels(text: str) -> list[str]:
    return [each for each in re.split(r"[,;\s%]+", text) if each]


class Parents(ParentKind):
    place = 70
    code = "parents"
    label = _("Share for parent affiliates")
    earns = "for the affiliate's parents, by level, of its commission or of the revenue"
    example = "10 % and 5 % of 120.00: 12.00 and 6.00"
    columns = NO_COLUMNS
    column_problem = "a share for parents has its percentages by level: leave amount, currency and percent empty."
    inputs = {
        "of": ChoiceInput(choices=[(COMMISSION, "Of the commission"), (REVENUE, "Of the revenue")], label=_("A share")),
        "levels": TextInput(read=_levels, longest=100, help=_("Percent by level, the nearest parent first: 10, 5, 2")),
    }
    limits = Limits(
        (),
        problem="shares of net revenue and shares for parents have no limits per conversion.",
        component_problem="a share for parents stands beside the others anyway; it is no component.",
    )

    def lines(
        self, event: PricedEvent, rule: PricingRule, version_id: int, family: Family, earned: Sequence[CommissionLine]
    ) -> list[CommissionLine]:
        found: list[CommissionLine] = []
        parents = family.at(event.occurred_at)
        levels = [Decimal(percent) for percent in rule.formula["levels"][: len(parents)]]
        for currency, base in _bases(event, rule, earned).items():
            what = f"the {rule.formula['of']} of {family.public_id}, {exact(base, currency)}"
            shares = _shares(base, levels, currency)
            for level, (parent, percent, share) in enumerate(zip(parents, levels, shares, strict=False), 1):
                words = f"level {level}: {plain(percent)} % of {what}{share.words}"
                line = line_of(event, rule, version_id, share._replace(words=words))
                if not isinstance(line, str):
                    found.append(replace(line, affiliate_id=parent))
        return found

    def looks_back(self, rule: PricingRule) -> set[str]:
        return set()

    def words(self, rule: PricingRule) -> str:
        levels = ", ".join(f"{each} %" for each in rule.formula["levels"])
        return f"parents by level: {levels} of the {rule.formula['of']}"

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return False

    def needs_revenue(self, rule: PricingRule) -> bool:
        return False

    def problems(self, rule: PricingRule) -> Iterator[str]:
        yield from ()

    def formula_problems(self, formula: Mapping[str, Any]) -> Iterator[str]:
        if formula["of"] not in (COMMISSION, REVENUE):
            yield "parents have a share of the commission or of the revenue."
        levels = [decimal_text(each) for each in formula["levels"]]
        if not 1 <= len(levels) <= MOST_LEVELS or any(not 0 <= each <= 100 for each in levels):
            yield f"parents have one to {MOST_LEVELS} levels, each from 0 to 100 percent."

    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        yield from ()

    def formula_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"of": given["of"], "levels": given["levels"]}

    def given_of(self, formula: Mapping[str, Any]) -> dict[str, Any]:
        return {"of": formula["of"], "levels": ", ".join(formula["levels"])}


def _shares(base: Decimal, percents: list[Decimal], currency: str) -> list[Share]:
    """Each level's share, with a note where it differs from the share rounded alone.

    Together the levels add up to their percentages of the base, rounded once: no unit is created or lost.
    """
    exactly = [percent_of(base, percent) for percent in percents]
    if currency not in PLACES:
        return [Share(amount, currency, "") for amount in exactly]
    return [
        Share(part, currency, "" if part == round_money(amount, currency) else ", rounded with the other levels")
        for part, amount in zip(round_together(exactly, currency), exactly, strict=True)
    ]


def _bases(event: PricedEvent, rule: PricingRule, earned: Sequence[CommissionLine]) -> dict[str, Decimal]:
    """The bases of the shares, by currency: two currencies are never added."""
    if rule.formula["of"] == REVENUE:
        if isinstance(event, PricedClicks) or event.revenue is None:
            return {}
        return {event.currency: event.revenue}
    bases: dict[str, Decimal] = defaultdict(Decimal)
    for line in earned:
        bases[line.currency] += line.amount
    return bases
