"""REST API: the requesting key or user, and affiliates."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from affiliates.access.reach import WithinReach, reach_of
from affiliates.access.views import OperatorViewSet
from affiliates.models import Advertiser, Affiliate, ApiKey, Offer
from web.rest.filters import ChoicesFilter, PeriodFilters, check_parameters


class AffiliateName(serializers.ModelSerializer[Affiliate]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Affiliate
        fields = ("id", "name")
        read_only_fields = fields


class AdvertiserName(serializers.ModelSerializer[Advertiser]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Advertiser
        fields = ("id", "name")
        read_only_fields = fields


class OfferName(serializers.ModelSerializer[Offer]):
    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Offer
        fields = ("id", "name")
        read_only_fields = fields


class AffiliateSerializer(serializers.ModelSerializer[Affiliate]):
    id = serializers.CharField(source="public_id", read_only=True)
    parent = AffiliateName(read_only=True, allow_null=True)
    website = serializers.CharField(read_only=True, help_text="Empty where none is known.")

    class Meta:
        model = Affiliate
        fields = ("id", "name", "status", "status_note", "country", "currency", "website", "parent", "created_at")
        read_only_fields = fields

    def to_representation(self, instance: Affiliate) -> dict[str, Any]:
        """The parent of an affiliate within reach may be beyond it."""
        shown: dict[str, Any] = super().to_representation(instance)
        ids = self.context["reach"].ids
        return shown if ids is None or instance.parent_id in ids else {**shown, "parent": None}


class AffiliateFilters(PeriodFilters):
    moment, moment_words = "created_at", "when the affiliate was added"
    status = ChoicesFilter(choices=Affiliate.Status.choices)
    country = filters.CharFilter(help_text="Two capitals, as in ISO 3166.")


@extend_schema(tags=["affiliates"])
class AffiliateViewSet(OperatorViewSet):
    """Affiliates of the program. Operators only."""

    queryset = Affiliate.objects.select_related("parent")
    serializer_class = AffiliateSerializer
    filterset_class = AffiliateFilters
    lookup_field, lookup_url_kwarg = "public_id", "id"
    affiliate_path = "pk"


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ("name", "hint", "scopes", "expires_at", "created_at")
        read_only_fields = fields


class AskerSerializer(serializers.Serializer[Any]):
    """The requesting key or user, and which rows it sees."""

    role = serializers.ChoiceField(choices=["operator", "affiliate"], read_only=True)
    email = serializers.EmailField(read_only=True)
    affiliates = AffiliateName(many=True, read_only=True)
    key = KeySerializer(read_only=True, allow_null=True)


class AskerView(APIView):
    """The key or session in use, and which affiliates it sees. The first call to make with a new key."""

    permission_classes: Any = [WithinReach]
    # It answers every key: with what the key may do.
    scope = None

    @extend_schema(tags=["me"], operation_id="me", responses=AskerSerializer)
    def get(self, request: Request) -> Response:
        check_parameters(request, known=set())
        reach = reach_of(request)
        return Response(
            {
                "role": "operator" if reach.is_operator else "affiliate",
                "email": reach.user.email,
                "affiliates": AffiliateName(reach.affiliates, many=True).data,
                "key": KeySerializer(request.auth).data if isinstance(request.auth, ApiKey) else None,
            }
        )
