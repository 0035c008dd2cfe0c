"""Data of the operator panel's first page. Every query is bounded in time or number, however big the tables are.

Amounts are separate by currency everywhere: two currencies are never added.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Prefetch
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from affiliates.models import Affiliate, Enrollment, Offer, User
from affiliates.roles.reach import Affiliates
from conversions.models import Conversion, Postback, Trace
from conversions.reasons.codes import Reason
from tracking.counts.reading import by_day
from tracking.models import TrackingLink

Status = Conversion.Status
Outcome = Postback.Outcome
REFUSED = (Outcome.INVALID, Outcome.UNAUTHORIZED, Outcome.FORBIDDEN, Outcome.UNKNOWN_CLICK, Outcome.CONFLICT)
DAYS = 30
LEADERS = 5
Money = dict[str, Decimal]

# Both are for all affiliates or for some (`whose`). They add up by day, affiliate and goal first, in one pass over
# the rows, and then what that left by each alone.
CONVERSIONS = """
    WITH part AS (
        SELECT (received_at AT TIME ZONE %(zone)s)::date AS day, affiliate_id, goal_id, status, currency,
               count(*) AS number, sum(revenue - refunded) AS revenue
        FROM conversions_conversion WHERE received_at >= %(since)s AND NOT is_test AND {whose} GROUP BY 1, 2, 3, 4, 5
    )
    SELECT day, affiliate_id, offer_id, status, currency, sum(number)::bigint, sum(revenue)
    FROM part JOIN conversions_goal goal ON goal.id = goal_id
    GROUP BY GROUPING SETS ((day, status, currency), (affiliate_id, status, currency), (offer_id, status, currency))
"""
# Commission less reversals, by the day on which the conversion was received.
LEDGER = """
    WITH part AS (
        SELECT (received_at AT TIME ZONE %(zone)s)::date AS day, row.affiliate_id, goal_id, line.currency,
               sum(line.amount) AS amount
        FROM conversions_conversion row JOIN payouts_ledgerentry line ON line.conversion_id = row.id
        WHERE received_at >= %(since)s AND {whose} GROUP BY 1, 2, 3, 4
    )
    SELECT day, affiliate_id, offer_id, currency, sum(amount)
    FROM part JOIN conversions_goal goal ON goal.id = goal_id
    GROUP BY GROUPING SETS ((day, currency), (affiliate_id, currency), (offer_id, currency))
"""


@dataclass(slots=True)
class Day:
    """The figures of one day in the operator's time zone."""

    on: date
    clicks: int = 0
    conversions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Status.values, 0))
    revenue: Money = field(default_factory=lambda: defaultdict(Decimal))
    commission: Money = field(default_factory=lambda: defaultdict(Decimal))

    def count(self, status: str, currency: str, number: int, revenue: Decimal | None) -> None:
        self.conversions[status] += number
        if status == Status.APPROVED and revenue is not None:
            self.revenue[currency] += revenue


@dataclass(slots=True)
class PeriodSums:
    """The sums of several days. Revenue is that of approved conversions, commission theirs so far."""

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
    """An affiliate or an offer with the figures of its approved conversions."""

    id: int
    name: str = ""
    approved: int = 0
    revenue: Money = field(default_factory=lambda: defaultdict(Decimal))
    commission: Money = field(default_factory=lambda: defaultdict(Decimal))

    def count(self, currency: str, number: int, revenue: Decimal | None) -> None:
        self.approved += number
        if revenue is not None:
            self.revenue[currency] += revenue


@dataclass(slots=True)
class OverviewFigures:
    """The last thirty days, and who brought most in them."""

    days: list[Day]
    affiliates: list[Leader]
    offers: list[Leader]


def figures(*, now: datetime, zone: tzinfo, affiliates: Affiliates = None) -> OverviewFigures:
    """The last thirty days up to today, the oldest first, and the leaders of that time: five queries.

    Of these affiliates; None is all.

    Conversions and ledger lines are read once each and grouped by day, affiliate and offer in that pass.
    """
    today = now.astimezone(zone).date()
    days = {on: Day(on) for on in (today - timedelta(days=back) for back in reversed(range(DAYS)))}
    for on, counted in by_day(first_on=min(days), last_on=today, zone=zone, links=_links(affiliates)).items():
        days[on].clicks = counted.clicks
    since = _midnight(min(days), zone)
    whose = {"since": since, "zone": str(zone), "affiliates": affiliates}
    by_affiliate: dict[int, Leader] = {}
    offers: dict[int, Leader] = {}
    for day, affiliate, offer, status, currency, number, revenue in _grouped(CONVERSIONS, whose, "affiliate_id"):
        if day:
            days[day].count(status, currency, number, revenue)
        elif status == Status.APPROVED:
            leaders, key = (by_affiliate, affiliate) if affiliate else (offers, offer)
            leaders.setdefault(key, Leader(key)).count(currency, number, revenue)
    for day, affiliate, offer, currency, amount in _grouped(LEDGER, whose, "line.affiliate_id"):
        leader = by_affiliate.get(affiliate) or offers.get(offer)
        earned = days[day].commission if day else leader.commission if leader else None
        if earned is not None:
            earned[currency] += amount
    return OverviewFigures(list(days.values()), _first(by_affiliate, Affiliate), _first(offers, Offer))


