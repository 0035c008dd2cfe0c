"""Columns of a tracking link."""

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat

from affiliates.api import AffiliateName, OfferName
from records.translation import gettext_lazy as _
from tracking.capture.link_address import link_base
from tracking.models import TrackingLink
from web.lists import API, EXPORT, Code, Column, Columns, Flag, Moment, Named, Reference


def with_urls(links: "QuerySet[TrackingLink]") -> "QuerySet[TrackingLink]":
    """The links with their addresses, so that `url_of` needs no query for each."""
    return links.annotate(url=Concat(Value(link_base()), F("code")))


def url_of(link: TrackingLink) -> str:
    return getattr(link, "url", "") or link_base() + link.code


LINKS = Columns(
    Column("code", Code(), places=EXPORT | API),
    Column("name", Reference("__str__"), "Link", sorts=("name", "code"), is_writable=True),
    Column("offer", Named(OfferName), read="enrollment.offer", sorts=("enrollment__offer__name", "name", "pk")),
    Column("url", heading="Address", read=url_of, help=_("The address to publish.")),
    Column("affiliate", Named(AffiliateName), read="enrollment.affiliate", places=API),
    Column("destination_url", places=API),
    Column(
        "is_active",
        Flag((("active", "Active"), ("off", "Off"))),
        "State",
        sorts=("-is_active", "name", "pk"),
        is_writable=True,
    ),
    Column("created_at", Moment("day"), "Made", sorts=("created_at", "pk")),
)
