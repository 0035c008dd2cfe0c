"""The operator panel's pages for tracking links and clicks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter
from unfold.decorators import action, display

from tracking.click_id.codec import lowest_uuid, parse, text_of
from tracking.click_id.pasted import narrowed
from tracking.models import SUB_IDS, Click, TrackingLink
from web.cells import NOTHING
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ExportColumns,
    PanelAdmin,
    RecordAdmin,
    code,
    label,
    link_to,
    list_link,
    when,
)


@admin.register(TrackingLink)
class TrackingLinkAdmin(PanelAdmin):
    list_display = (
        *("shown_code", "name", "affiliate_link", "offer_link", "is_active", "is_test", "clicks_link", "created_at"),
    )
    list_display_links = ("shown_code",)
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("is_test", BooleanRadioFilter),
        ("enrollment__affiliate", AutocompleteSelectFilter),
        ("enrollment__offer", AutocompleteSelectFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("enrollment__affiliate", "enrollment__offer")
    search_fields = ("code", "name", "enrollment__affiliate__name", "enrollment__offer__name")
    search_help_text = "Code, name, affiliate or offer"
    sortable_by = ("shown_code", "created_at")
    autocomplete_fields = ("enrollment",)
    fields = ("enrollment", ("code", "name"), "destination_url", ("is_active", "is_test"))

    def get_readonly_fields(self, request: HttpRequest, obj: TrackingLink | None = None) -> tuple[str, ...]:
        """The destination and owner of a link are part of every click it made; only its use may end."""
        return ("enrollment", "code", "is_test", "created_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: TrackingLink | None = None) -> bool:
        """Clicks refer to the link for years; make one inactive that is no longer wanted."""
        return False

    @display(description="Code", ordering="code")
    def shown_code(self, row: TrackingLink) -> SafeString | str:
        return code(row.code)

    @display(description="Affiliate")
    def affiliate_link(self, row: TrackingLink) -> SafeString | str:
        return link_to(row.enrollment.affiliate)

    @display(description="Offer")
    def offer_link(self, row: TrackingLink) -> SafeString | str:
        return link_to(row.enrollment.offer)

    @display(description="Clicks")
    def clicks_link(self, row: TrackingLink) -> SafeString | str:
        return list_link("admin:tracking_click_changelist", "Clicks", q=row.code)


class LinksOfFilter(AutocompleteSelectFilter):
    """Clicks of one affiliate or offer, found by its links: the index on clicks is by link and time."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Click]") -> "QuerySet[Click]":
        chosen = self.value()
        if not chosen or not str(chosen).isdigit():
            return queryset
        lookup = self.lookup_kwarg.removeprefix("link__")
        return queryset.filter(
            link__in=list(TrackingLink.objects.filter(**{lookup: chosen}).values_list("pk", flat=True))
        )


