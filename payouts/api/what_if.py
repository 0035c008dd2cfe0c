"""REST API: what rules would have paid for a past period. Operators only; nothing is booked."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from affiliates.access.reach import Use
from affiliates.access.views import OperatorViewSet
from affiliates.api import AffiliateName, OfferName
from affiliates.models import Affiliate, Offer
from affiliates.roles import scopes
from payouts.models import CommissionPlan, DraftVersion, WhatIf, WhatIfLine
from payouts.plan_changes.what_if_jobs import WhatIfRefused, ask_of_draft, ask_what_if
from payouts.plan_changes.what_if_report import Total, totals
from payouts.plans.documents import MOST_RULES, PlanRefused, rules_from
from payouts.rights import VIEW_LEDGER
from web.rest.fields import AmountText, Text
from web.rest.filters import check_parameters
from web.rest.pages import Pages


class SumsSerializer(serializers.Serializer[Any]):
    """Money in one currency by the terms in force and by what was tried; two currencies are never added."""

    currency = serializers.CharField(read_only=True)
    before = AmountText(help_text="By the terms in force, for approved conversions.")
    after = AmountText(help_text="By the terms tried.")
    change = serializers.SerializerMethodField(help_text="`after` less `before`.")
    expected_before = AmountText(help_text="Like `before`, with pending conversions as if they were approved.")
    expected_after = AmountText(help_text="Like `after`, with pending conversions as if they were approved.")

    def get_change(self, row: Any) -> str:
        return f"{(row.after - row.before).normalize():f}"


class TotalSerializer(SumsSerializer):
    percent = serializers.SerializerMethodField(help_text="The change in percent; null where nothing is paid now.")
    gaining = serializers.IntegerField(read_only=True, help_text="Affiliates whose commission rises.")
    losing = serializers.IntegerField(read_only=True, help_text="Affiliates whose commission falls.")
    same = serializers.IntegerField(read_only=True, help_text="Affiliates whose commission stays.")

    def get_percent(self, row: Total) -> str | None:
        found: Decimal | None = row.percent
        return None if found is None else str(found)


class WhatIfLineSerializer(SumsSerializer):
    affiliate = AffiliateName(read_only=True)


class ExampleLineSerializer(serializers.Serializer[Any]):
    amount = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)
    arithmetic = serializers.CharField(read_only=True, help_text="How the amount comes about, in words.")


class ExampleSideSerializer(serializers.Serializer[Any]):
    lines = ExampleLineSerializer(many=True, read_only=True)
    reason = serializers.CharField(read_only=True, help_text="Why it earns nothing; empty where it does.")


class WhatIfExampleSerializer(serializers.Serializer[Any]):
    conversion = serializers.CharField(read_only=True, help_text="The conversion's ID.")
    occurred_at = serializers.DateTimeField(read_only=True)
    currency = serializers.CharField(read_only=True)
    change = serializers.CharField(read_only=True, help_text="What its affiliate gains; negative for a loss.")
    before = ExampleSideSerializer(read_only=True)
    after = ExampleSideSerializer(read_only=True)


class WhatIfSerializer(serializers.ModelSerializer[WhatIf]):
    id = serializers.CharField(source="public_id", read_only=True)
    offer = OfferName(source="plan.offer", read_only=True)
    affiliate = AffiliateName(
        source="plan.affiliate", read_only=True, allow_null=True, help_text="Whose own plan it is; null: the default."
    )
    draft = serializers.CharField(source="draft.public_id", default=None, read_only=True, allow_null=True)
    state = serializers.ChoiceField(choices=WhatIf.State.choices, read_only=True)
    events = serializers.IntegerField(source="total", read_only=True, help_text="Events to compare.")
    compared = serializers.IntegerField(source="done", read_only=True, help_text="Events that are compared.")
    totals = serializers.SerializerMethodField(help_text="By currency; empty until it is done.")
    examples = WhatIfExampleSerializer(many=True, read_only=True, help_text="The conversions that change most.")

    class Meta:
        model = WhatIf
        fields = (
            *("id", "tried", "offer", "affiliate", "draft", "starts_at", "ends_at", "state", "events", "compared"),
            *("asked_at", "finished_at", "error", "totals", "examples"),
        )
        read_only_fields = fields

    @extend_schema_field(TotalSerializer(many=True))
    def get_totals(self, row: WhatIf) -> list[dict[str, Any]]:
        return [dict(TotalSerializer(each).data) for each in totals(row)]


class AskSerializer(serializers.Serializer[Any]):
    """A draft by its ID, or an offer with rules as a version file lists them."""

    draft = Text(max_length=16, required=False, help_text="The draft's ID. Without it: offer and rules.")
    offer = Text(max_length=16, required=False, help_text="The offer's ID.")
    affiliate = Text(
        max_length=16, required=False, help_text="Try the rules as this affiliate's own plan; else as the default plan."
    )
    rules = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        max_length=MOST_RULES,
        help_text='Such as `[{"goal": "ftd", "kind": "flat", "amount": "120", "currency": "EUR"}]`.',
    )
    starts_at = serializers.DateTimeField(help_text="Events from this moment on.")
    ends_at = serializers.DateTimeField(help_text="Events before this moment; at the latest now.")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        others = {"offer", "rules", "affiliate"} & given.keys()
        if "draft" in given and others:
            raise ValidationError(dict.fromkeys(others, "Leave it out: the draft says it."))
        # PostgreSQL cannot store NUL in JSON.
        if "\\u0000" in json.dumps(given.get("rules")):
            raise ValidationError({"rules": "Send text without NUL characters."})
        missing = set() if "draft" in given else {"offer", "rules"} - given.keys()
        if missing:
            raise ValidationError(dict.fromkeys(missing, "Send a draft, or an offer and rules."))
        return given


@extend_schema(tags=["money"])
class WhatIfViewSet(OperatorViewSet):
    """What a draft, or rules, would have paid for a past period. Operators only; nothing is written to the ledger."""

    queryset = WhatIf.objects.select_related("plan__offer", "plan__affiliate", "draft")
    serializer_class = WhatIfSerializer
    lookup_field, lookup_url_kwarg = "public_id", "id"
    affiliate_path = "plan__affiliate"
    operator_permissions: ClassVar = ["payouts.view_whatif", VIEW_LEDGER]
    scope = scopes.MONEY
    changes: ClassVar = {"create": Use(scopes.SETTINGS, ("payouts.change_whatif",))}

    @extend_schema(operation_id="what_ifs_create", request=AskSerializer, responses={201: WhatIfSerializer})
    def create(self, request: Request) -> Response:
        """Ask. A small one is answered at once; ask for a greater one again until its `state` is `done`."""
        if self.reach.ids is not None:
            raise PermissionDenied("A what-if compares all affiliates: it needs a role that is for all of them.")
        serializer = AskSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            row = self._ask(serializer.validated_data, timezone.now())
        except (PlanRefused, WhatIfRefused) as error:
            raise ValidationError({"": getattr(error, "problems", [str(error)])}) from error
        return Response(self.get_serializer(row).data, status=201)

    @extend_schema(responses=WhatIfLineSerializer(many=True))
    @action(detail=True, methods=["get"])
    def lines(self, request: Request, id: str) -> Response:
        """Each affiliate's money by both terms."""
        check_parameters(request, known=Pages.parameters)
        row = get_object_or_404(self.get_queryset(), public_id=id)
        lines = WhatIfLine.objects.filter(what_if=row).select_related("affiliate")
        pages = Pages()
        page = pages.paginate_queryset(lines, request, view=self) or []
        return pages.get_paginated_response(WhatIfLineSerializer(page, many=True).data)

    def _ask(self, given: dict[str, Any], now: datetime) -> WhatIf:
        starts_at, ends_at, actor = given["starts_at"], given["ends_at"], self.reach.user
        if "draft" in given:
            draft = DraftVersion.objects.select_related("plan__offer").filter(public_id=given["draft"]).first()
            if draft is None:
                raise ValidationError({"draft": "There is no such draft."})
            return ask_of_draft(draft, starts_at, ends_at, actor=actor, now=now)
        plan = _plan(given["offer"], given.get("affiliate"))
        rules = rules_from({"rules": given["rules"]}, plan.offer)
        return ask_what_if(
            plan=plan, rules=rules, tried="Rules sent to the API", starts_at=starts_at, ends_at=ends_at, actor=actor,
            now=now,
        )  # fmt: skip


def _plan(offer_id: str, affiliate_id: str | None) -> CommissionPlan:
    """The plan that the rules stand in for; it has to be there, with or without versions."""
    offer = Offer.objects.filter(public_id=offer_id).first()
    if offer is None:
        raise ValidationError({"offer": "There is no such offer."})
    affiliate = Affiliate.objects.filter(public_id=affiliate_id).first() if affiliate_id else None
    if affiliate_id and affiliate is None:
        raise ValidationError({"affiliate": "There is no such affiliate."})
    plan = CommissionPlan.objects.select_related("offer").filter(offer=offer, affiliate=affiliate).first()
    if plan is None:
        whose = f"own plan of {affiliate}" if affiliate else "default plan"
        raise ValidationError({"offer": f"The offer has no {whose} yet: make one in the panel, it needs no version."})
    return plan
