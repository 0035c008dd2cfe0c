"""REST API: offers with their goals."""

from django.db.models import Prefetch, Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

from affiliates.access.serializers import ReachColumns
from affiliates.access.views import ReadViewSet
from affiliates.api import AffiliateName
from affiliates.models import Enrollment, Offer
from conversions.lists.offers import GOALS, OFFERS
from conversions.models import Goal, QualificationRule
from conversions.qualification.waits import RULES
from conversions.qualification.words import all_words
from web.lists.serializers import ColumnSerializer
from web.rest.filters import ChoicesFilter


class QualificationRuleSerializer(serializers.ModelSerializer[QualificationRule]):
    words = serializers.CharField(source="in_words", read_only=True, help_text="The rule as people read it.")

    class Meta:
        model = QualificationRule
        fields = ("kind", "words")
        read_only_fields = fields


class GoalSerializer(ColumnSerializer):
    columns = GOALS
    rules = serializers.SerializerMethodField(help_text="Everything that the goal asks of an event, in words.")
    qualification = QualificationRuleSerializer(
        source="qualification_rules", many=True, read_only=True, help_text="The rules beyond the goal's own, by kind."
    )

    class Meta:
        model = Goal

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_rules(self, goal: Goal) -> list[str]:
        return all_words(goal)


class EnrollmentSerializer(serializers.ModelSerializer[Enrollment]):
    affiliate = AffiliateName(read_only=True)

    class Meta:
        model = Enrollment
        fields = ("affiliate", "status", "note", "decided_at")
        read_only_fields = fields


class OfferSerializer(ReachColumns):
    """What affiliates promote, and what counts for it."""

    columns = OFFERS
    goals = GoalSerializer(many=True, read_only=True)
    enrollments = EnrollmentSerializer(
        source="own_enrollments",
        many=True,
        read_only=True,
        help_text="The access of the affiliate that makes the request.",
    )

    class Meta:
        model = Offer


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
