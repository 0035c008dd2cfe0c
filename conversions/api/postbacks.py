"""REST API: postbacks as received, with the decisions on them."""

from typing import Any, ClassVar

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.access.masking import masked_for
from affiliates.access.reach import Reach, Use
from affiliates.access.views import OperatorViewSet
from affiliates.api import AdvertiserName
from affiliates.roles import scopes
from conversions.api.conversions import ClickFilter
from conversions.conflicts import ConflictRefused, accept, dismiss, review_of
from conversions.models import Postback, Trace
from conversions.reasons.codes import Reason
from conversions.replay import replay
from tracking.click_id.codec import text_of
from web.rest.errors import Conflict
from web.rest.fields import Flag, Text
from web.rest.filters import ChoicesFilter, PeriodFilters, YesNoFilter


class TraceSerializer(serializers.ModelSerializer[Trace]):
    problems = serializers.ListField(child=serializers.DictField(), read_only=True)
    steps = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Trace
        fields: tuple[str, ...] = ("decided_at", "outcome", "reason", "http_status", "problems", "steps")
        read_only_fields = fields

    def to_representation(self, instance: Trace) -> dict[str, Any]:
        """The steps may name other affiliates; a reader with assigned affiliates sees no others."""
        shown: dict[str, Any] = super().to_representation(instance)
        reach: Reach | None = self.context.get("reach")
        return masked_for(reach.user, shown) if reach else shown


class PostbackSerializer(serializers.ModelSerializer[Postback]):
    id = serializers.CharField(source="public_id", read_only=True)
    advertiser = AdvertiserName(read_only=True, allow_null=True)
    parameters = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        read_only=True,
        help_text="Pairs of name and value in the order sent; secrets are masked.",
    )
    headers = serializers.DictField(child=serializers.CharField(), read_only=True)
    ip = serializers.IPAddressField(read_only=True, allow_null=True)
    outcome = serializers.ChoiceField(
        choices=Postback.Outcome.choices, read_only=True, allow_blank=True, help_text="Empty until it is decided."
    )
    reason = serializers.ChoiceField(choices=Reason.choices, read_only=True, allow_blank=True)
    click_id = serializers.SerializerMethodField()
    conversion = serializers.CharField(
        source="conversion.public_id", read_only=True, allow_null=True, help_text="The conversion's ID."
    )

    class Meta:
        model = Postback
        fields: tuple[str, ...] = (
            *("id", "received_at", "endpoint", "method", "path", "parameters", "body", "headers", "ip", "is_secure"),
            *("advertiser", "decided_at", "outcome", "reason", "click_id", "transaction_id", "conversion"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_click_id(self, row: Postback) -> str | None:
        return text_of(row.click_id) if row.click_id else None


class PostbackStorySerializer(PostbackSerializer):
    """A postback with every decision on it."""

    decisions = TraceSerializer(source="traces", many=True, read_only=True)

    class Meta(PostbackSerializer.Meta):
        fields = (*PostbackSerializer.Meta.fields, "decisions")
        read_only_fields = fields


class PostbackFilters(PeriodFilters):
    moment, moment_words = "received_at", "when the postback was received"
    advertiser = filters.CharFilter("advertiser__public_id", help_text="Postbacks of this advertiser, by its ID.")
    endpoint = ChoicesFilter(choices=Postback.Endpoint.choices)
    outcome = ChoicesFilter(choices=Postback.Outcome.choices)
    reason = ChoicesFilter(choices=Reason.choices)
    click_id = ClickFilter(help_text="The click's 40 characters.")
    transaction_id = filters.CharFilter(help_text="The advertiser's ID of the event, exactly as sent.")
    waits_for_review = YesNoFilter(
        method="of_open_conflicts", help_text="true: contradictions that an operator has not decided yet."
    )

    def of_open_conflicts(self, rows: "QuerySet[Postback]", name: str, value: bool) -> "QuerySet[Postback]":
        is_open = Q(conflict__isnull=False, conflict__resolved_at=None)
        return rows.filter(is_open) if value else rows.exclude(is_open)


class ReplaySerializer(serializers.Serializer[Any]):
    dry_run = Flag(default=False, help_text="Report what would change, without changing anything.")


class ConflictNoteSerializer(serializers.Serializer[Any]):
    note = Text(max_length=250, help_text="Why, in a few words; shown in the trace.")


class ReplayedSerializer(serializers.Serializer[Any]):
    before = serializers.CharField(read_only=True, help_text="The outcome before this decision.")
    after = serializers.CharField(read_only=True, help_text="The outcome now.")
    changed = serializers.BooleanField(read_only=True)
    changes = serializers.CharField(
        read_only=True, help_text="In words, what is now read differently from the request; empty if nothing is."
    )
    decision = serializers.DictField(read_only=True, help_text="The answer, as the sender would get it now.")


@extend_schema(tags=["postbacks"])
class PostbackViewSet(OperatorViewSet):
    """Postbacks as received, with the decision in force. Operators only."""

    queryset = Postback.objects.select_related("advertiser", "conversion")
    serializer_class = PostbackSerializer
    filterset_class = PostbackFilters
    lookup_field, lookup_url_kwarg = "public_id", "id"
    affiliate_path = "conversion__affiliate"
    changes: ClassVar = {
        "replay": Use(scopes.EVENTS, ("conversions.change_conversion",)),
        **dict.fromkeys(
            ("accept", "dismiss"),
            Use(scopes.DECISIONS, ("conversions.change_conversion", "conversions.change_conflictreview")),
        ),
    }

    def get_serializer_class(self) -> Any:
        return PostbackStorySerializer if self.detail else PostbackSerializer

    @extend_schema(operation_id="postbacks_replay", request=ReplaySerializer, responses=ReplayedSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **address: str) -> Response:
        """Decide the stored request again: nothing is counted twice. A dry run shows what would change."""
        serializer = ReplaySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        by = f"{self.reach.user} by the API"
        [found] = replay([self.get_object()], by=by, now=timezone.now(), dry=serializer.validated_data["dry_run"])
        body = found.decision.body if found.decision else None
        result = {"before": found.before[0], "after": found.after[0], "changed": found.is_changed}
        return Response({**result, "changes": found.changes, "decision": body})

    @extend_schema(operation_id="postbacks_accept", request=ConflictNoteSerializer, responses=PostbackStorySerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, **address: str) -> Response:
        """Give the conversion the amounts of a postback that was answered 409; commission changes by the difference."""
        return self._decide(request, accept)

    @extend_schema(operation_id="postbacks_dismiss", request=ConflictNoteSerializer, responses=PostbackStorySerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, **address: str) -> Response:
        """Keep the first amount and dismiss a postback that was answered 409."""
        return self._decide(request, dismiss)

    def _decide(self, request: Request, decide: Any) -> Response:
        serializer = ConflictNoteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            review = review_of(self.get_object())
            decide(
                review_id=review.pk, note=serializer.validated_data["note"], actor=self.reach.user, now=timezone.now()
            )
        except ConflictRefused as error:
            raise Conflict(str(error)) from error
        return Response(self.get_serializer(self.get_object()).data)

    def get_queryset(self) -> "QuerySet[Postback]":
        rows: QuerySet[Postback] = super().get_queryset()
        return rows.prefetch_related(Prefetch("traces", Trace.objects.order_by("pk"))) if self.detail else rows
