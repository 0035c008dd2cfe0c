"""What the operator panel's first page shows. Every query is bounded in time or number, however big the tables are.

Money is kept apart by currency everywhere: two currencies are never added.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Prefetch, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.http import urlencode

from affiliates.models import Affiliate, Enrollment
from conversions.models import Conversion, Postback, Trace
from payouts.models import LedgerEntry
from tracking.click_id import lowest_uuid

Status = Conversion.Status
Outcome = Postback.Outcome
REFUSED = (Outcome.INVALID, Outcome.UNAUTHORIZED, Outcome.FORBIDDEN, Outcome.UNKNOWN_CLICK, Outcome.CONFLICT)
DAYS = 30
Money = dict[str, Decimal]


@dataclass(slots=True)
class Day:
    """What happened on one day in the operator's time zone."""

    on: date
    clicks: int = 0
    conversions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Status.values, 0))
    revenue: Money = field(default_factory=lambda: defaultdict(Decimal))
    commission: Money = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(slots=True)
class Period:
    """Days added up. Revenue is that of approved conversions, commission what they earned so far."""

    title: str
    since: date
    clicks: int
    conversions: dict[str, int]
    revenue: list[tuple[str, Decimal]]
    commission: list[tuple[str, Decimal]]

    @property
    def total(self) -> int:
        return sum(self.conversions.values())


@dataclass(slots=True)
class Refusals:
    """Postbacks refused for one reason, of one advertiser."""

    reason: str
    label: str
    advertiser_id: int | None
    advertiser: str
    number: int

    @property
    def address(self) -> str:
        """The list of these postbacks."""
        sender = {"advertiser__id__exact": self.advertiser_id} if self.advertiser_id else {"advertiser__isnull": True}
        filters: dict[str, Any] = {"reason__exact": self.reason, **sender}
        return f"{reverse('admin:conversions_postback_changelist')}?{urlencode(filters)}"


@dataclass(slots=True)
class Leader:
    """An affiliate or an offer with what it brought."""

    id: int
    name: str
    approved: int
    revenue: list[tuple[str, Decimal]]
    commission: list[tuple[str, Decimal]]


def last_days(*, now: datetime, zone: tzinfo) -> list[Day]:
    """The last thirty days up to today, the oldest first: three queries."""
    today = now.astimezone(zone).date()
    days = {today - timedelta(days=back): Day(today - timedelta(days=back)) for back in reversed(range(DAYS))}
    since = _midnight(min(days), zone)
    for on, number in _clicks(list(days), zone).items():
        days[on].clicks = number
    recent = Conversion.objects.filter(received_at__gte=since)
    for on, status, currency, number, revenue in _conversions(recent, zone):
        days[on].conversions[status] += number
        if status == Status.APPROVED and revenue is not None:
            days[on].revenue[currency] += revenue
    for on, currency, amount in _commission(since, zone):
        days[on].commission[currency] += amount
    return list(days.values())


def _midnight(on: date, zone: tzinfo) -> datetime:
    return datetime.combine(on, time(), zone)


