"""The operator panel's pages for tracking links and clicks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from records.translation import gettext_lazy as _
from tracking.click_id.codec import lowest_uuid, parse, text_of
from tracking.click_id.pasted import narrowed
from tracking.consent.words import CONSENT_WORDS
from tracking.models import SUB_IDS, Click, TrackingLink
from web.cells import NOTHING
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    PanelAdmin,
    PanelColumn,
    ReachableFilter,
    RecordAdmin,
    clipped,
    code,
    column,
    export_of,
    label,
    link_to,
    shown,
    to_list,
    two_lines,
    when,
    whole_story,
)
from web.panel.columns import Source, reader


def click_column(source: Source = "click_id", *, heading: str = _("Click ID"), empty: str | None = None) -> PanelColumn:
    """The signed click ID of a stored key."""
    read = reader(source)
    return column(heading, lambda row: text_of(key) if (key := read(row)) else "", code, empty=empty)


def labels_of(row: Click) -> str:
    """`sub1=blog, sub2=top`: what the affiliate's own system passed on."""
    given = ((name, getattr(row, name)) for name in ("aff_click_id", *SUB_IDS))
    return ", ".join(f"{name}={value}" for name, value in given if value)


def dotted(*parts: str) -> str:
    """`DE · phone`, of what is known."""
    return " · ".join(part for part in parts if part) or NOTHING


@admin.register(TrackingLink)
class TrackingLinkAdmin(PanelAdmin):
    list_display = (
        *("shown_code", "name", "affiliate_link", "offer_link", "is_active", "is_test", "clicks_link", "created_at"),
    )
    list_display_links = ("shown_code",)
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("is_test", BooleanRadioFilter),
        ("enrollment__affiliate", ReachableFilter),
        ("enrollment__offer", ReachableFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("enrollment__affiliate", "enrollment__offer")
    search_fields = ("code", "name", "enrollment__affiliate__name", "enrollment__offer__name")
    search_help_text = _("Code, name, affiliate or offer")
    sortable_by = ("shown_code", "created_at")
    autocomplete_fields = ("enrollment",)
    fields = ("enrollment", ("code", "name"), "destination_url", ("is_active", "is_test"))
    shown_code = column(_("Code"), "code", code, ordering="code")
    affiliate_link = column(_("Affiliate"), "enrollment.affiliate", link_to)
    offer_link = column(_("Offer"), "enrollment.offer", link_to)
    clicks_link = column(_("Clicks"), to_list("admin:tracking_click_changelist", _("Clicks"), q="code"))

    def get_readonly_fields(self, request: HttpRequest, obj: TrackingLink | None = None) -> tuple[str, ...]:
        """The destination and owner of a link are part of every click it made; only its use may end."""
        return ("enrollment", "code", "is_test", "created_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: TrackingLink | None = None) -> bool:
        """Clicks refer to the link for years; make one inactive that is no longer wanted."""
        return False


class LinksOfFilter(ReachableFilter):
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


@admin.register(Click)
class ClickAdmin(BoundedExport, RecordAdmin):
    """Every visit through a link. Only visitors make clicks."""

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
    search_help_text = _("A click ID (40 characters or UUID), or a link's code")
    ordering = ("-id",)
    sortable_by = ()
    actions_detail = ("trace",)
    fieldsets = (
        (None, {"fields": (("shown_id", "time"), ("affiliate_link", "offer_name"), ("link", "destination"))}),
        (
            _("Visitor"),
            {
                "fields": (
                    ("ip", "network"),
                    ("place", "software"),
                    *("consent_label", "consent_basis", "user_agent", "referrer", "visitor", "marks"),
                )
            },
        ),
        (
            _("The affiliate's labels"),
            {"fields": (("aff_click_id", "source"), *zip(SUB_IDS[::2], SUB_IDS[1::2], strict=True))},
        ),
        (_("Inside"), {"fields": (("id", "marked_at"),)}),
    )
    time = column(_("Time"), "clicked_at", when, ordering="id")
    shown_id = click_column("pk")
    who = two_lines(_("Affiliate and offer"), shown("link.enrollment.affiliate", link_to), "link.enrollment.offer.name")
    affiliate_link = column(_("Affiliate"), "link.enrollment.affiliate", link_to)
    offer_name = column(_("Offer"), "link.enrollment.offer", link_to)
    link_code = column(_("Link"), "link.code", code)
    place = column(_("From"), lambda row: dotted(row.country, row.device))
    software = column(_("System and browser"), lambda row: dotted(row.os, row.browser))
    origin = two_lines(_("From"), place, software)
    # The number of the autonomous system that the address belongs to.
    network = column(
        _("Network"), lambda row: dotted(row.asn and f"AS{row.asn}", row.is_data_centre and gettext("data centre"))
    )
    consent_label = column(_("Consent"), lambda row: CONSENT_WORDS.get(row.consent, row.consent))
    labels = column(_("Labels"), labels_of, clipped, empty=NOTHING)
    destination = column(
        _("Destination"), lambda row: row.link.destination_url or row.link.enrollment.offer.destination_url
    )
    trace = whole_story("search", shown_id)
    resource_classes = (
        export_of(
            Click,
            "clicked_at",
            ("click_id", shown_id),
            ("affiliate_id", "link.enrollment.affiliate.public_id"),
            ("affiliate", affiliate_link),
            ("offer", offer_name),
            ("link_code", link_code),
            *("country", "device", "os", "browser", "asn", "is_data_centre", "is_bot", "is_duplicate"),
            *("source", "aff_click_id", *SUB_IDS, "referrer", "consent", "consent_basis"),
        ),
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

    @display(description=_("Marks"))
    def marks(self, row: Click) -> SafeString | str:
        if row.is_bot:
            return label(gettext("Bot"), "danger")
        if row.is_duplicate:
            return label(gettext("Duplicate"), "warning")
        return NOTHING if row.marked_at else label(gettext("Not marked yet"), "default")


def click_key(text: str) -> UUID | None:
    """The key of the click that this text names, as a signed click ID or as a plain UUID."""
    if found := parse(text.strip()):
        return found.uuid
    try:
        return UUID(text.strip())
    except ValueError:
        return None