class ClickDayFilter(DayRangeFilter):
    """Filters by days as bounds on the time-ordered key, which the partitions are cut by."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        since, until = self.bounds()
        if since:
            queryset = queryset.filter(pk__gte=self.bound(since))
        return queryset.filter(pk__lt=self.bound(until)) if until else queryset

    def bound(self, moment: datetime) -> UUID:
        return lowest_uuid(moment)


class ClickColumns(ExportColumns):
    click_id = Field(column_name="click_id")
    affiliate = Field(attribute="link__enrollment__affiliate__name", column_name="affiliate")
    affiliate_id = Field(attribute="link__enrollment__affiliate__public_id", column_name="affiliate_id")
    offer = Field(attribute="link__enrollment__offer__name", column_name="offer")
    link_code = Field(attribute="link__code", column_name="link_code")

    class Meta:
        model = Click
        fields = (
            *("clicked_at", "click_id", "affiliate_id", "affiliate", "offer", "link_code", "country", "device"),
            *(
                "os",
                "browser",
                "asn",
                "is_data_centre",
                "is_bot",
                "is_duplicate",
                "source",
                "aff_click_id",
                *SUB_IDS,
                "referrer",
            ),
        )
        export_order = fields

    def dehydrate_click_id(self, row: Click) -> str:
        return text_of(row.pk)


@admin.register(Click)
class ClickAdmin(BoundedExport, RecordAdmin):
    """Every visit through a link. Only visitors make clicks."""

    resource_classes = (ClickColumns,)
    export_related = ("link__enrollment__affiliate", "link__enrollment__offer")
    list_display = ("time", "shown_id", "who", "link_code", "origin", "labels", "marks")
    list_display_links = ("time", "shown_id")
    list_filter = (
        ("clicked_at", ClickDayFilter),
        ("link__enrollment__affiliate", LinksOfFilter),
        ("link__enrollment__offer", LinksOfFilter),
        ("is_bot", BooleanRadioFilter),
        ("is_duplicate", BooleanRadioFilter),
        ("is_data_centre", BooleanRadioFilter),
    )
    list_select_related = ("link__enrollment__affiliate", "link__enrollment__offer")
    search_fields = ("id",)
    search_help_text = "A click ID (40 characters or UUID), or a link's code"
    ordering = ("-id",)
    sortable_by = ()
    actions_detail = ("trace",)
    fieldsets = (
        (None, {"fields": (("shown_id", "time"), ("affiliate_link", "offer_name"), ("link", "destination"))}),
        (
            "Visitor",
            {"fields": (("ip", "network"), ("place", "software"), "user_agent", "referrer", "visitor", "marks")},
        ),
        (
            "The affiliate's labels",
            {"fields": (("aff_click_id", "source"), *zip(SUB_IDS[::2], SUB_IDS[1::2], strict=True))},
        ),
        ("Inside", {"fields": (("id", "marked_at"),)}),
    )
    readonly_fields = (
        *("shown_id", "time", "affiliate_link", "offer_name", "network", "place", "software", "marks", "destination"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Click]", search_term: str
    ) -> tuple["QuerySet[Click]", bool]:
        """Search by key or by link only: no other column of this table has an index."""
        term = narrowed(search_term)
        if not term:
            return queryset, False
        if key := click_key(term):
            return queryset.filter(pk=key), False
        return queryset.filter(
            link__in=list(TrackingLink.objects.filter(code=term.lower()).values_list("pk", flat=True))
        ), False

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(f"{reverse('trace:search')}?q={text_of(UUID(object_id))}")

    @display(description="Time", ordering="id")
    def time(self, row: Click) -> SafeString | str:
        return when(row.clicked_at)

    @display(description="Click ID")
    def shown_id(self, row: Click) -> SafeString | str:
        return code(text_of(row.pk))

    @display(description="Affiliate and offer", header=True)
    def who(self, row: Click) -> list[object]:
        return [link_to(row.link.enrollment.affiliate), row.link.enrollment.offer.name]

    @display(description="Affiliate")
    def affiliate_link(self, row: Click) -> SafeString | str:
        return link_to(row.link.enrollment.affiliate)

    @display(description="Offer")
    def offer_name(self, row: Click) -> SafeString | str:
        return link_to(row.link.enrollment.offer)

    @display(description="Link")
    def link_code(self, row: Click) -> SafeString | str:
        return code(row.link.code)

    @display(description="From", header=True)
    def origin(self, row: Click) -> list[str]:
        return [self.place(row), self.software(row)]

    @display(description="From")
    def place(self, row: Click) -> str:
        return " · ".join(part for part in (row.country, row.device) if part) or NOTHING

    @display(description="System and browser")
    def software(self, row: Click) -> str:
        return " · ".join(part for part in (row.os, row.browser) if part) or NOTHING

    @display(description="Network")
    def network(self, row: Click) -> str:
        """The number of the autonomous system that the address belongs to."""
        known = [f"AS{row.asn}"] if row.asn else []
        return " · ".join([*known, *(["data centre"] if row.is_data_centre else [])]) or NOTHING

    @display(description="Labels")
    def labels(self, row: Click) -> SafeString | str:
        given = [(name, getattr(row, name)) for name in ("aff_click_id", *SUB_IDS) if getattr(row, name)]
        text = ", ".join(f"{name}={value}" for name, value in given)
        return format_html('<span class="aff-clip" title="{}">{}</span>', text, text) if text else NOTHING

    @display(description="Marks")
    def marks(self, row: Click) -> SafeString | str:
        if row.is_bot:
            return label("Bot", "danger")
        if row.is_duplicate:
            return label("Duplicate", "warning")
        return NOTHING if row.marked_at else label("Not looked at yet", "default")

    @display(description="Destination")
    def destination(self, row: Click) -> str:
        return row.link.destination_url or row.link.enrollment.offer.destination_url


def click_key(text: str) -> UUID | None:
    """The key of the click that this text names, as a signed click ID or as a plain UUID."""
    if found := parse(text.strip()):
        return found.uuid
    try:
        return UUID(text.strip())
    except ValueError:
        return None
