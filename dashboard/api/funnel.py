"""REST API: the funnel of an offer."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from affiliates.access.reach import Reach, WithinReach, reach_of
from affiliates.models import Affiliate, Offer
from dashboard.funnel.figures import FunnelStep
from dashboard.funnel.form import FunnelForm
from dashboard.portal.queries.objects import visible_offers
from web.rest.filters import check_parameters

KNOWN = {"offer": "The offer's ID.", "affiliate": "Only this affiliate's clicks, by its ID.",
         "country": "Only clicks from this country: two letters.",
         "since": "The first day of clicks (UTC).",
         "until": "The last day of clicks (UTC), included. Without days: the last 30."}  # fmt: skip


TYPES: dict[str, Any] = {
    "country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
    "since": OpenApiTypes.DATE,
    "until": OpenApiTypes.DATE,
}


class RateField(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=6, decimal_places=4, read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return f"{value:.4f}"


class FunnelStepSerializer(serializers.Serializer[FunnelStep]):
    code = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    number = serializers.IntegerField(read_only=True, help_text="People who got there.")
    followed = serializers.IntegerField(read_only=True, help_text="Of them, those who had done the step before.")
    dropped = serializers.IntegerField(read_only=True, help_text="Those of the step before who did not follow.")
    rate = RateField(help_text="The share of the step before that followed, from 0 to 1.")
    overall = RateField(help_text="The share of all clicks that got there.")
    median_seconds = serializers.SerializerMethodField(help_text="From the step before; first from the click.")

    def get_median_seconds(self, step: FunnelStep) -> int | None:
        return None if step.median is None else round(step.median.total_seconds())


class FunnelCohortSerializer(serializers.Serializer[Any]):
    week = serializers.DateField(source="on", read_only=True, help_text="The Monday of the week of the clicks (UTC).")
    numbers = serializers.ListField(child=serializers.IntegerField(), read_only=True, help_text="People by step.")


class FunnelSerializer(serializers.Serializer[Any]):
    clicks = serializers.IntegerField(read_only=True, help_text="Neither bots' nor repeated.")
    steps = FunnelStepSerializer(many=True, read_only=True)
    cohorts = FunnelCohortSerializer(many=True, read_only=True)


class FunnelView(APIView):
    """Where visitors drop off: of those who clicked in a period, how many reached each goal of the offer."""

    permission_classes: Any = [WithinReach]
    operator_permissions: ClassVar = ["conversions.view_conversion", "tracking.view_click"]

    @extend_schema(
        tags=["funnel"],
        operation_id="funnel",
        responses=FunnelSerializer,
        parameters=[
            OpenApiParameter(name, TYPES.get(name, str), required=name == "offer", description=words)
            for name, words in KNOWN.items()
        ],
    )
    def get(self, request: Request) -> Response:
        check_parameters(request, known=KNOWN)
        reach = reach_of(request)
        own = _affiliate(reach, request.query_params.get("affiliate", ""))
        offers = visible_offers(own) if own and not reach.is_operator else Offer.objects.all()
        if not offers.filter(public_id=request.query_params.get("offer", "")[:16]).exists():
            raise Http404("There is no such offer. Give its ID as `offer`.")
        form = FunnelForm(request.query_params, offers=offers, zone=ZoneInfo("UTC"), now=timezone.now(), own=own)
        if form.errors:
            raise ValidationError(
                {name: [str(problem) for problem in problems] for name, problems in form.errors.items()}
            )
        return Response(FunnelSerializer(form.result()).data)


def _affiliate(reach: Reach, public_id: str) -> Affiliate | None:
    """The affiliate whose clicks are counted: any or all for operators, one within reach for others."""
    if reach.ids is None and not public_id:
        return None
    within = list(Affiliate.objects.filter(public_id=public_id)) if reach.ids is None else reach.affiliates
    found = next((each for each in within if public_id in ("", each.public_id)), None)
    if found is None:
        raise Http404("There is no such affiliate within your reach.")
    return found
