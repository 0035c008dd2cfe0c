"""Offers, and the affiliates that may promote them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
)
from unfold.decorators import display
from unfold.enums import ActionVariant

from affiliates.admin.forms import (
    ActivateOffers,
    ApproveEnrollments,
    BlockEnrollments,
    EndOffers,
    OfferDestinationForm,
    OfferForm,
    PauseOffers,
    RejectEnrollments,
    TrackingDomainForm,
)
from affiliates.admin.people import ENROLLMENT_TONES
from affiliates.models import CouponCode, Enrollment, Offer, OfferDestination, TrackingDomain
from records.words import duration_words
from web.panel import DayRangeFilter, PanelAdmin, PanelInline, code, labelled, link_to, list_link, question

OFFER_TONES = {"draft": "default", "active": "success", "paused": "warning", "ended": "default"}


class DestinationInline(PanelInline):
    """Other destinations for some of an offer's visitors."""

    model = OfferDestination
    form = OfferDestinationForm
    fields = (("name", "weight"), "destination_url", "countries", "devices", "systems")
    collapsible = True
    verbose_name_plural = "destinations"


@admin.register(Offer)
class OfferAdmin(PanelAdmin):
    form = OfferForm
    list_display = (
        "named",
        "status_label",
        "advertiser",
        "vertical",
        "currency",
        "window",
        "customer_lock",
        "created_at",
    )
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("vertical", ChoicesCheckboxFilter),
        ("advertiser", AutocompleteSelectFilter),
    )
    list_select_related = ("advertiser",)
    search_fields = ("name", "public_id", "advertiser__name")
    search_help_text = "Name, ID (of_…) or advertiser"
    sortable_by = ("named", "status_label", "created_at")
    autocomplete_fields = ("advertiser",)
    actions = ("activate", "pause")
    actions_detail = ("activate", "pause", "end")
    inlines: Any = (DestinationInline,)
    readonly_fields: Any = ("shown_id", "status_label", "created_at", "capped_until", "related_lists")
    fieldsets: Any = (
        (
            None,
            {
                "fields": (
                    ("name", "shown_id"),
                    ("status_label", "created_at"),
                    ("advertiser", "vertical"),
                    "related_lists",
                )
            },
        ),
        ("What affiliates read", {"fields": ("description", "terms")}),
        (
            "Where visitors go",
            {
                "fields": (
                    "destination_url",
                    "fallback_url",
                    "deep_link_hosts",
                    ("pass_through", "pass_through_names"),
                )
            },
        ),
        (
            "When and for whom links are open",
            {
                "fields": (
                    "countries",
                    "starts_at",
                    "ends_at",
                    ("daily_click_cap", "daily_conversion_cap"),
                    "capped_until",
                )
            },
        ),
        (
            "What counts",
            {
                "fields": (
                    ("currency", "requires_approval"),
                    ("attribution_window", "attribution_window_minimum"),
                    ("customer_lock", "customer_lock_expires"),
                    "attribution_model",
                )
            },
        ),
    )
    activate = question(ActivateOffers, description="Activate", icon="play_arrow", variant=ActionVariant.PRIMARY)
    pause = question(PauseOffers, description="Pause", icon="pause")
    end = question(EndOffers, description="End", icon="stop")
    status_label = labelled("status", OFFER_TONES, description="Status")

    def get_fieldsets(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        """A new offer is a draft and has no ID yet."""
        if obj:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("name", ("advertiser", "vertical"))}), *self.fieldsets[1:5]]

    @display(description="Offer", ordering="name", header=True)
    def named(self, row: Offer) -> list[object]:
        return [row.name, code(row.public_id)]

    @display(description="Window", ordering="attribution_window")
    def window(self, row: Offer) -> str:
        return duration_words(row.attribution_window)

    @display(description="See also")
    def related_lists(self, row: Offer) -> SafeString:
        links = (
            list_link("admin:affiliates_enrollment_changelist", "Enrollments", offer__id__exact=row.pk),
            list_link("admin:tracking_trackinglink_changelist", "Tracking links", enrollment__offer__id__exact=row.pk),
            list_link("admin:tracking_click_changelist", "Clicks", offer=row.pk),
            list_link("admin:conversions_conversion_changelist", "Conversions", goal__offer__id__exact=row.pk),
        )
        return format_html('<span class="aff-links">{}{}{}{}</span>', *links)


