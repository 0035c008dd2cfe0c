"""Booking commission per click: the amount owed for a day's clicks minus the amount booked for them.

The same path as for conversions (`payouts.ledger.booking`): a higher count, a lower count because clicks were found to
be bots', and a new version of the plan each become a line of difference. All clicks of a link and day that one rule
prices are one amount, rounded once. They are priced separately from conversions, whose caps and tiers do not count
clicks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from payouts.ledger.chain import Draft, append
from payouts.ledger.owed import Slot, Subject, booked_amounts, differences_of, slot_of
from payouts.ledger.pricing_groups import PricingGroup, TimeSpan, lineage, lock_accounts, spans
from payouts.models import BilledClicks, CommissionPlan, LedgerEntry
from payouts.plans.price_books import keep_versions, price_book
from payouts.pricing import (
    CommissionLine,
    PriceBook,
    PricedClicks,
    choose_rules,
    choose_version,
    price_all,
)
from payouts.pricing.precedence import SUB_NAMES, most_specific
from records.periods import BEGINNING, END, first_day_under

# The time of a day's entries: noon UTC is the same day in nearly every time zone.
NOON = time(12, tzinfo=UTC)


def book_clicks(*, limit: int = 1000, now: datetime | None = None) -> int:
    """Bring the ledger up to date with counted clicks; return how many link days were processed.

    Runs in one transaction, with any number of workers: locked rows are skipped, and accounts that share a cap are
    processed by one worker at a time. A constant number of queries for any `limit`.
    """
    with transaction.atomic():
        keep_versions()
        rows = BilledClicks.objects.filter(booked_at=None).order_by("pk").select_related("link")
        due = list(rows.select_for_update(skip_locked=True, of=("self",), no_key=True)[:limit])
        if not due:
            return 0
        append(click_differences(due, lock=True), now=now)
        BilledClicks.objects.filter(pk__in=[row.pk for row in due]).update(booked_at=now or timezone.now())
    return len(due)


def click_differences(due: Sequence[BilledClicks], *, lock: bool = False) -> list[Draft]:
    """Owed minus booked for these days and those that a cap counts with them: commission, or a reversal."""
    concerned, owed, reasons = price_clicks(due, lock=lock)
    booked = booked_amounts("clicks", [row.pk for row in concerned])
    return [
        draft
        for row in concerned
        for draft in _differences(row, owed.get(row.pk, {}), booked.get(row.pk, {}), reasons.get(row.pk, ""))
    ]


def price_clicks(
    due: Sequence[BilledClicks], *, lock: bool = False
) -> tuple[list[BilledClicks], dict[int, dict[Slot, CommissionLine]], dict[int, str]]:
    """All priced rows, the amount of each by slot, and the reason, in words, if a row earns nothing."""
    book = price_book(offer_ids={row.offer_id for row in due}, affiliate_ids={row.affiliate_id for row in due})
    wanted = spans([event for row in due for event in _events(row)], book, clicks=True)
    if wanted and lock:
        lock_accounts(wanted, clicks=True)
    concerned = [*due, *_neighbours(due, wanted)] if wanted else list(due)
    sources, events = _gathered(concerned, book)
    quotes = price_all(events, book, lineage(book, {row.affiliate_id for row in concerned}))
    owed: dict[int, dict[Slot, CommissionLine]] = defaultdict(dict)
    reasons: dict[int, str] = {}
    for number, pk in enumerate(sources):
        quote = quotes[number]
        for line in quote.lines:
            slot = slot_of(line)
            before = owed[pk].get(slot)
            owed[pk][slot] = _sum(before, line) if before else line
        if quote.reason:
            reasons[pk] = quote.reason
    return concerned, owed, reasons


def _events(row: BilledClicks) -> list[PricedClicks]:
    """The parts of the day, each as an event at the day's start (UTC)."""
    moment = datetime.combine(row.day, time(), UTC)
    return [
        PricedClicks(
            id=0,
            affiliate_id=row.affiliate_id,
            offer_id=row.offer_id,
            occurred_at=moment,
            count=int(part["clicks"]),
            country=part.get("country", ""),
            subs={name: part[name] for name in SUB_NAMES if name in part},
        )
        for part in row.parts or [{"clicks": 0}]
    ]


