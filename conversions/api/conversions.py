"""REST API: conversions; the decisions of operators are in `decisions.py`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from affiliates.access.serializers import ReachSerializer
from affiliates.access.views import ReadViewSet
from affiliates.api import AdvertiserName, AffiliateName, OfferName
from conversions.api.decisions import DecisionViewSet
from conversions.holds import HOLDS, hold_of
from conversions.models import Conversion, Goal
from conversions.reasons.codes import Reason
from tracking.click_id.codec import LENGTH, parse, text_of
from web.rest.fields import AmountText
from web.rest.filters import ChoicesFilter, MomentFilter, PeriodFilters


class GoalName(serializers.ModelSerializer[Goal]):
    class Meta:
        model = Goal
        fields = ("code", "name")
        read_only_fields = fields


class HoldSerializer(serializers.Serializer[Any]):
    waiting_for = serializers.ListField(child=serializers.CharField(), help_text="Each thing that is waited for.")
    until = serializers.DateTimeField(allow_null=True, help_text="When waiting is over, or the review has to end.")
    owner = serializers.CharField(
        help_text="Who decides a review; empty where a rule waits. Affiliates read “An operator”, without a name."
    )


class ConversionSerializer(ReachSerializer):
    """An event that counts for an affiliate."""

    id = serializers.CharField(source="public_id", read_only=True)
    affiliate = AffiliateName(read_only=True)
    advertiser = AdvertiserName(read_only=True)
    offer = OfferName(source="goal.offer", read_only=True)
    goal = GoalName(read_only=True)
    link = serializers.CharField(source="link.code", read_only=True, allow_null=True, help_text="The link's code.")
    click_id = serializers.SerializerMethodField(help_text="40 characters; null when a coupon or lock attributed it.")
    customer_id = serializers.CharField(source="customer.customer_id", read_only=True, allow_null=True)
    revenue = AmountText(allow_null=True, help_text="The advertiser's income, as sent.")
    payout = AmountText(allow_null=True, help_text="The sender's word for the commission.")
    refunded = AmountText(help_text="How much of the revenue went back to the customer.")
    reason_text = serializers.CharField(source="get_reason_display", read_only=True)
    hold = serializers.SerializerMethodField(
        help_text="What a pending conversion waits for: rules that are not met yet, or a review, with its end date."
    )
    extras = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Parameters that no rule reads, by name, as sent."
    )
    operator_only = frozenset({"customer_id", "revenue", "refunded", "payout", "extras"})

    class Meta:
        model = Conversion
        fields: tuple[str, ...] = (
            *("id", "status", "reason", "reason_text", "affiliate", "advertiser", "offer", "goal", "transaction_id"),
            *("click_id", "link", "evidence", "is_test", "customer_id", "revenue", "refunded"),
            *("payout", "currency", "extras"),
            *("occurred_at", "received_at", "approve_at", "booked_at", "hold"),
        )
        read_only_fields = fields

    @extend_schema_field(HoldSerializer(allow_null=True))
    def get_hold(self, row: Conversion) -> dict[str, Any] | None:
        """Shows affiliates no progress of a rule: it would reveal revenue, which only operators see."""
        hold = hold_of(row)
        if hold is None:
            return None
        is_operator = self.context["reach"].is_operator
        texts = [part.text if is_operator else part.rule for part in hold.waiting_for]
        owner = hold.owner if is_operator else hold.owner_for_affiliate
        return HoldSerializer({"waiting_for": texts, "until": hold.until, "owner": owner}).data

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_click_id(self, row: Conversion) -> str | None:
        return text_of(row.click_id) if row.click_id else None


def genuine(text: str) -> UUID:
    """The stored key of a click ID; raise `ValidationError` for a text that is not a genuine click ID."""
    found = parse(text)
    if found is None:
        raise ValidationError({"click_id": "Not a genuine click ID. It has 40 letters and digits: copy it again."})
    return found.uuid


@extend_schema_field({"type": "string", "format": "click-id", "minLength": LENGTH, "maxLength": LENGTH})
class ClickFilter(filters.CharFilter):
    """Filters rows by the click's signed ID."""

    def filter(self, rows: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        return rows.filter(click_id=genuine(value)) if value else rows


class ExtraFilter(filters.CharFilter):
    """Filters rows by a further parameter of the event, as `name:value`."""

    def filter(self, rows: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        if not value:
            return rows
        name, colon, sent = str(value).partition(":")
        if not (name.strip() and colon and sent):
            raise ValidationError({"extra": "Ask for name:value, such as sub_id1:banner-7."})
        # The second condition lets the query use the index, which leaves out events without further parameters.
        return rows.filter(extras__contains={name.strip().lower(): sent}).exclude(extras={})


class ConversionFilters(PeriodFilters):
    moment, moment_words = "received_at", "when the conversion was received"
    status = ChoicesFilter(choices=Conversion.Status.choices)
    reason = ChoicesFilter(choices=Reason.choices)
    offer = filters.CharFilter("goal__offer__public_id", help_text="Conversions of this offer, by its ID.")
    goal = filters.CharFilter("goal__code", help_text="Conversions of goals with this code.")
    link = filters.CharFilter("link__code", help_text="Conversions of clicks on this link, by its code.")
    affiliate = filters.CharFilter("affiliate__public_id", help_text="Conversions of this affiliate, by its ID.")
    transaction_id = filters.CharFilter(help_text="The advertiser's ID of the event, exactly as sent.")
    click_id = ClickFilter(help_text="The click's 40 characters.")
    occurred_from = MomentFilter("occurred_at", "gte", help_text="Events that happened at or after this moment.")
    occurred_to = MomentFilter("occurred_at", "lt", help_text="Events that happened before this moment.")


class OperatorConversionFilters(ConversionFilters):
    customer_id = filters.CharFilter(
        "customer__customer_id", help_text="The advertiser's ID of the customer, exactly as sent. Operators only."
    )
    extra = ExtraFilter(
        help_text="A parameter that no rule reads, with its value: sub_id1:banner-7. Operators only.", label="extra"
    )


@extend_schema(tags=["conversions"])
class ConversionViewSet(DecisionViewSet, ReadViewSet):
    """Conversions, newest first. Operators approve and reject them; each change is stored with its reason."""

    queryset = Conversion.objects.select_related("affiliate", "advertiser", "goal__offer", "link", "customer", *HOLDS)
    serializer_class: Any = ConversionSerializer
    lookup_field, lookup_url_kwarg = "public_id", "id"

    @property
    def filterset_class(self) -> type[ConversionFilters]:
        return OperatorConversionFilters if self.reach.is_operator else ConversionFilters
