"""Columns of an offer and of its goals. What a goal pays an affiliate is added by the portal."""

from affiliates.api import AdvertiserName
from records.translation import gettext_lazy as _
from web.lists import (
    API,
    EXPORT,
    PAGE,
    Choice,
    Code,
    Column,
    Columns,
    Flag,
    Length,
    Moment,
    Money,
    Named,
    Number,
    Status,
)

GOALS = Columns(
    Column("code", places=EXPORT | API),
    Column("name"),
    Column("kind", Choice(), places=API),
    Column("is_active", Flag(), places=API),
    Column("approval", Choice(), places=API),
    Column("approval_delay", Length(), places=API),
    Column("attribution_window", Length(), places=API),
    Column("attribution_window_minimum", Length(), places=API),
    Column("once_per_customer", Flag(), places=API),
    Column("minimum_revenue", Money("offer.currency"), nullable=True, places=API, help=_("In the offer's currency.")),
)

OFFERS = Columns(
    Column("id", Code(), read="public_id", places=EXPORT | API),
    Column("name", heading="Offer", sorts=("name", "pk")),
    Column("advertiser", Named(AdvertiserName)),
    Column("vertical", Choice()),
    Column("status", Status()),
    Column("description", places=API),
    Column("terms", places=API),
    Column("currency", places=EXPORT | API),
    Column("deep_link_hosts", places=API),
    Column("attribution_window", Length(), "Window", places=PAGE | API),
    Column("attribution_window_minimum", Length(), places=API),
    Column("attribution_model", Choice(), places=API),
    Column("customer_lock", Choice(), places=EXPORT | API),
    Column("customer_lock_expires", Length(), places=API),
    Column("requires_approval", Flag(), places=EXPORT | API),
    Column("destination_url", is_for_operators=True, places=API),
    Column("fallback_url", is_for_operators=True, places=API),
    Column("countries", places=API),
    Column("starts_at", Moment(), places=API),
    Column("ends_at", Moment(), places=API),
    Column("daily_click_cap", Number(), places=API),
    Column("daily_conversion_cap", Number(), places=API),
    Column("capped_until", Moment(), places=API),
    Column("created_at", Moment(), places=API, sorts=("-created_at", "-pk")),
)
