"""Affiliates and their members."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from affiliates.admin.forms import ApproveAffiliates, CloseAffiliates, SuspendAffiliates
from affiliates.admin.power import MembersByPermission
from affiliates.models import Affiliate, AffiliateMember, Enrollment, Parentage
from web.panel import DayRangeFilter, PanelAdmin, PanelTable, RecordTable, code, labelled, list_link, question

AFFILIATE_TONES = {"pending": "warning", "active": "success", "suspended": "danger", "closed": "default"}
ENROLLMENT_TONES = {"pending": "warning", "approved": "success", "rejected": "danger", "blocked": "danger"}


class MemberTable(MembersByPermission, PanelTable):
    model = AffiliateMember
    autocomplete_fields = ("user",)
    show_change_link = False
    verbose_name_plural = "members"


class EnrollmentTable(PanelTable):
    """An affiliate's offers; decide on the enrollment's own page."""

    model = Enrollment
    fields = ("offer", "status_label", "note", "decided_by", "decided_at")
    readonly_fields = ("status_label", "note", "decided_by", "decided_at")
    autocomplete_fields = ("offer",)
    can_delete = False
    status_label = labelled("status", ENROLLMENT_TONES, description="Status")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Enrollment]":
        rows: QuerySet[Enrollment] = super().get_queryset(request)
        return rows.select_related("offer", "decided_by", "affiliate")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ParentTable(RecordTable):
    """The parents of an affiliate, who get a share, and from when on."""

    model = Parentage
    fk_name = "affiliate"
    fields = ("parent", "since")
    verbose_name_plural = "parents over time"
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Parentage]":
        rows: QuerySet[Parentage] = super().get_queryset(request)
        return rows.select_related("parent", "affiliate")


@admin.register(Affiliate)
class AffiliateAdmin(PanelAdmin):
    list_display = ("named", "status_label", "country", "currency", "approved_offers", "parent", "created_at")
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("parent",)
    search_fields = ("name", "public_id", "website", "members__user__email")
    search_help_text = "Name, ID (af_…), website or a member's e-mail address"
    ordering = ("-created_at",)
    sortable_by = ("named", "status_label", "created_at")
    autocomplete_fields = ("parent",)
    inlines = (MemberTable, EnrollmentTable, ParentTable)
    actions = ("approve", "suspend")
    actions_detail: Any = ("approve", "suspend", "close")
    readonly_fields: Any = ("shown_id", "status_label", "status_note", "created_at", "related_lists")
    fieldsets: Any = (
        (None, {"fields": (("name", "shown_id"), ("status_label", "created_at"), "status_note", "related_lists")}),
        ("Payment and contact", {"fields": (("country", "currency"), "website", "parent")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "status")}),
        ("Payment and contact", {"fields": (("country", "currency"), "website", "parent")}),
    )
    approve = question(ApproveAffiliates, description="Approve", icon="check", variant=ActionVariant.PRIMARY)
    suspend = question(SuspendAffiliates, description="Suspend", icon="block")
    close = question(CloseAffiliates, description="Close", icon="cancel")
    status_label = labelled("status", AFFILIATE_TONES, description="Status")
    # Links to pages of higher apps about an affiliate: the list's URL name, the link's text, the filter.
    RELATED_LISTS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("admin:tracking_trackinglink_changelist", "Tracking links", "enrollment__affiliate__id__exact"),
        ("admin:tracking_click_changelist", "Clicks", "affiliate"),
        ("admin:conversions_conversion_changelist", "Conversions", "affiliate__id__exact"),
        ("admin:payouts_ledgerentry_changelist", "Ledger", "affiliate__id__exact"),
        ("admin:payouts_statement_changelist", "Statements", "affiliate__id__exact"),
        ("admin:payouts_payout_changelist", "Payouts", "affiliate__id__exact"),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Affiliate]":
        rows: QuerySet[Affiliate] = super().get_queryset(request)
        approved = Q(enrollments__status=Enrollment.Status.APPROVED)
        return rows.annotate(approved_count=Count("enrollments", filter=approved))

    def get_readonly_fields(self, request: HttpRequest, obj: Affiliate | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "status":
            start = (Affiliate.Status.PENDING, Affiliate.Status.ACTIVE)
            kwargs["choices"] = [(status.value, status.label) for status in start]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @display(description="Affiliate", ordering="name", header=True)
    def named(self, row: Affiliate) -> list[object]:
        return [row.name, code(row.public_id)]

    @display(description="Offers")
    def approved_offers(self, row: Any) -> int:
        return int(row.approved_count)

    @display(description="See also")
    def related_lists(self, row: Affiliate) -> SafeString:
        links = [list_link(view, text, **{key: row.pk}) for view, text, key in self.RELATED_LISTS]
        return format_html(
            '<span class="aff-links">{}{}</span>', format_html("{}" * len(links), *links), self._portal_as(row)
        )

    def _portal_as(self, row: Affiliate) -> SafeString | str:
        """The affiliate's own portal, as it sees it."""
        try:
            home = reverse("portal:overview")
        except NoReverseMatch:
            home = "/"
        return format_html('<a class="text-link" href="{}?as={}">Open portal as {}</a>', home, row.public_id, row.name)