def _clicks(days: Sequence[date], zone: tzinfo) -> dict[date, int]:
    """Clicks by day, each a range of the time-ordered key, so that only the index is read."""
    edges = [lowest_uuid(_midnight(on, zone)) for on in (*days, days[-1] + timedelta(days=1))]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT day.number, (SELECT count(*) FROM tracking_click WHERE id >= day.low AND id < day.high)
            FROM unnest(%s::int[], %s::uuid[], %s::uuid[]) AS day(number, low, high)
            """,
            [list(range(len(days))), edges[:-1], edges[1:]],
        )
        return {days[number]: count for number, count in cursor.fetchall()}


def _conversions(rows: "QuerySet[Conversion]", zone: tzinfo) -> Iterable[tuple[date, str, str, int, Decimal | None]]:
    grouped = rows.order_by().annotate(day=TruncDate("received_at", tzinfo=zone))
    return grouped.values_list("day", "status", "currency").annotate(number=Count("pk"), revenue=Sum("revenue"))


def _commission(since: datetime, zone: tzinfo) -> Iterable[tuple[date, str, Decimal]]:
    """Commission less reversals, by the day on which the conversion was received."""
    lines = LedgerEntry.objects.filter(conversion__received_at__gte=since).order_by()
    grouped = lines.annotate(day=TruncDate("conversion__received_at", tzinfo=zone))
    return grouped.values_list("day", "currency").annotate(amount=Sum("amount"))


def periods(days: Sequence[Day]) -> list[Period]:
    """Today, the last seven and the last thirty days, today included."""
    return [_period(title, days[-length:]) for title, length in (("Today", 1), ("7 days", 7), ("30 days", DAYS))]


def _period(title: str, days: Sequence[Day]) -> Period:
    return Period(
        title=title,
        since=days[0].on,
        clicks=sum(day.clicks for day in days),
        conversions={status: sum(day.conversions[status] for day in days) for status in Status.values},
        revenue=_added(day.revenue for day in days),
        commission=_added(day.commission for day in days),
    )


def _added(amounts: Iterable[Money]) -> list[tuple[str, Decimal]]:
    """Sums by currency, the currencies in the order of the alphabet."""
    sums: Money = defaultdict(Decimal)
    for each in amounts:
        for currency, amount in each.items():
            sums[currency] += amount
    return sorted(sums.items())


def waiting_affiliates(limit: int = 5) -> list[Affiliate]:
    return list(Affiliate.objects.filter(status=Affiliate.Status.PENDING).order_by("created_at")[:limit])


def waiting_enrollments(limit: int = 5) -> list[Enrollment]:
    rows = Enrollment.objects.filter(status=Enrollment.Status.PENDING).select_related("affiliate", "offer")
    return list(rows.order_by("created_at")[:limit])


def pending_conversions(limit: int = 8) -> list[Conversion]:
    """Conversions that wait for a person, the oldest first; those that wait for a date only are left out."""
    rows = Conversion.objects.filter(status=Status.PENDING, approve_at=None).order_by("received_at")
    return list(rows.select_related("affiliate", "goal__offer")[:limit])


def refusals(*, now: datetime, limit: int = 10) -> list[Refusals]:
    """Postbacks refused in the last 24 hours by reason and advertiser, the most frequent first."""
    rows = Postback.objects.filter(received_at__gte=now - timedelta(hours=24), outcome__in=REFUSED).order_by()
    grouped = (
        rows.values("reason", "advertiser_id", "advertiser__name").annotate(number=Count("pk")).order_by("-number")
    )
    labels = dict(Postback._meta.get_field("reason").flatchoices)
    return [
        Refusals(
            row["reason"], labels[row["reason"]], row["advertiser_id"], row["advertiser__name"] or "", row["number"]
        )
        for row in grouped[:limit]
    ]


def recent_postbacks(limit: int = 10) -> list[Any]:
    """The newest postbacks, each with its decisions in `answers`."""
    traces = Trace.objects.order_by("pk").only("postback_id", "http_status")
    rows = Postback.objects.select_related("advertiser", "conversion").order_by("-pk")
    return list(rows.prefetch_related(Prefetch("traces", traces, to_attr="answers"))[:limit])


def top_affiliates(*, since: datetime, limit: int = 5) -> list[Leader]:
    """Affiliates by the number of approved conversions received since then."""
    return _leaders("affiliate", "affiliate__name", since, limit)


def top_offers(*, since: datetime, limit: int = 5) -> list[Leader]:
    """Offers by the number of approved conversions received since then."""
    return _leaders("goal__offer", "goal__offer__name", since, limit)


def _leaders(key: str, name: str, since: datetime, limit: int) -> list[Leader]:
    """Ranked by number, which can be compared; money cannot be, as there may be several currencies."""
    approved = Conversion.objects.filter(received_at__gte=since, status=Status.APPROVED).order_by()
    ranked = list(approved.values_list(key, name).annotate(number=Count("pk")).order_by("-number", name)[:limit])
    ids = [row[0] for row in ranked]
    revenue, commission = _by(ids), _by(ids)
    for row, currency, amount in (
        approved.filter(**{f"{key}__in": ids}).values_list(key, "currency").annotate(amount=Sum("revenue"))
    ):
        revenue[row][currency] += amount or 0
    lines = LedgerEntry.objects.filter(**{"conversion__received_at__gte": since, f"conversion__{key}__in": ids})
    for row, currency, amount in (
        lines.order_by().values_list(f"conversion__{key}", "currency").annotate(amount=Sum("amount"))
    ):
        commission[row][currency] += amount
    return [
        Leader(row, label, number, sorted(revenue[row].items()), sorted(commission[row].items()))
        for row, label, number in ranked
    ]


def _by(ids: Iterable[int]) -> dict[int, Money]:
    return {each: defaultdict(Decimal) for each in ids}