def _gathered(rows: Iterable[BilledClicks], book: PriceBook) -> tuple[list[int], list[PricedClicks]]:
    """One event for all parts of a row that the same rules price, each with its row.

    Ordered by day and link, so that a cap runs out the same way in every run.
    """
    sources: list[int] = []
    events: list[PricedClicks] = []
    for row in sorted(rows, key=lambda row: (row.day, row.pk)):
        groups: dict[object, PricedClicks] = {}
        for event in _events(row):
            key = _rules_for(event, book)
            known = groups.get(key)
            groups[key] = replace(event, count=event.count + known.count) if known else event
        for event in groups.values():
            events.append(replace(event, id=len(events)))
            sources.append(row.pk)
    return sources, events


def _rules_for(event: PricedClicks, book: PriceBook) -> tuple[int, ...]:
    chosen = choose_version(event, book)
    if isinstance(chosen, str):
        return ()
    _, version = chosen
    rules = (*choose_rules(event, version), *most_specific(event, version.sharing))
    return tuple(rule.id for rule in rules)


def _sum(before: CommissionLine, line: CommissionLine) -> CommissionLine:
    return replace(before, amount=before.amount + line.amount, arithmetic=f"{before.arithmetic} + {line.arithmetic}")


def _neighbours(due: Sequence[BilledClicks], wanted: Mapping[PricingGroup, TimeSpan]) -> QuerySet[BilledClicks]:
    """The other days of these accounts in the spans that their caps count over."""
    found = Q(pk__in=[])
    for account, span in wanted.items():
        mine = Q(affiliate=account.affiliate_id, offer=account.offer_id)
        if span.begins_at != BEGINNING:
            mine &= Q(day__gte=span.begins_at.date())
        if span.ends_at != END:
            mine &= Q(day__lt=span.ends_at.date())
        found |= mine
    known = [row.pk for row in due]
    return BilledClicks.objects.filter(found).exclude(pk__in=known).select_related("link")


def _differences(
    row: BilledClicks, owed: Mapping[Slot, CommissionLine], booked: Mapping[Slot, Decimal], reason: str
) -> list[Draft]:
    """`Link k3n8d2x on 2026-11-20: 0.10 EUR per click for 340 valid clicks = 34.00 EUR`; a parent reads no link."""

    def where(affiliate_id: int) -> str:
        return f"Link {row.link.code} on {row.day}: " if affiliate_id == row.affiliate_id else f"Clicks of {row.day}: "

    subject = Subject(datetime.combine(row.day, NOON), clicks=(row.pk, row.public_id))
    return differences_of(subject, owed, booked, reason=reason, where=where)


def problems_of_paid_clicks(plan: CommissionPlan, effective_from: datetime, now: datetime) -> list[str]:
    """Paid clicks stay paid: refuse a version in the past that would price them again."""
    if effective_from >= now:
        return []
    paid = LedgerEntry.objects.filter(clicks__offer=plan.offer_id, clicks__day__gte=first_day_under(effective_from))
    if plan.affiliate_id:
        paid = paid.filter(clicks__affiliate=plan.affiliate_id)
    last = paid.aggregate(last=Max("clicks__day"))["last"]
    if last is None:
        return []
    return [
        f"Clicks up to {last} are paid for, and a version in the past would price them again: begin after that day."
    ]


def make_clicks_due(plan: CommissionPlan, effective_from: datetime) -> None:
    """Make the days under the new terms due for counting and booking: new rules may name other countries or sub IDs."""
    days = BilledClicks.objects.filter(offer=plan.offer_id, day__gte=first_day_under(effective_from))
    if plan.affiliate_id:
        days = days.filter(affiliate=plan.affiliate_id)
    locked = days.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    BilledClicks.objects.filter(pk__in=list(locked)).update(booked_at=None, seen=None)
