"""REST API: tracking links and clicks."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import CreateModelMixin, ListModelMixin, UpdateModelMixin
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.validators import UniqueValidator

from affiliates.access.reach import AffiliatesOnly, Reach, Use
from affiliates.access.serializers import ReachColumns
from affiliates.access.views import ReadViewSet, ResourceViewSet
from affiliates.models import Affiliate, Enrollment
from affiliates.roles import scopes
from tracking.capture.landing_page import check_landing_page
from tracking.click_id.codec import lowest_uuid
from tracking.lists.clicks import CLICKS
from tracking.lists.links import LINKS, with_urls
from tracking.models import Click, TrackingLink
from tracking.queries import at_the_end
from web.lists.serializers import ColumnSerializer
from web.rest.errors import Conflict
from web.rest.fields import StrictSerializer, Text
from web.rest.filters import EXAMPLE, MomentFilter, PeriodFilters, YesNoFilter
from web.rest.pages import Pages

# How far back a list of clicks goes without `from`: it bounds the cost of a request.
RECENT = timedelta(days=30)
_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


class LinkSerializer(ColumnSerializer, StrictSerializer):
    """An affiliate's link to an offer."""

    columns = LINKS

    class Meta:
        model = TrackingLink


class CodeField(Text):
    """A link's code, which visitors type in any case and which is stored in lower case."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class NewLinkSerializer(StrictSerializer):
    """A link to an offer that the affiliate is approved for."""

    offer = Text(max_length=16, write_only=True, help_text="The offer's ID: `of_...`")
    affiliate = Text(
        max_length=16,
        write_only=True,
        required=False,
        help_text="The affiliate's ID: needed only by those who act for several.",
    )
    code = CodeField(
        required=False,
        allow_blank=True,
        help_text="The end of the link's address, which never changes. Left out or empty: a random one.",
        validators=[
            *TrackingLink._meta.get_field("code").validators,
            UniqueValidator(TrackingLink.objects.all(), "This code is taken. Choose another one."),
        ],
    )

    class Meta:
        model = TrackingLink
        fields = ("offer", "affiliate", "name", "destination_url", "code")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        affiliate = chosen_affiliate(self.context["reach"], attrs.pop("affiliate", None))
        enrollment = _approved(affiliate, attrs.pop("offer"))
        if url := attrs.get("destination_url"):
            try:
                check_landing_page(url, enrollment.offer)
            except DjangoValidationError as error:
                raise serializers.ValidationError({"destination_url": error.messages}) from error
        if not attrs.get("code"):
            attrs.pop("code", None)
        return {**attrs, "enrollment": enrollment}

    def to_representation(self, instance: TrackingLink) -> dict[str, Any]:
        return dict(LinkSerializer(instance, context=self.context).data)


def chosen_affiliate(reach: Reach, public_id: str | None) -> Affiliate:
    """The affiliate of the request. Raise `ValidationError` when it is not clear, `Conflict` when it may not act."""
    acting = [each for each in reach.affiliates if public_id in (None, each.public_id)]
    if len(acting) != 1:
        known = ", ".join(f"{each.public_id} ({each.name})" for each in reach.affiliates)
        raise serializers.ValidationError({"affiliate": f"Say for which affiliate, one of {known}."})
    if acting[0].status != Affiliate.Status.ACTIVE:
        raise Conflict(f"{acting[0].name} is {acting[0].get_status_display().lower()}: links can be read, not changed.")
    return acting[0]


def _approved(affiliate: Affiliate, offer_id: str) -> Enrollment:
    approved = Enrollment.objects.filter(affiliate=affiliate, status=Enrollment.Status.APPROVED)
    found = approved.filter(offer__public_id=offer_id).select_related("offer", "affiliate").first()
    if found is None:
        raise serializers.ValidationError(
            {"offer": f"{affiliate.name} is not approved for an offer of this ID. Apply for it, or check the ID."}
        )
    return found


class LinkFilters(PeriodFilters):
    moment, moment_words = "created_at", "when the link was made"
    affiliate = filters.CharFilter("enrollment__affiliate__public_id", help_text="Links of this affiliate, by its ID.")
    offer = filters.CharFilter("enrollment__offer__public_id", help_text="Links to this offer, by its ID.")
    is_active = YesNoFilter()


@extend_schema(tags=["links"])
@extend_schema_view(create=extend_schema(responses={201: LinkSerializer}))
class LinkViewSet(CreateModelMixin, UpdateModelMixin, ReadViewSet):
    """Tracking links. Affiliates create them, name them and switch them off and on; operators read them."""

    queryset = TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer")
    serializer_class = LinkSerializer
    filterset_class = LinkFilters
    lookup_field = "code"
    affiliate_path = "enrollment__affiliate"
    changes: ClassVar = {
        "create": Use(scopes.LINKS, ("tracking.add_trackinglink",)),
        "partial_update": Use(scopes.LINKS, ("tracking.change_trackinglink",)),
    }
    http_method_names = ["get", "head", "options", "post", "patch"]

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return NewLinkSerializer if self.action == "create" else LinkSerializer

    def get_permissions(self) -> Any:
        writes = self.action in ("create", "partial_update")
        return [*super().get_permissions(), *([AffiliatesOnly()] if writes else [])]

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return with_urls(super().filter_queryset(queryset))

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        link: TrackingLink = self.get_object()
        chosen_affiliate(self.reach, link.enrollment.affiliate.public_id)
        serializer.save()


class ClickSerializer(ReachColumns):
    """One visit through a link."""

    columns = CLICKS
    ip = serializers.IPAddressField(read_only=True, allow_null=True)

    class Meta:
        model = Click


class ClickFilters(filters.FilterSet):
    link = filters.CharFilter(method="leave", help_text="Clicks on this link, by its code.")
    offer = filters.CharFilter(method="leave", help_text="Clicks for this offer, by its ID.")
    affiliate = filters.CharFilter(method="leave", help_text="Clicks of this affiliate, by its ID.")
    sub1 = filters.CharFilter(help_text="Clicks with exactly this label.")

    @classmethod
    def get_filters(cls) -> Any:
        since = f"Clicks at or after this moment, for example {EXAMPLE}. Left out: {RECENT.days} days before `to`."
        until = "Clicks before this moment. Left out: now."
        return {
            **super().get_filters(),
            "from": MomentFilter(method="leave", help_text=since),
            "to": MomentFilter(method="leave", help_text=until),
        }

    def leave(self, rows: "QuerySet[Click]", name: str, value: str) -> "QuerySet[Click]":
        """The view chooses the links (`asked_links`), the period is one condition (`filter_queryset`)."""
        return rows

    def filter_queryset(self, queryset: "QuerySet[Click]") -> "QuerySet[Click]":
        """Click IDs are in the order of time, so a period is a range of the primary key."""
        chosen = self.form.cleaned_data
        until = max(chosen["to"] or timezone.now() + timedelta(minutes=5), _FIRST_MOMENT + RECENT)
        since = chosen["from"] or until - RECENT
        rows: QuerySet[Click] = super().filter_queryset(queryset)
        return rows.filter(pk__gte=_bound(since), pk__lt=_bound(until))


def _bound(moment: datetime) -> UUID:
    return lowest_uuid(max(moment, _FIRST_MOMENT))


class ClickPages(Pages):
    """Pages of clicks, read link by link if the links are known."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        if view.asked_links is not None:
            cursor = self.decode_cursor(request) or Cursor(offset=0, reverse=False, position=None)
            if cursor.position:
                beyond = "pk__gt" if cursor.reverse else "pk__lt"
                queryset = queryset.filter(**{beyond: cursor.position})
            limit = cursor.offset + self.get_page_size(request) + 1
            queryset = at_the_end(queryset, links=view.asked_links, limit=limit, newest=not cursor.reverse)
        links = TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer")
        return super().paginate_queryset(queryset.prefetch_related(Prefetch("link", links)), request, view)


@extend_schema(tags=["clicks"])
class ClickViewSet(ListModelMixin, ResourceViewSet):
    """Clicks, newest first."""

    queryset = Click.objects.all()
    serializer_class = ClickSerializer
    filterset_class = ClickFilters
    pagination_class = ClickPages
    CHOOSE_LINKS: ClassVar = {
        "link": "code",
        "offer": "enrollment__offer__public_id",
        "affiliate": "enrollment__affiliate__public_id",
    }

    @cached_property
    def asked_links(self) -> list[int] | None:
        """The links within reach whose clicks are requested; None for all of them, which only operators can request."""
        given = self.request.query_params
        # The filters refuse characters that no text may contain.
        asked = {path: given[name] for name, path in self.CHOOSE_LINKS.items() if given.get(name, "\0").isprintable()}
        if self.reach.ids is None and not asked:
            return None
        links = self.reach.within(TrackingLink.objects.filter(**asked), "enrollment__affiliate")
        return list(links.order_by("pk").values_list("pk", flat=True))

    def get_queryset(self) -> "QuerySet[Click]":
        if getattr(self, "swagger_fake_view", False) or self.asked_links is None:
            return Click.objects.all()
        return Click.objects.filter(link__in=self.asked_links)
