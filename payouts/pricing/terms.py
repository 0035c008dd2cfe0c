"""The terms that price events: plans, their versions, and the rules of each, grouped by the thing that they price."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from payouts.pricing.facts import PricingRule
from payouts.pricing.kind import Prices
from payouts.pricing.kinds import kind_of


@dataclass(frozen=True)
class VersionTerms:
    """One version of a plan with its rules."""

    id: int
    number: int
    effective_from: datetime
    rules: tuple[PricingRule, ...]

    @cached_property
    def earning(self) -> tuple[PricingRule, ...]:
        """The rules that pay the affiliate itself for conversions; those for parents and clicks are selected
        separately.
        """
        return tuple(rule for rule in self.rules if kind_of(rule).prices is Prices.CONVERSIONS)

    @cached_property
    def clicking(self) -> tuple[PricingRule, ...]:
        return tuple(rule for rule in self.rules if kind_of(rule).prices is Prices.CLICKS)

    @cached_property
    def sharing(self) -> tuple[PricingRule, ...]:
        return tuple(rule for rule in self.rules if kind_of(rule).prices is Prices.PARENTS)

    @cached_property
    def plain(self) -> dict[int | None, tuple[PricingRule, ...]]:
        """The answer by goal where no rule is narrowed by anything else; empty where one is."""
        if any(rule.country or rule.sub_name or rule.valid_from or rule.valid_until for rule in self.earning):
            return {}
        found: dict[int | None, tuple[PricingRule, ...]] = {}
        for rule in self.earning:
            found[rule.goal_id] = (*found.get(rule.goal_id, ()), rule)
        return found


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A plan with its versions, the newest first."""

    id: int
    name: str
    versions: tuple[VersionTerms, ...]

    def in_force(self, moment: datetime) -> VersionTerms | None:
        return next((version for version in self.versions if version.effective_from <= moment), None)


# By offer and affiliate; the offer's default plan has the key (offer, None).
PriceBook = Mapping[tuple[int, int | None], PlanTerms]