def _first(leaders: dict[int, Leader], model: type[Affiliate] | type[Offer]) -> list[Leader]:
    """Ranked by number, which can be compared; money cannot be, as there may be several currencies."""
    ranked = sorted(leaders.values(), key=lambda leader: (-leader.approved, leader.id))[:LEADERS]
    names = dict(model._default_manager.filter(pk__in=[leader.id for leader in ranked]).values_list("pk", "name"))
    for leader in ranked:
        leader.name = names[leader.id]
        # A template looks up .items as a key first, and a defaultdict has every key.
        leader.revenue, leader.commission = dict(leader.revenue), dict(leader.commission)
    return ranked


def _midnight(on: date, zone: tzinfo) -> datetime:
    return datetime.combine(on, time(), zone)


def _links(affiliates: Affiliates) -> list[int] | None:
    if affiliates is None:
        return None
    return list(TrackingLink.objects.filter(enrollment__affiliate__in=affiliates).values_list("pk", flat=True))


def _grouped(query: str, given: dict[str, Any], column: str) -> list[tuple[Any, ...]]:
    """The rows of the query for the affiliates given; `column` is where they stand."""
    whose = "true" if given["affiliates"] is None else f"{column} = ANY(%(affiliates)s)"
    parameters = {**given, "affiliates": list(given["affiliates"] or ())}
    with connection.cursor() as cursor:
        cursor.execute(query.format(whose=whose), parameters)
        return list(cursor.fetchall())


def periods(days: Sequence[Day]) -> list[PeriodSums]:
    """Today, the last seven and the last thirty days, today included."""
    titles = ((gettext("Today"), 1), (gettext("7 days"), 7), (gettext("30 days"), DAYS))
    return [_period(title, days[-length:]) for title, length in titles]


def _period(title: str, days: Sequence[Day]) -> PeriodSums:
    return PeriodSums(
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


def waiting_affiliates(reader: User, limit: int = 5) -> list[Affiliate]:
    rows = reader.rows_within(Affiliate.objects.filter(status=Affiliate.Status.PENDING))
    return list(rows.order_by("created_at")[:limit])


def waiting_enrollments(reader: User, limit: int = 5) -> list[Enrollment]:
    rows = (
        reader.rows_within(Enrollment.objects.all())
        .filter(status=Enrollment.Status.PENDING)
        .select_related("affiliate", "offer")
    )
    return list(rows.order_by("created_at")[:limit])


def pending_conversions(reader: User, limit: int = 8) -> list[Conversion]:
    """Conversions that wait for a person, the oldest first; those that wait for a date only are left out."""
    rows = reader.rows_within(Conversion.objects.filter(status=Status.PENDING, approve_at=None)).order_by("received_at")
    return list(rows.select_related("affiliate", "goal__offer")[:limit])


def refusals(reader: User, *, now: datetime, limit: int = 10) -> list[Refusals]:
    """Postbacks refused in the last 24 hours by reason and advertiser, the most frequent first."""
    refused = Postback.objects.filter(received_at__gte=now - timedelta(hours=24), outcome__in=REFUSED)
    rows = reader.rows_within(refused).order_by()
    # A shop reports all of its orders: most are no affiliate's, and nothing is wrong with them.
    rows = rows.exclude(reason=Reason.NO_AFFILIATE)
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


def recent_postbacks(reader: User, limit: int = 10) -> list[Any]:
    """The newest postbacks, each with its decisions in `answers`."""
    traces = Trace.objects.order_by("pk").only("postback_id", "http_status")
    rows = reader.rows_within(Postback.objects.select_related("advertiser", "conversion")).order_by("-pk")
    return list(rows.prefetch_related(Prefetch("traces", traces, to_attr="answers"))[:limit])
