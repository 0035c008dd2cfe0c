"""Counts and sums over an affiliate's clicks, conversions and ledger, a few grouped queries each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from affiliates.models import Affiliate
from conversions.models import Conversion
from dashboard.periods import DayPeriod
from payouts.models import LedgerEntry
from tracking.counts import reading
from tracking.counts.reading import ClickCounts
from tracking.models import Click, TrackingLink

Money = list[tuple[str, Decimal]]
AHEAD = timedelta(days=2)


@dataclass(slots=True)
class LinkFigures:
    """The figures of one link in a period."""

    clicks: int = 0
    conversions: int = 0
    approved: int = 0
    commission: Money = field(default_factory=list)


def clicks_of(affiliate: Affiliate, period: DayPeriod) -> QuerySet[Click]:
    """The affiliate's clicks in a period; bounded by the click key, which the partitions are cut by."""
    lowest, beyond = period.click_bounds
    return Click.objects.filter(link__enrollment__affiliate=affiliate, id__gte=lowest, id__lt=beyond).order_by()


def link_numbers(affiliate: Affiliate) -> list[int]:
    """The affiliate's links as clicks are counted by them."""
    return list(TrackingLink.objects.filter(enrollment__affiliate=affiliate).order_by().values_list("pk", flat=True))


def conversions_of(affiliate: Affiliate, period: DayPeriod) -> QuerySet[Conversion]:
    """The affiliate's conversions whose event happened in a period; tests count nowhere."""
    return happened_in(Conversion.objects.filter(affiliate=affiliate, is_test=False), period).order_by()


def happened_in(conversions: QuerySet[Conversion], period: DayPeriod) -> QuerySet[Conversion]:
    """Intake refuses events from more than a day ahead, so an index over `received_at` bounds them too."""
    span = {"occurred_at__gte": period.starts_at, "occurred_at__lt": period.ends_at}
    return conversions.filter(received_at__gte=period.starts_at - AHEAD, **span)


def clicks_by_day(links: Collection[int], period: DayPeriod) -> dict[date, ClickCounts]:
    """Clicks on these links on each day of the period, also on those without any."""
    return reading.by_day(first_on=period.first_on, last_on=period.last_on, zone=period.zone, links=links)


def clicks_by_link(links: Collection[int], period: DayPeriod) -> dict[int, ClickCounts]:
    """Clicks on each of these links, also on those without any."""
    clicked = reading.by_link(since=period.starts_at, until=period.ends_at, links=links)
    return {number: clicked.get(number, ClickCounts()) for number in links}


def conversions_by_day(affiliate: Affiliate, period: DayPeriod) -> dict[date, dict[str, int]]:
    """How many conversions of each status happened on each day."""
    days: dict[date, dict[str, int]] = defaultdict(dict)
    rows = conversions_of(affiliate, period).values_list(TruncDate("occurred_at", tzinfo=period.zone), "status")
    for day, status, count in rows.annotate(Count("pk")):
        days[day][status] = count
    return days


def link_figures(affiliate: Affiliate, period: DayPeriod, clicked: Mapping[int, ClickCounts]) -> dict[int, LinkFigures]:
    """Conversions and commission of each link that is given with its clicks, two queries for all."""
    figures = {number: LinkFigures(each.clicks) for number, each in clicked.items()}
    approved = Count("pk", filter=Q(status=Conversion.Status.APPROVED))
    conversions = conversions_of(affiliate, period).filter(link__in=figures)
    for link_id, count, good in conversions.values_list("link_id").annotate(total=Count("pk"), approved=approved):
        figures[link_id].conversions, figures[link_id].approved = count, good
    commission = LedgerEntry.objects.filter(
        affiliate=affiliate,
        conversion__link__in=figures,
        occurred_at__gte=period.starts_at,
        occurred_at__lt=period.ends_at,
    ).order_by("currency")
    for link_id, currency, amount in commission.values_list("conversion__link", "currency").annotate(Sum("amount")):
        figures[link_id].commission.append((currency, amount))
    return figures


def commission_of(conversions: Iterable[Conversion]) -> dict[int, Money]:
    """The affiliate's commission on each of these conversions so far, by currency, without its parents' shares."""
    earned: dict[int, Money] = defaultdict(list)
    own = {"conversion__in": [row.pk for row in conversions], "conversion__affiliate": F("affiliate")}
    rows = LedgerEntry.objects.filter(**own).order_by("currency")
    for conversion_id, currency, amount in rows.values_list("conversion", "currency").annotate(Sum("amount")):
        earned[conversion_id].append((currency, amount))
    return earned


def clicks_by_id(click_ids: Iterable[UUID | None]) -> dict[UUID, Click]:
    """The stored clicks among these; expired ones are simply not there."""
    return Click.objects.in_bulk([click_id for click_id in click_ids if click_id])


def conversions_by_click(affiliate: Affiliate, click_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = Conversion.objects.filter(affiliate=affiliate, click_id__in=click_ids, is_test=False).order_by()
    return {click_id: count for click_id, count in rows.values_list("click_id").annotate(Count("pk")) if click_id}
