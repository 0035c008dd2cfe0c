"""REST API: operators' decisions about conversions."""

from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.access.reach import OperatorsOnly, Use, WithinReach
from affiliates.access.views import ResourceViewSet
from affiliates.models import User
from affiliates.roles import scopes
from conversions.decisions.bulk import CHANGED, MOST, REFUSED, UNCHANGED, Wish, decide_many
from conversions.decisions.held import LABELS
from conversions.lifecycle.operator_decisions import APPROVALS, REJECTIONS, DecisionRefused, approve, reject
from conversions.lifecycle.refunds import RefundRefused, refund
from conversions.lifecycle.status import StatusNotAllowed
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason
from web.rest.errors import Conflict
from web.rest.fields import AmountSent, Flag, Text


class ApprovalSerializer(serializers.Serializer[Any]):
    note = Text(
        max_length=250,
        required=False,
        allow_blank=True,
        default="",
        help_text="Required to approve a rejected conversion. The affiliate can read it.",
    )


class RejectionSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(
        choices=[(reason.value, reason.label) for reason in REJECTIONS],
        error_messages={"invalid_choice": f"“{{input}}” is none of {', '.join(REJECTIONS)}."},
    )
    note = Text(max_length=250, help_text="Why, in a few words. The affiliate can read it.")


class RefundSerializer(serializers.Serializer[Any]):
    amount = AmountSent(help_text="In the conversion's currency.")
    refund_id = Text(
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text="The advertiser's own ID of the refund: the same one again is refused.",
    )
    note = Text(max_length=250, help_text="Why, in a few words. The affiliate can read it.")


class WishSerializer(serializers.Serializer[Any]):
    id = Text(
        max_length=24, required=False, allow_blank=True, help_text="The conversion's ID; or name it by transaction."
    )
    transaction_id = Text(max_length=100, required=False, allow_blank=True)
    advertiser = Text(max_length=80, required=False, allow_blank=True, help_text="ID or name, where several have it.")
    goal = Text(max_length=40, required=False, allow_blank=True, help_text="Its code, likewise.")
    status = serializers.ChoiceField(choices=[Conversion.Status.APPROVED, Conversion.Status.REJECTED])
    reason = serializers.ChoiceField(
        choices=[(reason.value, reason.label) for reason in (*APPROVALS, *REJECTIONS)], required=False, allow_blank=True
    )
    note = Text(
        max_length=250,
        required=False,
        allow_blank=True,
        help_text="Required, except to approve a pending conversion.",
    )
    include_held = Flag(
        required=False,
        default=False,
        help_text="Approve it although a review, a rule or a cap holds it, or its affiliate has no access. Without it "
        "such a conversion is left out: `refused`, with the reason.",
    )


SOME: dict[str, Any] = {"allow_empty": False, "max_length": MOST}


class WishAnswerSerializer(serializers.Serializer[Any]):
    result = serializers.ChoiceField(choices=[CHANGED, UNCHANGED, REFUSED])
    id = serializers.CharField(help_text="The conversion's ID; empty where none, or more than one, was found.")
    message = serializers.CharField()
    held = serializers.ListField(
        child=serializers.ChoiceField(choices=[(kind.value, label) for kind, label in LABELS.items()]),
        help_text="What prevented its approval; empty otherwise.",
    )


class DecisionViewSet(ResourceViewSet):
    """Approve, reject and refund, one conversion or many."""

    changes: ClassVar = dict.fromkeys(
        ("approve", "reject", "refund", "change_many"), Use(scopes.DECISIONS, ("conversions.change_conversion",))
    )

    @extend_schema(operation_id="conversions_approve", request=ApprovalSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def approve(self, request: Request, **address: str) -> Response:
        """Approve a pending conversion, or a rejected one on appeal.

        Approving an approved conversion changes nothing.
        """
        return self._decide(ApprovalSerializer(data=request.data), approve)

    @extend_schema(operation_id="conversions_reject", request=RejectionSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def reject(self, request: Request, **address: str) -> Response:
        """Reject a conversion, or reverse an approved one: a new ledger entry takes booked commission back."""
        return self._decide(RejectionSerializer(data=request.data), reject)

    @extend_schema(operation_id="conversions_refund", request=RefundSerializer)
    @action(detail=True, methods=["post"], permission_classes=[WithinReach, OperatorsOnly])
    def refund(self, request: Request, **address: str) -> Response:
        """Refund a part of the revenue, or all of it: a new ledger entry reduces the commission."""
        return self._decide(RefundSerializer(data=request.data), _refund)

    @extend_schema(
        operation_id="conversions_status",
        request=WishSerializer(many=True, **SOME),
        responses=WishAnswerSerializer(many=True),
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
        """Approve and reject up to 10,000 conversions, with an answer for each; one refusal does not stop the others.

        Conversions on hold by a review, a rule or a cap, and those of an affiliate without access, are approved only
        with `include_held`.
        """
        if isinstance(request.data, list) and len(request.data) > MOST:
            raise ValidationError({"": f"{len(request.data):,} rows at once; at most {MOST:,}. Split them."})
        serializer = WishSerializer(data=request.data, many=True, **SOME)
        serializer.is_valid(raise_exception=True)
        wishes = [Wish(**row) for row in serializer.validated_data]
        answers = decide_many(wishes, actor=self.reach.user, now=timezone.now())
        return Response(WishAnswerSerializer([answer._asdict() for answer in answers], many=True).data)

    def _decide(self, said: serializers.Serializer[Any], decide: Any) -> Response:
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
