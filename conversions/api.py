"""REST API: offers with their goals, conversions and what operators decide about them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.api import AdvertiserName, AffiliateName, OfferName
from affiliates.models import Enrollment, Offer, User
from affiliates.permissions import OperatorsOnly, WithinReach, require
from affiliates.rest.errors import Conflict
from affiliates.rest.fields import AmountText, ReachSerializer
from affiliates.rest.filters import ChoicesFilter, MomentFilter, PeriodFilters
from affiliates.rest.views import ReadViewSet
from conversions.bulk_status import CHANGED, MOST, REFUSED, UNCHANGED, Wish, decide_many
from conversions.holds import HOLDS, hold_of
from conversions.lifecycle import StatusNotAllowed
from conversions.models import Conversion, Goal, StatusChange
from conversions.operator_decisions import APPROVALS, REJECTIONS, DecisionRefused, approve, reject
from conversions.qualification import all_words
from conversions.qualification_waits import RULES
from conversions.reasons import Reason
from conversions.refunds import RefundRefused, refund
from tracking.click_id import parse, text_of


class GoalName(serializers.ModelSerializer[Goal]):
    class Meta:
        model = Goal
        fields = ("code", "name")
        read_only_fields = fields


class GoalSerializer(serializers.ModelSerializer[Goal]):
    minimum_revenue = AmountText(currency_field="offer.currency", allow_null=True, help_text="In the offer's currency.")

    rules = serializers.SerializerMethodField(help_text="Everything that the goal asks of an event, in words.")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, goal: Goal) -> list[str]:
        return all_words(goal)

    class Meta:
        model = Goal
        fields = (
            *("code", "name", "kind", "is_active", "approval", "approval_delay", "attribution_window"),
            "attribution_window_minimum",
            *("once_per_customer", "minimum_revenue", "rules"),
        )
        read_only_fields = fields


class EnrollmentSerializer(serializers.ModelSerializer[Enrollment]):
    affiliate = AffiliateName(read_only=True)

    class Meta:
        model = Enrollment
        fields = ("affiliate", "status", "note", "decided_at")
        read_only_fields = fields


class OfferSerializer(ReachSerializer):
    """What affiliates promote, and what counts for it."""

    id = serializers.CharField(source="public_id", read_only=True)
    advertiser = AdvertiserName(read_only=True)
    goals = GoalSerializer(many=True, read_only=True)
    enrollments = EnrollmentSerializer(
        source="own_enrollments", many=True, read_only=True, help_text="The asking affiliate's access."
    )
    operator_only = frozenset({"destination_url", "fallback_url"})

    class Meta:
        model = Offer
        fields = (
            *("id", "name", "advertiser", "vertical", "status", "description", "terms", "currency", "deep_link_hosts"),
            *("attribution_window", "attribution_window_minimum", "attribution_model", "customer_lock"),
            *("customer_lock_expires", "requires_approval", "destination_url", "fallback_url"),
            *("countries", "starts_at", "ends_at", "daily_click_cap", "daily_conversion_cap", "capped_until"),
            *("created_at", "goals", "enrollments"),
        )
        read_only_fields = fields


class OfferFilters(filters.FilterSet):
    status = ChoicesFilter(choices=Offer.Status.choices)
    vertical = ChoicesFilter(choices=Offer.Vertical.choices)
    advertiser = filters.CharFilter("advertiser__public_id", help_text="Offers of this advertiser, by its ID.")


@extend_schema(tags=["offers"])
class OfferViewSet(ReadViewSet):
    """Offers with their goals. An affiliate sees those that are active and those it applied for."""

    queryset = Offer.objects.select_related("advertiser")
    serializer_class = OfferSerializer
    filterset_class = OfferFilters
    lookup_field, lookup_url_kwarg = "public_id", "id"

    def get_queryset(self) -> "QuerySet[Offer]":
        rows: QuerySet[Offer] = Offer.objects.select_related("advertiser")
        goals, own = (
            Goal.objects.order_by("position", "pk").prefetch_related(RULES).select_related("offer"),
            Enrollment.objects.none(),
        )
        if not self.reach.is_operator:
            own = self.reach.within(Enrollment.objects.select_related("affiliate"), "affiliate")
            goals = goals.filter(is_active=True)
            rows = rows.filter(Q(status=Offer.Status.ACTIVE) | Q(pk__in=own.values("offer")))
        return rows.prefetch_related(Prefetch("goals", goals), Prefetch("enrollments", own, to_attr="own_enrollments"))


class HoldSerializer(serializers.Serializer[Any]):
    waiting_for = serializers.ListField(child=serializers.CharField(), help_text="Each thing that is waited for.")
    until = serializers.DateTimeField(allow_null=True, help_text="When waiting is over, or the review has to end.")
    owner = serializers.CharField(help_text="Who decides a review; empty where a rule waits.")


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
        """How far a rule is tells of revenue, which is the operator's alone."""
        hold = hold_of(row)
        if hold is None:
            return None
        is_operator = self.context["reach"].is_operator
        texts = [part.text if is_operator else part.rule for part in hold.waiting_for]
        return HoldSerializer({"waiting_for": texts, "until": hold.until, "owner": hold.owner}).data

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_click_id(self, row: Conversion) -> str | None:
        return text_of(row.click_id) if row.click_id else None


def genuine(text: str) -> UUID:
    """The stored key of a click ID; raise `ValidationError` for a text that is none."""
    found = parse(text)
    if found is None:
        raise ValidationError({"click_id": "Not a genuine click ID. It has 40 letters and digits: copy it again."})
    return found.uuid


