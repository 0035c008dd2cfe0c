"""REST API: the whole story of an ID."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from affiliates.access.reach import Reach, WithinReach, reach_of
from affiliates.api import AffiliateName, OfferName
from affiliates.roles import scopes
from conversions.api.conversions import ConversionSerializer
from conversions.api.postbacks import PostbackSerializer, TraceSerializer
from conversions.models import Refund, StatusChange
from dashboard.api.own_trace import OwnTraceSerializer
from dashboard.portal.preview import lacking
from dashboard.portal.queries.trace import own_trace
from dashboard.trace import KINDS, Story, look_up_for, sees, story_of
from dashboard.trace.events import (
    ClickEvent,
    LedgerEvent,
    LookEvent,
    PayoutEvent,
    PostbackEvent,
    RefundEvent,
    StatementEvent,
    StatusEvent,
)
from payouts.api.earnings import LedgerEntrySerializer, PayoutSerializer, StatementSerializer
from payouts.queries import Balance
from web.lists.fields import BalanceSerializer
from web.rest.fields import LINE, AmountText, is_line
from web.rest.filters import check_parameters

LONGEST_ID = 2_000
# The same words for an ID that never existed and for one of another affiliate.
NOT_YOURS = "None of your clicks and conversions has this ID. Check that it was copied in full."


class TracedClickSerializer(serializers.Serializer[ClickEvent]):
    id = serializers.CharField(source="text", read_only=True, help_text="The click ID, 40 characters.")
    clicked_at = serializers.DateTimeField(source="at", read_only=True)
    is_stored = serializers.SerializerMethodField(help_text="False: known by its signature alone.")
    link = serializers.CharField(source="link.code", default=None, read_only=True, allow_null=True)
    affiliate = AffiliateName(source="link.enrollment.affiliate", default=None, read_only=True, allow_null=True)
    offer = OfferName(source="link.enrollment.offer", default=None, read_only=True, allow_null=True)
    labels = serializers.SerializerMethodField(help_text="sub1 to sub10, aff_click_id, source: those given.")
    marks = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="bot, duplicate")
    consent = serializers.CharField(
        source="row.consent",
        default="",
        read_only=True,
        help_text="What the visitor agreed to; empty: nothing was said.",
    )

    def get_is_stored(self, click: ClickEvent) -> bool:
        return click.row is not None

    def get_labels(self, click: ClickEvent) -> dict[str, str]:
        return dict(click.labels)


class TracedPostbackSerializer(PostbackSerializer):
    """A postback with every decision made on it, each with its steps."""

    decisions = TraceSerializer(many=True, read_only=True)

    class Meta(PostbackSerializer.Meta):
        fields = (*PostbackSerializer.Meta.fields, "decisions")
        read_only_fields = fields


class StatusChangeSerializer(serializers.ModelSerializer[StatusChange]):
    conversion = serializers.CharField(source="conversion.public_id", read_only=True, help_text="The conversion's ID.")
    actor = serializers.EmailField(source="actor.email", read_only=True, allow_null=True)
    postback = serializers.CharField(
        source="postback.public_id", read_only=True, allow_null=True, help_text="The postback's ID."
    )

    class Meta:
        model = StatusChange
        fields = ("conversion", "at", "from_status", "to_status", "reason", "note", "source", "actor", "postback")
        read_only_fields = fields


class TracedLookSerializer(TraceSerializer):
    """A decision that no postback asked for: a rule that is met, a mark that came later."""

    conversion = serializers.CharField(source="conversion.public_id", read_only=True, help_text="The conversion's ID.")

    class Meta(TraceSerializer.Meta):
        fields = ("conversion", *TraceSerializer.Meta.fields)
        read_only_fields = fields


class TracedRefundSerializer(serializers.ModelSerializer[Refund]):
    conversion = serializers.CharField(source="conversion.public_id", read_only=True, help_text="The conversion's ID.")
    amount = AmountText(currency_field="conversion.currency")
    currency = serializers.CharField(source="conversion.currency", read_only=True)
    postback = serializers.CharField(
        source="postback.public_id", read_only=True, allow_null=True, help_text="The postback's ID."
    )

    class Meta:
        model = Refund
        fields = ("conversion", "received_at", "refund_id", "amount", "currency", "postback")
        read_only_fields = fields


class ChoiceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(read_only=True, help_text="Ask for this ID.")
    kind = serializers.CharField(read_only=True, help_text="With this `kind`; empty: none is needed.")
    text = serializers.CharField(read_only=True, help_text="What it is, in words.")


class TracedConversionSerializer(ConversionSerializer):
    commission = BalanceSerializer(many=True, read_only=True, help_text="What is booked for it, by currency.")
    no_commission = serializers.CharField(read_only=True, help_text="Why nothing is booked; empty when something is.")


class StorySerializer(serializers.Serializer[Any]):
    """Everything that is known around an ID, each list in the order in which it happened."""

    kind = serializers.CharField(read_only=True, help_text="What kind of ID it is: click, postback, …")
    text = serializers.CharField(read_only=True, help_text="The same in words.")
    clicks = TracedClickSerializer(many=True, read_only=True)
    postbacks = TracedPostbackSerializer(many=True, read_only=True)
    conversions = TracedConversionSerializer(many=True, read_only=True)
    status_changes = StatusChangeSerializer(many=True, read_only=True)
    looks = TracedLookSerializer(many=True, read_only=True)
    refunds = TracedRefundSerializer(many=True, read_only=True)
    ledger_entries = LedgerEntrySerializer(many=True, read_only=True)
    statements = StatementSerializer(many=True, read_only=True, help_text="Those that cover a ledger entry.")
    payouts = PayoutSerializer(many=True, read_only=True, help_text="Those of the statements.")
    choices = ChoiceSerializer(many=True, read_only=True, help_text="What else the ID names.")


ANSWER = PolymorphicProxySerializer(
    component_name="TraceAnswer", serializers=[StorySerializer, OwnTraceSerializer], resource_type_field_name=None
)


class TraceView(APIView):
    """Why did this happen? Any ID leads to its click, postbacks, decisions, conversions and commission.

    Operators get a `Story`. A key of an affiliate gets an `OwnTrace`: its own clicks and conversions as its portal
    shows them, without requests, risk points and revenue that it is paid no share of. IDs of other affiliates are
    answered as unknown.
    """

    permission_classes: Any = [WithinReach]
    operator_permissions: ClassVar = ["conversions.view_trace"]

    @extend_schema(
        tags=["trace"],
        operation_id="trace",
        responses=ANSWER,
        parameters=[
            OpenApiParameter(
                "id",
                {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": LINE},
                required=True,
                description=(
                    "A click, transaction, customer (operators only), conversion or postback ID, an imported click "
                    "ID, or a URL or another line of text with one in it."
                ),
            ),
            OpenApiParameter("kind", str, enum=KINDS, description="For an ID that names several things: which one."),
        ],
    )
    def get(self, request: Request) -> Response:
        check_parameters(request, known={"id", "kind"})
        text = request.query_params.get("id", "")
        if len(text) > LONGEST_ID or not is_line(text):
            raise ValidationError({"id": f"Give the ID to look for, one line of at most {LONGEST_ID} characters."})
        kind = request.query_params.get("kind", "")
        if kind and kind not in KINDS:
            raise ValidationError(
                {"kind": f"This is none of {', '.join(KINDS)}. Leave it out unless an ID names several."}
            )
        reach = reach_of(request)
        return Response(_whole(text.strip(), kind, reach) if reach.is_operator else _own(text.strip(), kind, reach))


def _whole(text: str, kind: str, reach: Reach) -> dict[str, Any]:
    found = look_up_for(reach.user, text, kind)
    if not found.is_known:
        raise NotFound(f"{found.title}. {found.text}")
    return dict(
        StorySerializer(
            _as_shown(story_of(found, sees(reach.user, with_money=reach.may(scope=scopes.MONEY)))),
            context={"reach": reach},
        ).data
    )


def _own(text: str, kind: str, reach: Reach) -> dict[str, Any]:
    """An affiliate's own events. An operator's key bound to it needs what a preview of the portal's page needs."""
    if reach.user.is_staff and (missing := lacking(reach.user, "conversion", reach.affiliates[0])):
        raise PermissionDenied(f"Your account lacks {', '.join(missing)}. An administrator gives roles, under Users.")
    found = own_trace(text, kind, reach.affiliates)
    if found is None:
        raise NotFound(NOT_YOURS)
    return dict(OwnTraceSerializer(found).data)


