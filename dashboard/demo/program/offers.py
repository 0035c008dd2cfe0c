"""The demo operator's program, of offers.toml: three advertisers with an offer each, goals and commission plans."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from affiliates.models import Offer
from conversions.models import Goal
from dashboard.demo.program.tables import build, tables

CASINO, CHALLENGE, SHOP = "LuckyFox Casino", "Northpeak Challenge", "Casa Verbena Shop"


@dataclass(frozen=True, slots=True)
class AskSpec:
    """A qualification rule: of a kind, about another goal, met within so many days."""

    kind: str
    other_goal: str
    within_days: int
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class GoalSpec:
    code: str
    name: str
    kind: Goal.Kind
    approval: Goal.Approval = Goal.Approval.AT_ONCE
    delay: timedelta | None = None
    needs_customer_id: bool = False
    needs_revenue: bool = False
    once_per_customer: bool = False
    minimum_revenue: str | None = None
    asks: tuple[AskSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """An offer and the advertiser behind it; `sender` is the address its postbacks come from."""

    name: str
    advertiser: str
    vertical: Offer.Vertical
    currency: str
    description: str
    terms: str
    destination: str
    fallback: str
    hosts: tuple[str, ...]
    window: timedelta
    lock: Offer.CustomerLock
    requires_approval: bool
    sender: str
    agent: str
    goals: tuple[GoalSpec, ...]


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A flat amount in a currency, or a percent of revenue; without a goal a price per click, up to a number a day."""

    goal: str = ""
    amount: str | None = None
    currency: str = ""
    percent: str | None = None
    clicks_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class ExampleSpec:
    """A worked example: its events, and by event the amount that the rule of the same place comes to.

    `payouts/plans/examples.py` gives the form of both.
    """

    name: str
    events: tuple[dict[str, Any], ...]
    expected: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """Rules in force since a number of days ago, published some days before that."""

    days_ago: int
    note: str
    rules: tuple[RuleSpec, ...]
    examples: tuple[ExampleSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSpec:
    name: str
    offer: str
    versions: tuple[VersionSpec, ...]
    affiliate: str | None = None


OFFERS = tuple(build(OfferSpec, each) for each in tables("offers.toml")["offers"])
PLANS = tuple(build(PlanSpec, each) for each in tables("offers.toml")["plans"])


def offer_named(name: str) -> OfferSpec | None:
    return next((offer for offer in OFFERS if offer.name == name), None)
