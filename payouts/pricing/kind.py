"""The base of a kind of commission: one class holds all that differs between kinds. No database.

A kind is one file in `payouts/pricing/kinds/` with one class. Its base determines what it prices: `PerEvent` (a single
conversion, within the limits of its rule), `ConversionKind` (a conversion, with its own arithmetic), `ClickKind` or
`ParentKind`. `PARTS` lists what a kind must have; the table (`payouts.pricing.kinds`) refuses one that lacks any.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from payouts.pricing.amounts import Share
from payouts.pricing.facts import CommissionLine, Family, PricedClicks, PricedConversion, PricedEvent, PricingRule
from payouts.pricing.inputs import Input
from payouts.pricing.limits import Tally, account_of, capped, line_of, run_out, within_bounds
from payouts.pricing.words import exact
from records.periods import first_day_under

# Each part of a kind with its description, used in the error when it is missing and in docs/how-to.
PARTS = {
    "place": "where it stands in lists, the lowest first",
    "code": "its name in documents and in the database",
    "label": "its name in the panel",
    "earns": "what it earns, for docs/commission.md",
    "example": "an example with numbers, for docs/commission.md",
    "prices": "what it prices, by its base: PerEvent, ConversionKind, ClickKind or ParentKind",
    "columns": "which of amount, currency and percent a rule has; the database refuses any other",
    "column_problem": "the sentence for a rule that has other ones",
    "inputs": "what its form asks for, by name",
    "limits": "which limits a rule may have",
    "share": "its arithmetic: an exact amount for one event, or why it is nothing",
    "names_amount": "whether the words of a share end with the amount, so that the line need not repeat it",
    "line": "its arithmetic: a rounded line for one event, or why there is none",
    "lines": "its arithmetic: the lines of the parents",
    "counts_ahead": "whether all events of a rule are counted before the first is priced",
    "count_ahead": "counting one event before any is priced",
    "looks_back": "the periods that are priced together, because an event's price depends on others of it",
    "words": "what a rule pays, as one reads it aloud",
    "is_share_of_revenue": "whether the line is a part of the revenue, so that the affiliate may see the revenue",
    "needs_revenue": "whether an event without revenue earns nothing",
    "problems": "what refuses a rule, beside its formula",
    "formula_problems": "what refuses its formula",
    "hints": "what an operator should know of a rule before it is published",
    "formula_of": "the formula, from what the form was given",
    "given_of": "what the form shows, from the formula",
}
Event = TypeVar("Event", PricedConversion, PricedClicks, PricedEvent)

COLUMNS = frozenset({"amount", "currency", "percent"})
NO_COLUMNS: frozenset[str] = frozenset()


class Prices(StrEnum):
    """The thing priced. Rules for clicks and parents are selected separately from those for conversions."""

    CONVERSIONS = "conversions"
    CLICKS = "clicks"
    PARENTS = "parents"

    @property
    def unit(self) -> str:
        return "click" if self is Prices.CLICKS else "conversion"


CAP = ("cap_amount", "cap_count", "cap_period")
PER_CONVERSION = ("minimum", "maximum", "limit_currency", *CAP, "max_months", "max_payments", "is_component")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a rule may have, and the sentences for a rule that has others, or is a component although it may
    not be.
    """

    names: tuple[str, ...]
    problem: str = ""
    component_problem: str = ""


ALL_LIMITS = Limits(PER_CONVERSION)


