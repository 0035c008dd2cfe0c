"""The overview: a period's numbers beside the previous period's, days for the charts, and open tasks."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import dateformat
from django.utils.translation import gettext

from affiliates.models import Affiliate, Enrollment
from conversions.models import Conversion
from dashboard.periods import DayPeriod
from dashboard.portal.queries import figures
from dashboard.portal.queries.figures import LinkFigures, Money
from payouts.queries import Earning, commission_by_day, earnings
from records.money import places, round_money
from tracking.counts.reading import ClickCounts
from tracking.models import TrackingLink

Status = Conversion.Status


@dataclass(frozen=True, slots=True)
class Trend:
    """A number and its value in the previous period."""

    now: int
    before: int

    @property
    def percent(self) -> int | None:
        """Rounded; None when there is nothing to compare with."""
        return round(100 * (self.now - self.before) / self.before) if self.before else None


@dataclass(frozen=True, slots=True)
class EarnedTrend:
    """Commission booked in one currency, and in the period before."""

    currency: str
    now: Decimal
    before: Decimal

    @property
    def percent(self) -> int | None:
        return round(100 * (self.now - self.before) / self.before) if self.before > 0 else None


@dataclass(frozen=True, slots=True)
class Overview:
    period: DayPeriod
    clicks: Trend
    click_counts: ClickCounts
    conversions: Trend
    by_status: dict[str, int]
    earned: list[EarnedTrend]
    money: list[Earning]
    chart: dict[str, object]

    @property
    def pending(self) -> Money:
        """The expected commission of pending conversions, in the currencies where there are any."""
        return [(each.currency, each.pending_estimate) for each in self.money if each.pending_estimate]

    @property
    def is_empty(self) -> bool:
        return not (self.clicks.now or self.conversions.now or self.earned)


def overview(affiliate: Affiliate, period: DayPeriod, links: Collection[int]) -> Overview:
    """The figures of an affiliate's links. A few grouped queries, each over the period and the previous one at once."""
    span = period.with_before()
    clicks = figures.clicks_by_day(links, span)
    conversions = figures.conversions_by_day(affiliate, span)
    commission = _commission(affiliate, span)
    counts = _total(clicks, period)
    by_status = {status: _count(conversions, period, status) for status in Status.values}
    return Overview(
        period=period,
        clicks=Trend(counts.clicks, _total(clicks, period.before()).clicks),
        click_counts=counts,
        conversions=Trend(
            sum(by_status.values()), sum(_count(conversions, period.before(), status) for status in Status.values)
        ),
        by_status=by_status,
        earned=_earned(commission, period),
        money=earnings(affiliate),
        chart=_chart(period, clicks, conversions, commission),
    )


def _commission(affiliate: Affiliate, span: DayPeriod) -> dict[str, dict[date, Decimal]]:
    """Commission less reversals by currency and day of the event."""
    currencies: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in commission_by_day(affiliate, span.starts_at, zone=span.zone):
        currencies[row.currency][row.day] = row.amount
    return dict(sorted(currencies.items()))


def _total(clicks: dict[date, ClickCounts], period: DayPeriod) -> ClickCounts:
    return sum((clicks.get(day, ClickCounts()) for day in period.dates()), ClickCounts())


def _count(conversions: dict[date, dict[str, int]], period: DayPeriod, status: str) -> int:
    return sum(conversions.get(day, {}).get(status, 0) for day in period.dates())


def _earned(commission: dict[str, dict[date, Decimal]], period: DayPeriod) -> list[EarnedTrend]:
    def over(days: dict[date, Decimal], span: DayPeriod) -> Decimal:
        return sum((days.get(day, Decimal(0)) for day in span.dates()), Decimal(0))

    return [
        EarnedTrend(currency, over(days, period), over(days, period.before()))
        for currency, days in commission.items()
        if any(day in days for day in period.dates())
    ]


def _chart(
    period: DayPeriod,
    clicks: dict[date, ClickCounts],
    conversions: dict[date, dict[str, int]],
    commission: dict[str, dict[date, Decimal]],
) -> dict[str, object]:
    """The charts' data as JSON: one value per day, amounts as strings with the currency's places."""
    days = period.dates()

    def series(value: Callable[[date], int]) -> list[int]:
        return [value(day) for day in days]

    return {
        "days": [dateformat.format(day, "j M") for day in days],
        "titles": [dateformat.format(day, "l, j F Y") for day in days],
        "clicks": series(lambda day: clicks.get(day, ClickCounts()).clicks),
        "conversions": {
            status: series(lambda day, status=status: conversions.get(day, {}).get(status, 0))  # type: ignore[misc]
            for status in (Status.APPROVED, Status.PENDING, Status.REJECTED)
        },
        "names": {"clicks": gettext("clicks"), **{str(value): label.lower() for value, label in Status.choices}},
        "commission": [
            {
                "currency": currency,
                "places": places(currency),
                "amounts": [str(round_money(amounts.get(day, Decimal(0)), currency)) for day in days],
            }
            for currency, amounts in commission.items()
        ],
    }


@dataclass(frozen=True, slots=True)
class TopLink:
    link: TrackingLink
    figures: LinkFigures


def top_links(affiliate: Affiliate, period: DayPeriod, links: Collection[int], limit: int = 5) -> list[TopLink]:
    """The affiliate's links with the most clicks, with their figures."""
    clicked = {number: each for number, each in figures.clicks_by_link(links, period).items() if each.clicks}
    busiest = sorted(clicked, key=lambda number: (-clicked[number].clicks, number))[:limit]
    numbers = figures.link_figures(affiliate, period, {number: clicked[number] for number in busiest})
    found = TrackingLink.objects.select_related("enrollment__offer").in_bulk(busiest)
    return [TopLink(found[number], numbers[number]) for number in busiest if number in found]


def recent_conversions(affiliate: Affiliate, limit: int = 8) -> list[tuple[Conversion, Money]]:
    """The newest conversions with their commission."""
    newest = Conversion.objects.filter(affiliate=affiliate).select_related("goal__offer")
    rows = figures.with_commission(newest.order_by("-occurred_at", "-pk")[:limit])
    return [(row, row.earned) for row in rows]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """How far a new affiliate has come: enrolled, link made, conversion received."""

    has_enrollment: bool
    has_link: bool
    has_conversion: bool

    @property
    def done(self) -> int:
        return sum((self.has_enrollment, self.has_link, self.has_conversion))


def first_steps(affiliate: Affiliate) -> FirstSteps:
    enrollments = Enrollment.objects.filter(affiliate=affiliate, status=Enrollment.Status.APPROVED)
    return FirstSteps(
        has_enrollment=enrollments.exists(),
        has_link=TrackingLink.objects.filter(enrollment__affiliate=affiliate).exists(),
        has_conversion=Conversion.objects.filter(affiliate=affiliate).exists(),
    )
