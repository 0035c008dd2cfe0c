"""REST API: an advertiser's own postbacks, by its token: what its server sent, and what was answered."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.viewsets import GenericViewSet

from affiliates.access.advertiser_tokens import AdvertiserTokenAuthentication, WithToken
from affiliates.models import AdvertiserSecret
from conversions.api.conversions import ClickFilter
from conversions.api.postbacks import PostbackSerializer
from conversions.models import Conversion, Postback, Trace
from conversions.reasons.codes import Reason
from web.rest.filters import ChoicesFilter, PeriodFilters, check_parameters


class LoggedPostbackSerializer(PostbackSerializer):
    """A postback as it was received, with the answer in force. Affiliates are not named."""

    http_status = serializers.SerializerMethodField(help_text="Of the newest decision; null until it is decided.")
    problems = serializers.SerializerMethodField(help_text="What was wrong with it, as it was answered.")
    conversion_status = serializers.ChoiceField(
        source="conversion.status",
        choices=Conversion.Status.choices,
        read_only=True,
        allow_null=True,
        default=None,
        help_text="The conversion's status now.",
    )

    class Meta(PostbackSerializer.Meta):
        fields = (
            *(name for name in PostbackSerializer.Meta.fields if name != "advertiser"),
            *("http_status", "problems", "conversion_status"),
        )
        read_only_fields = fields

    def get_http_status(self, row: Any) -> int | None:
        return row.decisions[-1].http_status if row.decisions else None

    def get_problems(self, row: Any) -> list[dict[str, Any]]:
        return list(row.decisions[-1].problems) if row.decisions else []


class LogFilters(PeriodFilters):
    moment, moment_words = "received_at", "when the postback was received"
    endpoint = ChoicesFilter(choices=Postback.Endpoint.choices)
    outcome = ChoicesFilter(choices=Postback.Outcome.choices)
    reason = ChoicesFilter(choices=Reason.choices)
    click_id = ClickFilter(help_text="The click's 40 characters.")
    transaction_id = filters.CharFilter(help_text="Your ID of the event, exactly as sent.")


@extend_schema(tags=["postbacks"])
class PostbackLogViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Any]):
    """The advertiser's own postbacks, newest first. Asked with the token that its postbacks carry."""

    authentication_classes: Any = [AdvertiserTokenAuthentication]
    permission_classes: Any = [WithToken]
    queryset = Postback.objects.select_related("conversion")
    serializer_class = LoggedPostbackSerializer
    filterset_class = LogFilters
    lookup_field, lookup_url_kwarg = "public_id", "id"

    def get_queryset(self) -> "QuerySet[Postback]":
        if getattr(self, "swagger_fake_view", False):
            return Postback.objects.none()
        secret: AdvertiserSecret = self.request.auth  # type: ignore[assignment]
        traces = Trace.objects.order_by("pk").only("postback_id", "http_status", "problems")
        rows = Postback.objects.filter(advertiser=secret.advertiser_id).select_related("conversion")
        return rows.prefetch_related(Prefetch("traces", traces, to_attr="decisions"))

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        if self.detail:
            check_parameters(self.request, known=set())
            return queryset
        return super().filter_queryset(queryset)
