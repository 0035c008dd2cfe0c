"""Pricing of many events at once: pure arithmetic over facts and plans. No database.

Events are processed by the time at which they happened, and by number within a moment, independent of the input order.
The commission of an event may depend on earlier events (caps, marginal tiers, a number of payments, net revenue) or on
its whole period (whole-volume tiers): then all approved events of the affiliate on the offer must be given. Each kind
computes the amount of its rules (`payouts.pricing.kinds`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from payouts.pricing.facts import (
    APPROVED,
    CommissionLine,
    Lineage,
    PricedClicks,
    PricedConversion,
    PricedEvent,
    PricingRule,
    Quote,
)
from payouts.pricing.kind import CountsAhead, EarningKind, ParentKind
from payouts.pricing.kinds import KINDS, kind_of
from payouts.pricing.limits import Tally
from payouts.pricing.precedence import choose_rules, choose_version, most_specific
from payouts.pricing.terms import PriceBook, VersionTerms

NO_PARENTS: Lineage = {}


def price_all(events: Iterable[PricedEvent], book: PriceBook, lineage: Lineage = NO_PARENTS) -> dict[int, Quote]:
    """The commission of each event in its current state, by its ID, with the rule and version of each line."""
    found: dict[int, Quote] = {}
    counting = []
    for event in events:
        if isinstance(event, PricedConversion) and event.status != APPROVED:
            found[event.id] = Quote((), f"The conversion is {event.status}; only an approved one earns.")
        else:
            counting.append(event)
    found.update(_Run(book, lineage).quotes(counting))
    return found


def estimate_all(events: Iterable[PricedEvent], book: PriceBook, lineage: Lineage = NO_PARENTS) -> dict[int, Quote]:
    """The commission of each conversion if all of these were approved and no others came before them."""
    return _Run(book, lineage).quotes(events)


def price(event: PricedEvent, book: PriceBook, lineage: Lineage = NO_PARENTS) -> Quote:
    """The commission of one conversion in its current state, as if it were the first of its account."""
    return price_all([event], book, lineage)[event.id]


def estimate(event: PricedEvent, book: PriceBook, lineage: Lineage = NO_PARENTS) -> Quote:
    """The commission of one conversion if it were approved, as if it were the first of its account."""
    return estimate_all([event], book, lineage)[event.id]


@dataclass(slots=True)
class _Run:
    """One pricing of a set of events, with its counters."""

    book: PriceBook
    lineage: Lineage
    tally: Tally = field(default_factory=Tally)

    def quotes(self, events: Iterable[PricedEvent]) -> dict[int, Quote]:
        ordered = sorted(events, key=lambda event: (event.occurred_at, event.id))
        rules = (rule for plan in self.book.values() for version in plan.versions for rule in version.rules)
        if ahead := {id(rule): kind for rule in rules if (kind := _counting_ahead(rule))}:
            self._count_ahead(ordered, ahead)
        return {event.id: self._quote(event) for event in ordered}

    def _count_ahead(self, events: list[PricedEvent], ahead: Mapping[int, CountsAhead]) -> None:
        for event in events:
            chosen = choose_version(event, self.book)
            if isinstance(chosen, str) or isinstance(event, PricedClicks):
                continue
            plan, version = chosen
            for rule in choose_rules(event, version):
                if kind := ahead.get(id(rule)):
                    kind.count_ahead(event, rule, plan.id, self.tally)

    def _quote(self, event: PricedEvent) -> Quote:
        chosen = choose_version(event, self.book)
        if isinstance(chosen, str):
            return Quote((), chosen)
        plan, version = chosen
        lines, reasons = [], []
        for rule in choose_rules(event, version):
            # A cast, because `choose_rules` gives no others and asking would cost each event a tenth more.
            kind = cast("EarningKind[PricedEvent]", KINDS[rule.kind])
            found = kind.line(event, rule, plan.id, version.id, self.tally)
            if isinstance(found, str):
                reasons.append(found)
            else:
                lines.append(found)
        if not lines and not reasons:
            what = "clicks" if isinstance(event, PricedClicks) else "this goal"
            reasons.append(f"{plan.name} v{version.number} has no rule for {what}.")
        if version.sharing and lines:
            lines += self._to_parents(event, version, lines)
        return Quote(tuple(lines), " ".join(reasons) if not lines else "")

    def _to_parents(
        self, event: PricedEvent, version: VersionTerms, lines: list[CommissionLine]
    ) -> list[CommissionLine]:
        """A line for each parent that the most specific rule gives a share."""
        family = self.lineage.get(event.affiliate_id)
        if not family or not family.at(event.occurred_at):
            return []
        rules = most_specific(event, version.sharing)[:1]
        return [line for rule in rules for line in _parent_kind(rule).lines(event, rule, version.id, family, lines)]


def _counting_ahead(rule: PricingRule) -> CountsAhead | None:
    """The rule's kind, where it has to count all events before the first is priced."""
    kind = kind_of(rule)
    return kind if isinstance(kind, CountsAhead) and kind.counts_ahead(rule) else None


def _parent_kind(rule: PricingRule) -> ParentKind:
    kind = kind_of(rule)
    assert isinstance(kind, ParentKind)  # `VersionTerms.sharing` holds no others
    return kind
