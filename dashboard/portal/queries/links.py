"""The affiliate's links with their recent figures."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from affiliates.models import Affiliate, Enrollment
from dashboard.periods import DayPeriod
from dashboard.portal.queries.figures import LinkFigures, clicks_by_link, link_figures
from tracking.models import TrackingLink


@dataclass(frozen=True, slots=True)
class LinkRow:
    link: TrackingLink
    figures: LinkFigures


def links_of(affiliate: Affiliate) -> QuerySet[TrackingLink]:
    return TrackingLink.objects.filter(enrollment__affiliate=affiliate).select_related("enrollment__offer")


def rows(affiliate: Affiliate, links: Iterable[TrackingLink], period: DayPeriod) -> list[LinkRow]:
    listed = list(links)
    figures = link_figures(affiliate, period, clicks_by_link([link.pk for link in listed], period))
    return [LinkRow(link, figures[link.pk]) for link in listed]


def linkable(affiliate: Affiliate) -> QuerySet[Enrollment]:
    """Enrollments that links may be made for."""
    approved = Enrollment.objects.filter(affiliate=affiliate, status=Enrollment.Status.APPROVED)
    return approved.select_related("offer").order_by("offer__name")
