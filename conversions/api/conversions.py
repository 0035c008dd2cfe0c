"""REST API: conversions; the decisions of operators are in `decisions.py`."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from affiliates.access.serializers import ReachColumns
from affiliates.access.views import ReadViewSet
from conversions.api.decisions import DecisionViewSet
from conversions.holds import HOLDS, hold_of
from conversions.lists.conversions import CONVERSIONS
from conversions.models import Conversion
from conversions.reasons.codes import Reason
from tracking.click_id.codec import LENGTH, parse
from web.rest.filters import ChoicesFilter, MomentFilter, PeriodFilters


class HoldSerializer(serializers.Serializer[Any]):
    waiting_for = serializers.ListField(
        child=serializers.CharField(), help_text="Each rule or signal that it is on hold for."
    )
    until = serializers.DateTimeField(
        allow_null=True, help_text="When the wait ends, or by when the review has to be decided."
    )
    owner = serializers.CharField(
        help_text="Who decides a review; empty for a rule. Affiliates get “An operator”, without a name."
    )


class ConversionSerializer(ReachColumns):
    """An event that counts for an affiliate."""

    columns = CONVERSIONS
    extras = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Parameters that no rule reads, by name, as sent."
    )
    hold = serializers.SerializerMethodField(
        help_text="What a pending conversion waits for: rules that are not met yet, or a review, with its end date."
    )
    more_for_operators = frozenset({"extras"})

    class Meta:
        model = Conversion

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
