"""Offers, and the affiliates that may promote them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
)
from unfold.enums import ActionVariant

from affiliates.admin.destination_forms import MobileAppForm, OfferDestinationForm, TrackingDomainForm
from affiliates.admin.forms import (
    ActivateOffers,
    ApproveEnrollments,
    BlockEnrollments,
    EndOffers,
    OfferForm,
    PauseOffers,
    RejectEnrollments,
)
from affiliates.admin.people import ENROLLMENT_TONES
from affiliates.destination_kinds import KINDS
from affiliates.models import CouponCode, Enrollment, MobileApp, Offer, OfferDestination, TrackingDomain
from records.translation import gettext_lazy as _
from records.words import duration_words
from web.cells import NOTHING
from web.panel import (
    PUBLIC_ID,
    DayRangeFilter,
    PanelAdmin,
    PanelInline,
    ReachableFilter,
    code,
    column,
    label_column,
    link_to,
    question,
    see_also,
    shown,
    to_list,
    two_lines,
)

OFFER_TONES = {"draft": "default", "active": "success", "paused": "warning", "ended": "default"}


class DestinationInline(PanelInline):
    """Other destinations for some of an offer's visitors."""

    model = OfferDestination
    form = OfferDestinationForm
    fields = (("name", "weight"), "kind", "destination_url", "countries", "devices", "systems")
    collapsible = True
    verbose_name_plural = _("destinations")


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
        ("advertiser", ReachableFilter),
    )
    list_select_related = ("advertiser",)
    search_fields = ("name", "public_id", "advertiser__name")
    search_help_text = _("Name, ID (of_…) or advertiser")
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
        (_("What affiliates read"), {"fields": ("description", "terms")}),
        (
            _("Where visitors go"),
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
            _("When and for whom links are open"),
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
            _("What counts"),
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
    activate = question(ActivateOffers, description=_("Activate"), icon="play_arrow", variant=ActionVariant.PRIMARY)
    pause = question(PauseOffers, description=_("Pause"), icon="pause")
    end = question(EndOffers, description=_("End"), icon="stop")
    status_label = label_column(_("Status"), "status", OFFER_TONES)
    shown_id = PUBLIC_ID
    named = two_lines(_("Offer"), "name", PUBLIC_ID, ordering="name")
    window = column(_("Window"), "attribution_window", duration_words, ordering="attribution_window")
    related_lists = see_also(
        to_list("admin:affiliates_enrollment_changelist", _("Enrollments"), offer__id__exact="pk"),
        to_list("admin:tracking_trackinglink_changelist", _("Tracking links"), enrollment__offer__id__exact="pk"),
        to_list("admin:tracking_click_changelist", _("Clicks"), offer="pk"),
        to_list("admin:conversions_conversion_changelist", _("Conversions"), goal__offer__id__exact="pk"),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        """A new offer is a draft and has no ID yet."""
        if obj:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("name", ("advertiser", "vertical"))}), *self.fieldsets[1:5]]


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
        ("offer", ReachableFilter),
        ("affiliate", ReachableFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "offer", "decided_by")
    search_fields = ("affiliate__name", "affiliate__public_id", "offer__name", "offer__public_id")
    search_help_text = _("Affiliate or offer")
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
    approve = question(ApproveEnrollments, description=_("Approve"), icon="check", variant=ActionVariant.PRIMARY)
    reject = question(RejectEnrollments, description=_("Reject"), icon="close")
    block = question(BlockEnrollments, description=_("Block"), icon="block")
    status_label = label_column(_("Status"), "status", ENROLLMENT_TONES)
    id_label = column(_("Enrollment"), lambda row: f"#{row.pk}", ordering="id")
    affiliate_link = column(_("Affiliate"), "affiliate", link_to, ordering="affiliate__name")
    offer_link = column(_("Offer"), "offer", link_to, ordering="offer__name")
    related_lists = see_also(
        shown("affiliate", link_to),
        shown("offer", link_to),
        to_list("admin:tracking_trackinglink_changelist", _("Tracking links"), enrollment__id__exact="pk"),
    )

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


