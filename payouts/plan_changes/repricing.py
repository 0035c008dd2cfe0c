"""Repricing booked events: compare the ledger with the plans in force, and book the difference."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from affiliates.models import Offer
from conversions.models import Conversion
from payouts.ledger.booking import Due, book_changes, price_together, read_events
from payouts.ledger.owed import booked_amounts
from payouts.plan_changes.what_if import Progress

BATCH = 1000
Sums = dict[tuple[int, str], Decimal]


class RepricedChange(NamedTuple):
    """An affiliate's booked and recalculated commission in a currency for the span."""

    affiliate_id: int
    currency: str
    before: Decimal
    after: Decimal


def _of_offer(offer: Offer, starts_at: datetime, ends_at: datetime) -> QuerySet[Conversion]:
    return Conversion.objects.filter(
        goal__offer=offer,
        status=Conversion.Status.APPROVED,
        is_test=False,
        occurred_at__gte=starts_at,
        occurred_at__lt=ends_at,
    )


def booked_and_owed(
    *, offer: Offer, starts_at: datetime, ends_at: datetime, progress: Progress
) -> Iterator[RepricedChange]:
    """The amounts booked for the span's events, and their commission by the plans in force, by affiliate and currency.

    Parents have changes of their own, one for each child. Writes nothing.
    """
    rows = _of_offer(offer, starts_at, ends_at)
    affiliates = list(rows.order_by("affiliate_id").values_list("affiliate_id", flat=True).distinct())
    for number, affiliate_id in enumerate(affiliates, 1):
        yield from _changes(read_events(rows.filter(affiliate=affiliate_id).order_by("pk")))
        progress("affiliates", number, len(affiliates))


def _changes(due: list[Due]) -> Iterator[RepricedChange]:
    quotes = price_together(due)[1]
    ids = [row.event.id for row in due]
    before: Sums = defaultdict(Decimal)
    after: Sums = defaultdict(Decimal)
    for slots in booked_amounts("conversion", ids).values():
        for slot, amount in slots.items():
            before[slot.affiliate_id, slot.currency] += amount
    for pk in ids:
        for line in quotes[pk].lines:
            after[line.affiliate_id, line.currency] += line.amount
    for affiliate_id, currency in sorted(before.keys() | after.keys()):
        key = affiliate_id, currency
        yield RepricedChange(affiliate_id, currency, before[key], after[key])


def price_again(*, offer: Offer, starts_at: datetime, ends_at: datetime, progress: Progress) -> int:
    """Book due events, then make the span's booked events due in batches and book them; return how many there were.

    What is right already gets no line, so running it twice changes nothing.
    """
    rows = _of_offer(offer, starts_at, ends_at).filter(booked_at__isnull=False).order_by("pk")
    total, last, done = rows.count(), 0, 0
    book_all()
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        with transaction.atomic():
            locked = Conversion.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
            Conversion.objects.filter(pk__in=[row.pk for row in locked.only("pk")]).update(booked_at=None)
        book_all()
        done += len(ids)
        progress("conversions", done, max(total, done))
    return done


def book_all() -> None:
    """Book until nothing is due that no other worker holds."""
    while book_changes(limit=BATCH) == BATCH:
        pass
