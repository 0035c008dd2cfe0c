"""Affiliates and their members."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.enums import ActionVariant

from affiliates.access.operators import operator
from affiliates.admin.forms import ApproveAffiliates, CloseAffiliates, SuspendAffiliates
from affiliates.admin.power import MembersByPermission
from affiliates.admin.roles import AssignManager, AssignmentTable
from affiliates.assigning import assign
from affiliates.models import Affiliate, AffiliateMember, Enrollment, Parentage
from affiliates.roles.grants import forget_grants
from records.translation import gettext_lazy as _
from web.panel import (
    PUBLIC_ID,
    DayRangeFilter,
    PanelAdmin,
    PanelTable,
    ReachableFilter,
    RecordTable,
    column,
    label_column,
    question,
    see_also,
    to_list,
    two_lines,
)

AFFILIATE_TONES = {"pending": "warning", "active": "success", "suspended": "danger", "closed": "default"}
ENROLLMENT_TONES = {"pending": "warning", "approved": "success", "rejected": "danger", "blocked": "danger"}


def portal_as(row: Affiliate) -> SafeString:
    """A link to the affiliate's own portal, as the affiliate sees it."""
    try:
        home = reverse("portal:overview")
    except NoReverseMatch:
        home = "/"
    return format_html(
        '<a class="text-link" href="{}?as={}">{}</a>',
        home,
        row.public_id,
        gettext("Open portal as {name}").format(name=row.name),
    )


class MemberTable(MembersByPermission, PanelTable):
    model = AffiliateMember
    fields = ("user", "roles")
    autocomplete_fields = ("user",)
    show_change_link = False
    verbose_name_plural = _("members")


class EnrollmentTable(PanelTable):
    """An affiliate's offers; decide on the enrollment's own page."""

    model = Enrollment
    related = ("offer", "decided_by", "affiliate")
    fields = ("offer", "status_label", "note", "decided_by", "decided_at")
    readonly_fields = ("status_label", "note", "decided_by", "decided_at")
    autocomplete_fields = ("offer",)
    can_delete = False
    status_label = label_column(_("Status"), "status", ENROLLMENT_TONES)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ParentTable(RecordTable):
    """The parents of an affiliate, who get a share, and from when on."""

    model = Parentage
    fk_name = "affiliate"
    related = ("parent", "affiliate")
    fields = ("parent", "since")
    verbose_name_plural = _("parents over time")
    show_change_link = False


@admin.register(Affiliate)
class AffiliateAdmin(PanelAdmin):
    list_display = ("named", "status_label", "country", "currency", "approved_offers", "parent", "created_at")
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("assignments__manager", ReachableFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("parent",)
    search_fields = ("name", "public_id", "website", "members__user__email")
    search_help_text = _("Name, ID (af_…), website or a member's e-mail address")
    ordering = ("-created_at",)
    sortable_by = ("named", "status_label", "created_at")
    autocomplete_fields = ("parent",)
    inlines = (MemberTable, EnrollmentTable, AssignmentTable, ParentTable)
    actions = ("approve", "suspend", "assign")
    actions_detail: Any = ("approve", "suspend", "close", "assign")
    readonly_fields: Any = ("shown_id", "status_label", "status_note", "created_at", "related_lists")
    fieldsets: Any = (
        (None, {"fields": (("name", "shown_id"), ("status_label", "created_at"), "status_note", "related_lists")}),
        (_("Payment and contact"), {"fields": (("country", "currency"), "website", "parent")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "status")}),
        (_("Payment and contact"), {"fields": (("country", "currency"), "website", "parent")}),
    )
    approve = question(ApproveAffiliates, description=_("Approve"), icon="check", variant=ActionVariant.PRIMARY)
    suspend = question(SuspendAffiliates, description=_("Suspend"), icon="block")
    close = question(CloseAffiliates, description=_("Close"), icon="cancel")
    assign = question(AssignManager, description=_("Assign a manager"), icon="groups", permission="assign")
    status_label = label_column(_("Status"), "status", AFFILIATE_TONES)
    shown_id = PUBLIC_ID
    named = two_lines(_("Affiliate"), "name", PUBLIC_ID, ordering="name")
    approved_offers = column(_("Offers"), "approved_count")
    related_lists = see_also(
        to_list("admin:tracking_trackinglink_changelist", _("Tracking links"), enrollment__affiliate__id__exact="pk"),
        to_list("admin:tracking_click_changelist", _("Clicks"), affiliate="pk"),
        to_list("admin:conversions_conversion_changelist", _("Conversions"), affiliate__id__exact="pk"),
        to_list("admin:payouts_ledgerentry_changelist", _("Ledger"), affiliate__id__exact="pk"),
        to_list("admin:payouts_statement_changelist", _("Statements"), affiliate__id__exact="pk"),
        to_list("admin:payouts_payout_changelist", _("Payouts"), affiliate__id__exact="pk"),
        portal_as,
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Affiliate]":
        rows: QuerySet[Affiliate] = super().get_queryset(request)
        approved = Q(enrollments__status=Enrollment.Status.APPROVED)
        return rows.annotate(approved_count=Count("enrollments", filter=approved, distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Affiliate | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "status":
            start = (Affiliate.Status.PENDING, Affiliate.Status.ACTIVE)
            kwargs["choices"] = [(status.value, status.label) for status in start]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_assign_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._acts_on(request, "affiliates.add_assignment", obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The parent of an affiliate within reach may be beyond it."""
        shown = super().get_list_display(request)
        return [each for each in shown if each != "parent"] if operator(request).has_limits else shown

    def get_fieldsets(self, request: HttpRequest, obj: Affiliate | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if not operator(request).has_limits:
            return found
        return [
            (title, {**options, "fields": tuple(each for each in options["fields"] if each != "parent")})
            for title, options in found
        ]

    def get_inlines(self, request: HttpRequest, obj: Affiliate | None) -> Any:
        shown = super().get_inlines(request, obj)
        return [each for each in shown if each is not ParentTable] if operator(request).has_limits else shown

    def save_model(self, request: HttpRequest, obj: Affiliate, form: Any, change: bool) -> None:
        """A person who sees assigned affiliates only looks after those that they add."""
        super().save_model(request, obj, form, change)
        if not change and operator(request).has_limits:
            assign(affiliate_ids=[obj.pk], manager=operator(request))
            forget_grants(operator(request))
