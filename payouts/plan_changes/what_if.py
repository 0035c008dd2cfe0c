"""What-ifs: what rules would have paid for a past span of time, compared with the terms in force. Writes nothing.

Both sides are priced by the functions that book (`payouts.pricing`), so events not booked yet count on both. Events are
read in batches: across affiliates if no rule depends on earlier events, otherwise affiliate by affiliate, so that
memory is bounded by the batch, or by the largest account.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet

from affiliates.models import Affiliate
from conversions.models import Conversion
from payouts.ledger.booking import Due, price_together, read_events
from payouts.ledger.pricing_groups import looks_back
from payouts.models import CommissionPlan, CommissionRule
from payouts.plans.documents import PlanRefused
from payouts.plans.linter import problems_of_rules
from payouts.plans.price_books import price_book, terms_of_rule
from payouts.pricing import APPROVED, CommissionLine, PlanTerms, PriceBook, PricingRule, Quote, VersionTerms

BATCH = 2000
MOST_AFFILIATES = 50
# Of each currency and direction.
EXAMPLES = 3
COUNTED = (Conversion.Status.APPROVED, Conversion.Status.PENDING)
ZERO = Decimal(0)

Progress = Callable[[str, int, int], None]


class Proposal(NamedTuple):
    """Rules that replace a plan's own from one moment on, applied to the events until another."""

    plan: CommissionPlan
    rules: Sequence[CommissionRule]
    starts_at: datetime
    ends_at: datetime


class AffiliateOutcome(NamedTuple):
    """An affiliate's money in one currency for the span, by the terms in force and by the proposal.

    `before` and `after` are sums of approved conversions; `expected_…` adds pending ones as if they were approved.
    """

    affiliate_id: int
    currency: str
    before: Decimal
    after: Decimal
    expected_before: Decimal
    expected_after: Decimal

    @property
    def loses(self) -> bool:
        return self.after < self.before or self.expected_after < self.expected_before


def with_everybody(outcomes: Iterable[AffiliateOutcome], affiliate_ids: Iterable[int]) -> Iterator[AffiliateOutcome]:
    """The outcomes, and one of zero for each of these affiliates that has none: no money moves for it."""
    missing = set(affiliate_ids)
    for each in outcomes:
        missing.discard(each.affiliate_id)
        yield each
    for affiliate in Affiliate.objects.filter(pk__in=missing).order_by("pk"):
        yield AffiliateOutcome(affiliate.pk, affiliate.currency, ZERO, ZERO, ZERO, ZERO)


class WhatIfExample(NamedTuple):
    """A conversion by both terms. `change` is what its own affiliate gains in `currency`."""

    change: Decimal
    currency: str
    conversion: str
    affiliate_id: int
    occurred_at: datetime
    before: Quote
    after: Quote


