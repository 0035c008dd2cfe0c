"""The stored rows that commission is computed from, and the result: what is owed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple


class EarnsNothing(Exception):
    """The event earns nothing by this rule; the message says why."""


# What terms raise that are not of the form that docs/commission.md gives.
UNREADABLE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


class CannotPrice(Exception):
    """What the event earns by this rule cannot be computed here; the message says why."""

    def __init__(self, rule: "Rule", why: str) -> None:
        super().__init__(why)
        self.rule = rule

    @classmethod
    def by(cls, rule: "Rule", error: Exception) -> "CannotPrice":
        return cls(rule, f"its terms cannot be read ({error!r})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of CommissionRule. Empty texts and None mean: no limit, or for all."""

    id: int
    kind: str
    goal_id: int | None = None
    country: str = ""
    sub_name: str = ""
    sub_value: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    amount: Fraction | None = None
    currency: str = ""
    percent: Fraction | None = None
    is_component: bool = False
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    limit_currency: str = ""
    cap_amount: Fraction | None = None
    cap_count: int | None = None
    cap_period: str = ""
    max_months: int | None = None
    max_payments: int | None = None
    formula: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counter(self) -> tuple[object, ...]:
        """The rule across versions: a rule for the same events and of the same kind goes on counting."""
        return self.goal_id, self.sub_name, self.sub_value, self.country, self.kind


@dataclass(frozen=True, slots=True)
class Version:
    """A row of PlanVersion with its rules, which are selected for conversions, for clicks and for parents apart."""

    id: int
    effective_from: datetime
    conversions: tuple[Rule, ...]
    clicks: tuple[Rule, ...] = ()
    parents: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    id: int
    versions: tuple[Version, ...]


# By offer and affiliate; None in place of the affiliate is the offer's default plan.
Plans = Mapping[tuple[int, int | None], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An approved conversion, less what was refunded; or a link's clicks of a day, at the day's first moment."""

    id: int
    affiliate_id: int
    offer_id: int
    occurred_at: datetime
    goal_id: int | None = None
    revenue: Fraction | None = None
    currency: str = ""
    customer_id: int | None = None
    customer_since: datetime | None = None
    volume: Fraction | None = None
    sent: Mapping[str, str] = field(default_factory=dict)
    country: str = ""
    subs: Mapping[str, str] = field(default_factory=dict)


class ParentSince(NamedTuple):
    """A row of Parentage: the parent from a moment on; None is from the beginning, and no parent."""

    since: datetime | None
    parent_id: int | None


# The rows of each affiliate in the order in which they were written.
Parentage = Mapping[int, Sequence[ParentSince]]


Words = Callable[[], str]


class Figure(NamedTuple):
    """An exact amount, before limits and rounding, and how it comes about: the words are asked for where it differs."""

    amount: Fraction
    currency: str
    words: Words


class Owed(NamedTuple):
    """A rounded amount that an affiliate is owed for an event by a rule."""

    affiliate_id: int
    version_id: int
    rule_id: int
    currency: str
    amount: Fraction
    words: Words