@admin.register(CouponCode)
class CouponCodeAdmin(PanelAdmin):
    list_display = ("code", "affiliate_link", "offer_link", "is_active", "created_at")
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("enrollment__offer", ReachableFilter),
        ("enrollment__affiliate", ReachableFilter),
    )
    list_select_related = ("enrollment__affiliate", "enrollment__offer")
    search_fields = ("code", "enrollment__affiliate__name", "enrollment__offer__name")
    ordering = ("-created_at",)
    sortable_by = ("code", "created_at")
    autocomplete_fields = ("enrollment",)
    fields = ("enrollment", ("code", "is_active"))
    affiliate_link = column(_("Affiliate"), "enrollment.affiliate", link_to, ordering="enrollment__affiliate__name")
    offer_link = column(_("Offer"), "enrollment.offer", link_to, ordering="enrollment__offer__name")

    def get_readonly_fields(self, request: HttpRequest, obj: CouponCode | None = None) -> tuple[str, ...]:
        """A code that customers may have used belongs to one affiliate for good."""
        return ("enrollment", "code") if obj else ()


@admin.register(OfferDestination)
class OfferDestinationAdmin(PanelAdmin):
    form = OfferDestinationForm
    list_display = ("name", "offer_link", "kind_name", "destination_url", "for_whom", "weight")
    list_filter = (("offer", ReachableFilter), ("kind", ChoicesCheckboxFilter))
    list_select_related = ("offer",)
    search_fields = ("name", "offer__name", "destination_url")
    sortable_by = ("name",)
    autocomplete_fields = ("offer",)
    fields = (("offer", "name"), "kind", "destination_url", "countries", "devices", "systems", "weight")
    kind_name = column(_("Kind"), lambda row: KINDS[row.kind].label)
    offer_link = column(_("Offer"), "offer", link_to, ordering="offer__name")
    for_whom = column(
        _("For"),
        lambda row: (
            ", ".join([*row.countries, *row.devices, *(row.systems or filter(None, [KINDS[row.kind].system]))])
            or gettext("all visitors")
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: OfferDestination | None = None) -> tuple[str, ...]:
        return ("offer",) if obj else ()


@admin.register(TrackingDomain)
class TrackingDomainAdmin(PanelAdmin):
    """The operator's own hosts that serve tracking links. Point their DNS here before they are used."""

    form = TrackingDomainForm
    list_display = ("host", "is_active", "is_default", "created_at")
    list_filter = (("is_active", BooleanRadioFilter),)
    search_fields = ("host",)
    sortable_by = ("host", "created_at")
    fields = ("host", ("is_active", "is_default"))


@admin.register(MobileApp)
class MobileAppAdmin(PanelAdmin):
    """Apps that our domains are associated with, so that systems open them for tracking links (docs/apps.md)."""

    form = MobileAppForm
    list_display = ("name", "advertiser_link", "ios", "android", "is_active", "created_at")
    list_filter = (("advertiser", ReachableFilter), ("is_active", BooleanRadioFilter))
    list_select_related = ("advertiser",)
    search_fields = ("name", "bundle_id", "package_name", "advertiser__name")
    sortable_by = ("name", "created_at")
    autocomplete_fields = ("advertiser",)
    fieldsets: Any = (
        (None, {"fields": (("advertiser", "name"), "is_active")}),
        (_("For iOS"), {"fields": (("team_id", "bundle_id"),)}),
        (_("For Android"), {"fields": ("package_name", "fingerprints")}),
        (_("Addresses that open the app"), {"fields": ("hosts", "link_paths")}),
    )
    advertiser_link = column(_("Advertiser"), "advertiser", link_to, ordering="advertiser__name")
    ios = column(_("iOS"), "bundle_id", code, empty=NOTHING)
    android = column(_("Android"), "package_name", code, empty=NOTHING)