@dataclass(slots=True)
class Comparison:
    """The results of the events so far, added up by affiliate and currency."""

    events: int = 0
    sums: dict[tuple[int, str], list[Decimal]] = field(default_factory=lambda: defaultdict(lambda: [ZERO] * 4))
    examples_by_change: dict[tuple[str, bool], list[tuple[Decimal, int, WhatIfExample]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def outcomes(self) -> list[AffiliateOutcome]:
        return [AffiliateOutcome(*key, *amounts) for key, amounts in sorted(self.sums.items())]

    def examples(self) -> list[WhatIfExample]:
        """The conversions that change most, by currency: losses first, the greatest change before the others."""
        found = [each for heap in self.examples_by_change.values() for *_, each in heap]
        return sorted(found, key=lambda each: (each.currency, each.change > 0, -abs(each.change)))

    def add(self, column: int, quotes: Mapping[int, Quote], ids: Sequence[int]) -> None:
        for pk in ids:
            for line in quotes[pk].lines:
                self.sums[line.affiliate_id, line.currency][column] += line.amount

    def add_example(self, row: Due, before: Quote, after: Quote) -> None:
        """Keep the conversion as an example if few change more."""
        changes = _own(after, row.event.affiliate_id)
        for currency, amount in _own(before, row.event.affiliate_id).items():
            changes[currency] -= amount
        for currency, change in changes.items():
            heap = self.examples_by_change[currency, change > 0]
            if change and (len(heap) < EXAMPLES or abs(change) > heap[0][0]):
                event = row.event
                kept = WhatIfExample(
                    change, currency, row.public_id, event.affiliate_id, event.occurred_at, before, after
                )
                heapq.heappush(heap, (abs(change), -event.id, kept))
                if len(heap) > EXAMPLES:
                    heapq.heappop(heap)


def _own(quote: Quote, affiliate_id: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in quote.lines:
        if line.affiliate_id == affiliate_id:
            found[line.currency] += line.amount
    return found


def events_of(proposal: Proposal) -> "QuerySet[Conversion]":
    """The events that are compared: of the offer, or of the one affiliate whose plan it is."""
    rows = Conversion.objects.filter(
        goal__offer=proposal.plan.offer_id,
        status__in=COUNTED,
        is_test=False,
        occurred_at__gte=proposal.starts_at,
        occurred_at__lt=proposal.ends_at,
    )
    return rows.filter(affiliate=proposal.plan.affiliate_id) if proposal.plan.affiliate_id else rows


def compare(proposal: Proposal, *, progress: Progress) -> Comparison:
    """Price the span's events by the terms in force and by the proposal.

    Parents have outcomes of their own. Affiliates with a plan of their own stay with it when the offer's default
    plan is tried. Raise `PlanRefused` when the rules could not be published.
    """
    problems = problems_of_rules(proposal.plan, proposal.rules)
    if problems:
        raise PlanRefused(problems)
    rules = [terms_of_rule(rule) for rule in proposal.rules]
    together = _looks_back(proposal, rules)
    found, total = Comparison(), events_of(proposal).count()
    for due in _batches(proposal, together):
        _compare_batch(found, proposal, rules, due, together)
        found.events += len(due)
        progress("events", found.events, max(total, found.events))
    return found


def _looks_back(proposal: Proposal, rules: Sequence[PricingRule]) -> bool:
    """Whether the commission of one event may depend on others, by the proposal or by the terms in force."""
    known = CommissionRule.objects.filter(version__plan__offer=proposal.plan.offer_id).select_related("goal")
    return any(looks_back(rule) for rule in (*rules, *map(terms_of_rule, known)))


def _compare_batch(
    found: Comparison, proposal: Proposal, rules: Sequence[PricingRule], due: list[Due], together: bool
) -> None:
    plan = proposal.plan
    book = price_book(offer_ids=[plan.offer_id], affiliate_ids={row.event.affiliate_id for row in due})
    approved = [row.event.id for row in due if row.event.status == APPROVED]
    expected = [row if row.event.status == APPROVED else _approved(row) for row in due]
    quotes = []
    for column, terms in enumerate((book, _with_proposal(book, proposal, rules))):
        of_all = price_together(expected, book=terms)[1]
        # Where events are priced independently, pending events do not change the amounts of approved ones.
        apart = together and len(approved) < len(due)
        found.add(column, price_together(due, book=terms)[1] if apart else of_all, approved)
        found.add(column + 2, of_all, [row.event.id for row in due])
        quotes.append(of_all)
    for row in due:
        found.add_example(row, quotes[0][row.event.id], quotes[1][row.event.id])


def _approved(row: Due) -> Due:
    return row._replace(event=replace(row.event, status=APPROVED))


def _batches(proposal: Proposal, together: bool) -> Iterator[list[Due]]:
    """By affiliate where accounts are priced as a whole, else in the order of numbers."""
    rows = events_of(proposal)
    if together:
        for affiliates in _affiliates(rows):
            yield read_events(rows.filter(affiliate__in=affiliates).order_by("pk"))
        return
    last = 0
    while due := read_events(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = due[-1].event.id
        yield due


def _affiliates(rows: "QuerySet[Conversion]") -> Iterator[list[int]]:
    """Affiliates together until they have a batch of events."""
    together: list[int] = []
    events = 0
    for affiliate_id, number in rows.order_by("affiliate_id").values_list("affiliate_id").annotate(Count("pk")):
        if together and (events + number > BATCH or len(together) == MOST_AFFILIATES):
            yield together
            together, events = [], 0
        together.append(affiliate_id)
        events += number
    if together:
        yield together


def _with_proposal(
    book: PriceBook, proposal: Proposal, rules: Sequence[PricingRule]
) -> dict[tuple[int, int | None], PlanTerms]:
    key = proposal.plan.offer_id, proposal.plan.affiliate_id
    plan = book.get(key) or PlanTerms(0, proposal.plan.name, ())
    older = tuple(version for version in plan.versions if version.effective_from < proposal.starts_at)
    number = older[0].number + 1 if older else 1
    tried = VersionTerms(0, number, proposal.starts_at, tuple(rules))
    return {**book, key: PlanTerms(plan.id, plan.name, (tried, *older))}


def as_document(example: WhatIfExample) -> dict[str, Any]:
    """The example as it is stored: amounts are strings, both arithmetics in words."""
    return {
        "conversion": example.conversion,
        "affiliate": example.affiliate_id,
        "occurred_at": example.occurred_at.isoformat(),
        "currency": example.currency,
        "change": str(example.change),
        "before": _as_json(example.before, example.affiliate_id),
        "after": _as_json(example.after, example.affiliate_id),
    }


def _as_json(quote: Quote, affiliate_id: int) -> dict[str, Any]:
    mine: list[CommissionLine] = [line for line in quote.lines if line.affiliate_id == affiliate_id]
    lines = [{"amount": str(line.amount), "currency": line.currency, "arithmetic": line.arithmetic} for line in mine]
    return {"lines": lines, "reason": quote.reason}