class CommissionKind(ABC):
    """The parts that every kind has. Methods are given the rule as pricing reads it, published or not yet."""

    place: ClassVar[int]
    code: ClassVar[str]
    label: ClassVar[str]
    earns: ClassVar[str]
    example: ClassVar[str]
    prices: ClassVar[Prices]
    columns: ClassVar[frozenset[str]]
    column_problem: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]
    limits: ClassVar[Limits]

    @abstractmethod
    def looks_back(self, rule: PricingRule) -> set[str]:
        """The periods over which it counts, beside the rule's cap; none where events are priced independently."""

    @abstractmethod
    def words(self, rule: PricingRule) -> str:
        """`25 % of revenue`; countries and limits are added to it."""

    @abstractmethod
    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        """Only True shows the affiliate the advertiser's revenue."""

    @abstractmethod
    def needs_revenue(self, rule: PricingRule) -> bool: ...

    @abstractmethod
    def problems(self, rule: PricingRule) -> Iterator[str]:
        """Sentences that refuse the rule; columns, limits and the formula are checked elsewhere."""

    @abstractmethod
    def formula_problems(self, formula: Mapping[str, Any]) -> Iterator[str]:
        """The formula's errors as sentences. The formula may be any JSON; one that cannot be read may raise."""

    @abstractmethod
    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        """Sentences for the preview. `components` of the version are for the same events, itself counted in."""

    @abstractmethod
    def formula_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The formula from the values of the kind's inputs."""

    @abstractmethod
    def given_of(self, formula: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the inputs that are no columns, as the form shows them."""


class WithoutFormula(CommissionKind):
    """A kind that is priced by its columns alone, each event by itself."""

    def looks_back(self, rule: PricingRule) -> set[str]:
        return set()

    def formula_problems(self, formula: Mapping[str, Any]) -> Iterator[str]:
        if formula:
            yield "this kind has no formula."

    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        yield from ()

    def formula_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def given_of(self, formula: Mapping[str, Any]) -> dict[str, Any]:
        return {}


class EarningKind(CommissionKind, Generic[Event]):
    """A kind that earns the affiliate itself a line."""

    @abstractmethod
    def line(
        self, event: Event, rule: PricingRule, plan_id: int, version_id: int, tally: Tally
    ) -> CommissionLine | str:
        """The rounded line of one event, or in a sentence why there is none. `tally` holds the run's counters."""


class ConversionKind(EarningKind[PricedConversion]):
    """A kind that prices conversions."""

    prices: ClassVar = Prices.CONVERSIONS


class CountsAhead(ABC):
    """A second base for kinds whose first event may depend on later ones, so that all are counted beforehand."""

    @abstractmethod
    def counts_ahead(self, rule: PricingRule) -> bool:
        """Whether this rule does."""

    @abstractmethod
    def count_ahead(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> None:
        """Count one event, before any is priced."""


class PerEvent(ConversionKind):
    """A conversion's exact share, held within the rule's limits and rounded once. A refund earns nothing."""

    names_amount: ClassVar[bool]

    @abstractmethod
    def share(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> Share | str:
        """The exact amount with its currency and the words for it, or why the event earns nothing."""

    def follow(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> None:
        """Count an event that was priced, whether a limit let it earn or not. Most kinds count nothing."""

    def line(
        self, event: PricedConversion, rule: PricingRule, plan_id: int, version_id: int, tally: Tally
    ) -> CommissionLine | str:
        if event.revenue is not None and event.revenue < 0:
            return f"The revenue is negative ({exact(event.revenue, event.currency)}); a refund earns nothing."
        line = self._limited(event, rule, plan_id, version_id, tally)
        self.follow(event, rule, plan_id, tally)
        return line

    def _limited(
        self, event: PricedConversion, rule: PricingRule, plan_id: int, version_id: int, tally: Tally
    ) -> CommissionLine | str:
        is_recurring = rule.max_months is not None or rule.max_payments is not None
        if is_recurring and (over := run_out(event, rule, plan_id, tally)):
            return over
        share = self.share(event, rule, plan_id, tally)
        if not isinstance(share, str) and (rule.minimum is not None or rule.maximum is not None or rule.limit_currency):
            share = within_bounds(rule, share)
        if isinstance(share, str):
            return share
        line = line_of(event, rule, version_id, share, self.names_amount)
        if rule.cap_period and not isinstance(line, str):
            line = capped(event, rule, plan_id, tally, line)
        if isinstance(line, str):
            return line
        if rule.max_payments:
            tally.payments[account_of(event, rule, plan_id), event.customer_id] += 1
        if rule.is_component:
            tally.to_recoup[event.affiliate_id, event.offer_id, plan_id, line.currency] += line.amount
        return line


class ClickKind(EarningKind[PricedClicks]):
    """A kind that prices clicks. They are billed by whole days (UTC), before anyone has converted."""

    prices: ClassVar = Prices.CLICKS

    def problems(self, rule: PricingRule) -> Iterator[str]:
        if rule.goal_id is not None:
            yield "clicks are paid whatever comes of them: leave the goal empty."
        if any(each and each.astimezone(UTC).time() != time.min for each in (rule.valid_from, rule.valid_until)):
            yield "clicks are billed by whole days: its validity begins and ends at midnight UTC."

    def hints(self, rule: PricingRule, *, components: int, effective_from: datetime) -> Iterator[str]:
        yield f"clicks are paid by whole days (UTC), the first one is {first_day_under(effective_from)}."


class ParentKind(CommissionKind):
    """A kind that pays parents a share when an affiliate below them earns."""

    prices: ClassVar = Prices.PARENTS

    @abstractmethod
    def lines(
        self, event: PricedEvent, rule: PricingRule, version_id: int, family: Family, earned: Sequence[CommissionLine]
    ) -> list[CommissionLine]:
        """A line for each parent of the event's time that has a share; `earned` are the lines of the child."""


def decimal_text(text: Any) -> Decimal:
    """A decimal that was written as text, so that no digit is lost on the way through JSON."""
    if not isinstance(text, str):
        raise TypeError(text)
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number