def _as_shown(story: Story) -> dict[str, Any]:
    """The story's events by their kind, as the serializer reads them."""
    conversions, postbacks = [], []
    for summary in story.conversions:
        summary.row.commission = [Balance(*sums) for sums in summary.commissions]  # type: ignore[attr-defined]
        summary.row.no_commission = summary.no_commission  # type: ignore[attr-defined]
        conversions.append(summary.row)
    for event in story.events:
        if isinstance(event, PostbackEvent):
            event.row.decisions = [decision.row for decision in event.decisions]  # type: ignore[attr-defined]
            postbacks.append(event.row)
    return {
        "kind": story.found.kind,
        "text": story.found.text,
        "clicks": [event for event in story.events if isinstance(event, ClickEvent)],
        "postbacks": postbacks,
        "conversions": conversions,
        "status_changes": [event.row for event in story.events if isinstance(event, StatusEvent)],
        "looks": [event.decision.row for event in story.events if isinstance(event, LookEvent)],
        "refunds": [event.row for event in story.events if isinstance(event, RefundEvent)],
        "ledger_entries": [event.row for event in story.events if isinstance(event, LedgerEvent)],
        "statements": [event.row for event in story.events if isinstance(event, StatementEvent)],
        "payouts": [event.row for event in story.events if isinstance(event, PayoutEvent)],
        "choices": story.found.choices,
    }