class ClickFilter(filters.CharFilter):
    """Rows of one click, named by its signed text."""

    def filter(self, rows: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        return rows.filter(click_id=genuine(value)) if value else rows


class ExtraFilter(filters.CharFilter):
    """Rows whose event carried one more parameter, asked for as `name:value`."""

    def filter(self, rows: "QuerySet[Any]", value: Any) -> "QuerySet[Any]":
        if not value:
            return rows
        name, colon, sent = str(value).partition(":")
        if not (name.strip() and colon and sent):
            raise ValidationError({"extra": "Ask for name:value, such as sub_id1:banner-7."})
        # The second condition lets the index answer that leaves out events without any.
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


class ApprovalSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(
        max_length=250,
        required=False,
        allow_blank=True,
        default="",
        help_text="Needed to approve what was rejected. The affiliate reads it.",
    )


class RejectionSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(
        choices=[(reason.value, reason.label) for reason in REJECTIONS],
        error_messages={"invalid_choice": f"“{{input}}” is none of {', '.join(REJECTIONS)}."},
    )
    note = serializers.CharField(max_length=250, help_text="Why, in a few words. The affiliate reads it.")


class RefundSerializer(serializers.Serializer[Any]):
    amount = serializers.DecimalField(
        max_digits=24, decimal_places=8, min_value=Decimal("1e-8"), help_text="In the conversion's currency."
    )
    refund_id = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text="The advertiser's own ID of the refund: the same one again is refused.",
    )
    note = serializers.CharField(max_length=250, help_text="Why, in a few words. The affiliate reads it.")


class WishSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(
        max_length=24, required=False, allow_blank=True, help_text="The conversion's ID; or name it by transaction."
    )
    transaction_id = serializers.CharField(max_length=100, required=False, allow_blank=True)
    advertiser = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="ID or name, where several have it."
    )
    goal = serializers.CharField(max_length=40, required=False, allow_blank=True, help_text="Its code, likewise.")
    status = serializers.ChoiceField(choices=[Conversion.Status.APPROVED, Conversion.Status.REJECTED])
    reason = serializers.ChoiceField(
        choices=[(reason.value, reason.label) for reason in (*APPROVALS, *REJECTIONS)], required=False, allow_blank=True
    )
    note = serializers.CharField(
        max_length=250,
        required=False,
        allow_blank=True,
        help_text="Needed but to approve what is pending.",
    )


class WishAnswerSerializer(serializers.Serializer[Any]):
    result = serializers.ChoiceField(choices=[CHANGED, UNCHANGED, REFUSED])
    id = serializers.CharField(help_text="The conversion's ID; empty where none, or more than one, was found.")
    message = serializers.CharField()


@extend_schema(tags=["conversions"])
class ConversionViewSet(ReadViewSet):
    """Events that count, newest first. Operators approve and reject them; each change is kept with its reason."""

    queryset = Conversion.objects.select_related("affiliate", "advertiser", "goal__offer", "link", "customer", *HOLDS)
    serializer_class: Any = ConversionSerializer
    lookup_field, lookup_url_kwarg = "public_id", "id"

    @property
    def filterset_class(self) -> type[ConversionFilters]:
        return OperatorConversionFilters if self.reach.is_operator else ConversionFilters

    @extend_schema(operation_id="conversions_approve", request=ApprovalSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def approve(self, request: Request, **address: str) -> Response:
        """Approve a pending conversion, or a rejected one on appeal. Again for an approved one: nothing happens."""
        return self._decide(ApprovalSerializer(data=request.data), approve)

    @extend_schema(operation_id="conversions_reject", request=RejectionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def reject(self, request: Request, **address: str) -> Response:
        """Reject a conversion, or reverse an approved one: booked commission is taken back by a new ledger entry."""
        return self._decide(RejectionSerializer(data=request.data), reject)

    @extend_schema(operation_id="conversions_refund", request=RefundSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def refund(self, request: Request, **address: str) -> Response:
        """Take a part of the revenue back, or all of it: commission shrinks by a new ledger entry."""
        return self._decide(RefundSerializer(data=request.data), _refund)

    @extend_schema(
        operation_id="conversions_status", request=WishSerializer(many=True), responses=WishAnswerSerializer(many=True)
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="status",
        permission_classes=[WithinReach, OperatorsOnly],
        pagination_class=None,
        filter_backends=[],
    )
    def change_many(self, request: Request) -> Response:
        """Approve and reject up to 10,000 conversions, with an answer for each; one that cannot be stops no other."""
        require(self.reach.user, ["conversions.change_conversion"])
        if isinstance(request.data, list) and len(request.data) > MOST:
            raise ValidationError({"": f"{len(request.data):,} rows at once; at most {MOST:,}. Split them."})
        said = WishSerializer(data=request.data, many=True, allow_empty=False)
        said.is_valid(raise_exception=True)
        wishes = [Wish(**row) for row in said.validated_data]
        answers = decide_many(wishes, actor=self.reach.user, now=timezone.now())
        return Response(WishAnswerSerializer([answer._asdict() for answer in answers], many=True).data)

    def _decide(self, said: serializers.Serializer[Any], decide: Any) -> Response:
        require(self.reach.user, ["conversions.change_conversion"])
        row = self.get_object()
        said.is_valid(raise_exception=True)
        given = dict(said.validated_data)
        if "reason" in given:
            given["reason"] = Reason(given["reason"])
        try:
            decide(conversion_id=row.pk, actor=self.reach.user, now=timezone.now(), **given)
        except (DecisionRefused, RefundRefused, StatusNotAllowed) as error:
            raise Conflict(str(error)) from error
        return Response(self.get_serializer(self.get_object()).data)


def _refund(*, conversion_id: int, actor: User, now: datetime, **given: Any) -> None:
    row = Conversion.objects.get(pk=conversion_id)
    source = StatusChange.Source.OPERATOR
    refund(conversion=row, occurred_at=now, now=now, source=source, actor=actor, **given)
