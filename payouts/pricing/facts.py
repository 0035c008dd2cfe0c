"""Input and output of pricing: events, rules, lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

APPROVED = "approved"
# How far up a family goes, and so how many levels of parents a rule may pay.
MOST_LEVELS = 10


@dataclass(frozen=True, slots=True)
class PricedConversion:
    """The facts of a conversion that its price depends on.

    `volume` counts lots; `deductions` are the sender's deductions from net revenue, by name, in `currency`. `country`,
    `subs` and `customer_since` are filled in only where a rule asks for them.
    """

    id: int
    affiliate_id: int
    offer_id: int
    goal_id: int
    status: str
    revenue: Decimal | None
    currency: str
    occurred_at: datetime
    customer_id: int | None = None
    volume: Decimal | None = None
    deductions: Mapping[str, str] = field(default_factory=dict)
    click_id: Any = None
    country: str = ""
    subs: Mapping[str, str] = field(default_factory=dict)
    customer_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PricedClicks:
    """Valid clicks of one link and day (UTC), of one country and sub IDs where a rule asks for them.

    `id` is their place among those that are priced together; `occurred_at` is the start of the day.
    """

    id: int
    affiliate_id: int
    offer_id: int
    occurred_at: datetime
    count: int
    country: str = ""
    subs: Mapping[str, str] = field(default_factory=dict)


PricedEvent = PricedConversion | PricedClicks


@dataclass(frozen=True, slots=True)
class PricingRule:
    """One rule: the events that it applies to, and their commission.

    `goal_id` None is every goal; an empty `country` or `sub_name` is all of them. `valid_until` is not included.
    `minimum`, `maximum` and `cap_amount` are in `limit_currency`. `formula` holds the kind's data beyond a price:
    tiers, levels of parents, or deductions.
    """

    id: int
    goal_id: int | None
    goal_name: str
    kind: str
    amount: Decimal | None = None
    currency: str = ""
    percent: Decimal | None = None
    country: str = ""
    sub_name: str = ""
    sub_value: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_component: bool = False
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    limit_currency: str = ""
    cap_amount: Decimal | None = None
    cap_count: int | None = None
    cap_period: str = ""
    max_months: int | None = None
    max_payments: int | None = None
    formula: Mapping[str, Any] = field(default_factory=dict)

    @property
    def selector(self) -> tuple[int | None, str, str, str]:
        """Which events it is for, validity aside."""
        return self.goal_id, self.sub_name, self.sub_value, self.country

    @property
    def account(self) -> tuple[object, ...]:
        """The key of the rule's counters: a new version of the plan continues the old one's counts."""
        return (*self.selector, self.kind)


@dataclass(frozen=True, slots=True)
class Family:
    """An affiliate's public ID and the numbers of its parents, the nearest first.

    `earlier` holds those of other times: until which moment (not included), and who they were; in order of time.
    """

    public_id: str
    parents: tuple[int, ...]
    earlier: tuple[tuple[datetime, tuple[int, ...]], ...] = ()

    def at(self, moment: datetime) -> tuple[int, ...]:
        """The parents of that moment."""
        return next((parents for until, parents in self.earlier if moment < until), self.parents)


Lineage = Mapping[int, Family]


@dataclass(frozen=True, slots=True)
class CommissionLine:
    """One owed amount, rounded; `arithmetic` says in words how it came about.

    It is negative only where a month's net revenue falls below the commission of earlier events of the month.
    """

    affiliate_id: int
    rule_id: int
    version_id: int
    amount: Decimal
    currency: str
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The commission of a conversion. Without lines, `reason` is the sentence that says why."""

    lines: tuple[CommissionLine, ...]
    reason: str = ""
