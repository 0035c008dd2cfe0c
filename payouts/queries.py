"""Reads for pages and API: balances, earnings, and the lines and reasons behind a conversion."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from affiliates.models import Affiliate
from conversions.models import Conversion
from payouts.ledger.booking import quote_all, read_events
from payouts.ledger.pricing_groups import with_facts
from payouts.models import BilledClicks, LedgerEntry
from payouts.plans.price_books import price_book
from payouts.pricing import PricedConversion, Quote, estimate_all
from tracking.models import Click

Kind = LedgerEntry.Kind
ZERO = Decimal(0)


class Balance(NamedTuple):
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Earning:
    """An affiliate's money in one currency.

    `balance` is the amount owed now; `earned_total` everything earned so far (commission, reversals,
    adjustments and VAT) and `paid` everything paid, as a positive number, so that balance = earned_total - paid.
    `pending_estimate` is the commission of the pending conversions if all of them were approved.
    """

    currency: str
    balance: Decimal
    pending_estimate: Decimal
    paid: Decimal
    earned_total: Decimal


@dataclass(frozen=True, slots=True)
class DayCommission:
    """Commission less reversals of the events of one day, in one currency."""

    day: date
    currency: str
    amount: Decimal


def balances(affiliate: Affiliate) -> list[Balance]:
    """The affiliate's balances by currency, including currencies settled to zero."""
    return balances_of([affiliate.pk]).get(affiliate.pk, [])


def balances_of(affiliate_ids: Collection[int]) -> dict[int, list[Balance]]:
    """The same for many affiliates at once; those without entries are left out."""
    sums = (
        LedgerEntry.objects.filter(affiliate__in=affiliate_ids)
        .order_by("affiliate_id", "currency")
        .values_list("affiliate_id", "currency")
        .annotate(total=Sum("amount"))
    )
    found: dict[int, list[Balance]] = defaultdict(list)
    for affiliate_id, currency, total in sums:
        found[affiliate_id].append(Balance(currency, total))
    return dict(found)


def entries_for(conversion_ids: Collection[int]) -> dict[int, list[LedgerEntry]]:
    """The ledger lines of these conversions, oldest first, with plan version and affiliate at hand."""
    entries = LedgerEntry.objects.filter(conversion__in=conversion_ids).order_by("affiliate_id", "sequence")
    found: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries.select_related("affiliate", "plan_version__plan", "rule__goal"):
        if entry.conversion_id is not None:
            found[entry.conversion_id].append(entry)
    return dict(found)


def explain(conversion_ids: Collection[int]) -> dict[int, Quote]:
    """The commission of these conversions in their current state, with its rule, or `reason` if they earn nothing."""
    rows = read_events(Conversion.objects.filter(pk__in=conversion_ids))
    return quote_all([row.event for row in rows])


def estimates(events: Collection[PricedConversion]) -> dict[int, Quote]:
    """The commission of these conversions if all were approved, by ID; earlier conversions are not counted."""
    affiliates = {event.affiliate_id for event in events}
    book = price_book(offer_ids={event.offer_id for event in events}, affiliate_ids=affiliates)
    return estimate_all(with_facts(list(events), book), book)


def earnings(affiliate: Affiliate) -> list[Earning]:
    """The affiliate's money by currency, pending conversions included."""
    paid = Q(kind__in=LedgerEntry.PAYING)
    sums = (
        LedgerEntry.objects.filter(affiliate=affiliate)
        .order_by()
        .values_list("currency")
        .annotate(earned=Coalesce(Sum("amount", filter=~paid), ZERO), paid=Coalesce(Sum("amount", filter=paid), ZERO))
    )
    booked = {currency: (earned, paid) for currency, earned, paid in sums}
    pending = _pending_estimates(affiliate)
    found = []
    for currency in sorted(booked.keys() | pending.keys()):
        earned, payments = booked.get(currency, (ZERO, ZERO))
        found.append(Earning(currency, earned + payments, pending.get(currency, ZERO), -payments, earned))
    return found


def _pending_estimates(affiliate: Affiliate) -> dict[str, Decimal]:
    pending = Conversion.objects.filter(affiliate=affiliate, status=Conversion.Status.PENDING, is_test=False).order_by()
    events = [row.event for row in read_events(pending)]
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for quote in estimates(events).values():
        for line in quote.lines:
            if line.affiliate_id == affiliate.pk:
                totals[line.currency] += line.amount
    return dict(totals)


def commission_by_day(affiliate: Affiliate, since: datetime, *, zone: tzinfo = UTC) -> list[DayCommission]:
    """Commission less reversals by the day of the event in `zone`, oldest first; days without any are left out.

    A reversal counts on the day of the event that it takes back, as the conversion itself does.
    """
    sums = (
        LedgerEntry.objects.filter(
            affiliate=affiliate, kind__in=[Kind.COMMISSION, Kind.REVERSAL], occurred_at__gte=since
        )
        .annotate(day=TruncDate("occurred_at", tzinfo=zone))
        .order_by("day", "currency")
        .values_list("day", "currency")
        .annotate(total=Sum("amount"))
    )
    return [DayCommission(day, currency, total) for day, currency, total in sums]


def with_paid(clicks: QuerySet[Click]) -> QuerySet[Click]:
    """Clicks with `paid_day`, the row of the day's clicks of their link where a plan pays per click, and its count.

    The click is one of them when it is neither a bot's nor a duplicate.
    """
    days = BilledClicks.objects.filter(link=OuterRef("link"), day=OuterRef("day")).order_by()
    return clicks.annotate(day=TruncDate("clicked_at", tzinfo=UTC)).annotate(
        paid_day=Subquery(days.values("pk")[:1]), paid_clicks=Subquery(days.values("clicks")[:1])
    )