@admin.register(Enrollment)
class EnrollmentAdmin(PanelAdmin):
    list_display = (
        "id_label",
        "status_label",
        "affiliate_link",
        "offer_link",
        "note",
        "decided_by",
        "decided_at",
        "created_at",
    )
    list_display_links = ("id_label",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("offer", AutocompleteSelectFilter),
        ("affiliate", AutocompleteSelectFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "offer", "decided_by")
    search_fields = ("affiliate__name", "affiliate__public_id", "offer__name", "offer__public_id")
    search_help_text = "Affiliate or offer"
    ordering = ("-created_at",)
    sortable_by = ("status_label", "decided_at", "created_at")
    autocomplete_fields = ("affiliate", "offer")
    actions = ("approve", "reject", "block")
    actions_detail = ("approve", "reject", "block")
    readonly_fields = ("status_label", "decided_by", "decided_at", "created_at", "related_lists")
    fields = (
        ("affiliate", "offer"),
        ("status_label", "created_at"),
        ("decided_by", "decided_at"),
        "note",
        "related_lists",
    )
    approve = question(ApproveEnrollments, description="Approve", icon="check", variant=ActionVariant.PRIMARY)
    reject = question(RejectEnrollments, description="Reject", icon="close")
    block = question(BlockEnrollments, description="Block", icon="block")
    status_label = labelled("status", ENROLLMENT_TONES, description="Status")

    def get_fields(self, request: HttpRequest, obj: Enrollment | None = None) -> Any:
        return self.fields if obj else ("affiliate", "offer", "status", "note")

    def get_readonly_fields(self, request: HttpRequest, obj: Enrollment | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "affiliate", "offer") if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "status":
            start = (Enrollment.Status.APPROVED, Enrollment.Status.PENDING)
            kwargs["choices"] = [(status.value, status.label) for status in start]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Enrollment, form: Any, change: bool) -> None:
        """Enrolling an affiliate by hand is a decision; store the operator who made it."""
        if not change and obj.status == Enrollment.Status.APPROVED:
            obj.decided_by, obj.decided_at = request.user, timezone.now()  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    @display(description="Enrollment", ordering="id")
    def id_label(self, row: Enrollment) -> str:
        return f"#{row.pk}"

    @display(description="Affiliate", ordering="affiliate__name")
    def affiliate_link(self, row: Enrollment) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Offer", ordering="offer__name")
    def offer_link(self, row: Enrollment) -> SafeString | str:
        return link_to(row.offer)

    @display(description="See also")
    def related_lists(self, row: Enrollment) -> SafeString:
        links = list_link("admin:tracking_trackinglink_changelist", "Tracking links", enrollment__id__exact=row.pk)
        return format_html('<span class="aff-links">{}{}{}</span>', link_to(row.affiliate), link_to(row.offer), links)


@admin.register(CouponCode)
class CouponCodeAdmin(PanelAdmin):
    list_display = ("code", "affiliate_link", "offer_link", "is_active", "created_at")
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("enrollment__offer", AutocompleteSelectFilter),
        ("enrollment__affiliate", AutocompleteSelectFilter),
    )
    list_select_related = ("enrollment__affiliate", "enrollment__offer")
    search_fields = ("code", "enrollment__affiliate__name", "enrollment__offer__name")
    ordering = ("-created_at",)
    sortable_by = ("code", "created_at")
    autocomplete_fields = ("enrollment",)
    fields = ("enrollment", ("code", "is_active"))

    def get_readonly_fields(self, request: HttpRequest, obj: CouponCode | None = None) -> tuple[str, ...]:
        """A code that customers may have used belongs to one affiliate for good."""
        return ("enrollment", "code") if obj else ()

    @display(description="Affiliate", ordering="enrollment__affiliate__name")
    def affiliate_link(self, row: CouponCode) -> SafeString | str:
        return link_to(row.enrollment.affiliate)

    @display(description="Offer", ordering="enrollment__offer__name")
    def offer_link(self, row: CouponCode) -> SafeString | str:
        return link_to(row.enrollment.offer)


@admin.register(OfferDestination)
class OfferDestinationAdmin(PanelAdmin):
    form = OfferDestinationForm
    list_display = ("name", "offer_link", "destination_url", "for_whom", "weight")
    list_filter = (("offer", AutocompleteSelectFilter),)
    list_select_related = ("offer",)
    search_fields = ("name", "offer__name", "destination_url")
    sortable_by = ("name",)
    autocomplete_fields = ("offer",)
    fields = (("offer", "name"), "destination_url", "countries", "devices", "systems", "weight")

    def get_readonly_fields(self, request: HttpRequest, obj: OfferDestination | None = None) -> tuple[str, ...]:
        return ("offer",) if obj else ()

    @display(description="Offer", ordering="offer__name")
    def offer_link(self, row: OfferDestination) -> SafeString | str:
        return link_to(row.offer)

    @display(description="For")
    def for_whom(self, row: OfferDestination) -> str:
        return ", ".join([*row.countries, *row.devices, *row.systems]) or "all visitors"


@admin.register(TrackingDomain)
class TrackingDomainAdmin(PanelAdmin):
    """The operator's own hosts that serve tracking links. Point their DNS here before they are used."""

    form = TrackingDomainForm
    list_display = ("host", "is_active", "is_default", "created_at")
    list_filter = (("is_active", BooleanRadioFilter),)
    search_fields = ("host",)
    sortable_by = ("host", "created_at")
    fields = ("host", ("is_active", "is_default"))
