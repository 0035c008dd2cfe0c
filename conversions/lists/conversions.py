"""Columns of a conversion. What it earned is added in `payouts/lists/conversions.py`."""

from rest_framework import serializers

from affiliates.api import AdvertiserName, AffiliateName, OfferName
from conversions.models import Conversion, Goal
from records.translation import gettext_lazy as _
from tracking.click_id.codec import text_of
from web.lists import API, EXPORT, Choice, Code, Column, Columns, Flag, Moment, Money, Named, Reference, Status


class GoalName(serializers.ModelSerializer[Goal]):
    class Meta:
        model = Goal
        fields = ("code", "name")
        read_only_fields = fields


def click_id(conversion: Conversion) -> str | None:
    return text_of(conversion.click_id) if conversion.click_id else None


CONVERSIONS = Columns(
    Column("id", Code(), read="public_id", places=EXPORT | API),
    Column("affiliate", Named(AffiliateName), places=API),
    Column("advertiser", Named(AdvertiserName), places=API),
    Column("goal", Named(GoalName), sorts=("goal__offer__name", "goal__position", "-occurred_at", "-pk")),
    Column("offer", Named(OfferName), read="goal.offer"),
    Column("occurred_at", Moment(), "Happened", sorts=("occurred_at", "pk")),
    Column("received_at", Moment(), places=EXPORT | API),
    Column("status", Status(), sorts=("status", "-occurred_at", "-pk")),
    Column("reason", Choice(), places=EXPORT | API),
    Column("reason_text", read="get_reason_display"),
    Column("is_test", Flag(), "Test"),
    Column("transaction_id", Code(), "Transaction ID"),
    Column(
        "click_id",
        Code(),
        read=click_id,
        places=EXPORT | API,
        nullable=True,
        help=_("40 characters; null when a coupon or lock attributed it."),
    ),
    Column("link", Reference("link"), read="link.code", nullable=True, help=_("The link's code.")),
    Column("evidence", Choice(), places=API),
    Column("customer_id", read="customer.customer_id", nullable=True, is_for_operators=True, places=API),
    Column(
        "revenue",
        Money(),
        nullable=True,
        is_for_operators=True,
        places=API,
        help=_("The advertiser's income, as sent."),
    ),
    Column(
        "refunded",
        Money(),
        is_for_operators=True,
        places=API,
        help=_("How much of the revenue was refunded to the customer."),
    ),
    Column(
        "payout",
        Money(),
        nullable=True,
        is_for_operators=True,
        places=API,
        help=_("The commission that the sender reported."),
    ),
    Column("currency", places=API),
    Column("approve_at", Moment(), places=API),
    Column("booked_at", Moment(), places=API),
)
