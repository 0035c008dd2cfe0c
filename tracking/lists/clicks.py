"""Columns of a click."""

from affiliates.api import AffiliateName, OfferName
from records.translation import gettext_lazy as _
from tracking.click_id.codec import text_of
from tracking.models import SUB_IDS, Click
from web.lists import API, EXPORT, Code, Column, Columns, Flag, Moment, Named, Reference

LABELS = (*SUB_IDS, "aff_click_id", "source")


def click_id(click: Click) -> str:
    return text_of(click.pk)


CLICKS = Columns(
    Column("clicked_at", Moment("seconds"), "Clicked"),
    Column(
        "id",
        Code(),
        "Click ID",
        read=click_id,
        help=_("The click ID, 40 characters, as the postback sends it back."),
    ),
    Column("link", Reference("link"), read="link.code", help=_("The link's code.")),
    Column("affiliate", Named(AffiliateName), read="link.enrollment.affiliate", places=API),
    Column("offer", Named(OfferName), read="link.enrollment.offer", places=API),
    Column("country", heading="From"),
    Column("device"),
    *(Column(name, heading=name) for name in LABELS),
    Column("referrer", places=EXPORT | API),
    Column("is_bot", Flag(), "Bot"),
    Column("is_duplicate", Flag(), "Repeat"),
    Column(
        "consent", help=_("What the visitor agreed to: granted, limited, denied, not_required, unknown; empty: unsaid.")
    ),
    Column("consent_basis", places=EXPORT | API, help=_("The signals that the consent was read from.")),
    Column("ip", is_for_operators=True, places=API),
    Column("user_agent", is_for_operators=True, places=API),
)
