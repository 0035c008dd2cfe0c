"""Conversions and their history."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display
from unfold.enums import ActionVariant

from conversions.admin import columns
from conversions.admin.decisions import ApproveConversions, RejectConversions
from conversions.admin.files import DecideByFile
from conversions.admin.forms import RefundConversion
from conversions.holds import hold_of
from conversions.models import Conversion, Correction, Customer, Refund, StatusChange
from records.translation import gettext_lazy as _
from tracking.admin.clicks import click_column, click_key
from tracking.click_id.pasted import narrowed
from web.panel import (
    PUBLIC_ID,
    BoundedExport,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    RecordTable,
    clipped,
    code,
    column,
    export_of,
    label_column,
    link_to,
    money_column,
    question,
    shown,
    two_lines,
    when,
    whole_story,
)
from web.panel.columns import Source

STATUS_TONES = {"pending": "warning", "approved": "success", "rejected": "danger"}
SOURCE_TONES = {"postback": "info", "operator": "primary", "automatic": "default"}


STEP = column(_("Step"), lambda row: f"{row.get_from_status_display() or 'New'} → {row.get_to_status_display()}")


class StatusChangeTable(RecordTable):
    """Status changes, with who, when and why."""

    model = StatusChange
    related = ("actor", "postback", "conversion")
    fields = ("at", "step", "reason", "note", "source", "actor", "postback")
    verbose_name_plural = _("status history")
    show_change_link = False
    step = STEP


class RefundTable(RecordTable):
    model = Refund
    related = ("actor", "postback", "conversion")
    fields = ("occurred_at", "amount_shown", "refund_id", "note", "actor", "postback")
    show_change_link = False
    amount_shown = money_column(_("Amount"), "amount", "conversion.currency")


class CorrectionTable(RecordTable):
    """Corrections: facts that replaced the first ones."""

    model = Correction
    related = ("actor", "postback", "conversion")
    fields = ("at", "what", "note", "actor", "postback")
    show_change_link = False
    what = column(_("Change"), "words")


CLICK = click_column(empty=_("None: attributed without a click"))
# The columns of the export; payouts add the commission.
EXPORTED: tuple[str | tuple[str, Source], ...] = (
    *("public_id", "status", "reason"),
    ("affiliate_id", "affiliate.public_id"),
    ("affiliate", "affiliate.name"),
    ("advertiser", "advertiser.name"),
    ("offer", "goal.offer.name"),
    ("goal", "goal.code"),
    "transaction_id",
    ("customer_id", "customer.customer_id"),
    ("click_id", CLICK),
    ("link_code", "link.code"),
    *("evidence", "revenue", "refunded", "payout", "currency", "extras"),
    *("occurred_at", "received_at", "approve_at", "booked_at"),
)


@admin.register(Conversion)
class ConversionAdmin(BoundedExport, RecordAdmin):
    """Conversions. Their status changes only by approving or rejecting, with a reason."""

    resource_classes: tuple[Any, ...] = (export_of(Conversion, *EXPORTED),)
    export_related = ("affiliate", "advertiser", "goal__offer", "customer", "link")
    list_display: tuple[str, ...] = (*("named", "status_label", "who", "revenue_shown", "why", "happened"),)
    list_display_links = ("named",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("goal__offer", ReachableFilter),
        ("goal", ReachableFilter),
        ("affiliate", ReachableFilter),
        ("advertiser", ReachableFilter),
        ("customer", ReachableFilter),
        ("reason", ChoicesDropdownFilter),
        ("evidence", ChoicesCheckboxFilter),
        ("is_test", BooleanRadioFilter),
        ("received_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "goal__offer")
    search_fields = ("public_id",)
    search_help_text = _(
        "Conversion ID (cv_…), transaction ID, customer ID, click ID, or a further parameter as name=value"
    )
    ordering = ("-id",)
    sortable_by = ()
    actions = ("approve", "reject")
    actions_list = ("by_file",)
    actions_detail: tuple[str, ...] = ("trace", "approve", "reject", "refund")
    trace = whole_story("conversion", "public_id")
    inlines: tuple[Any, ...] = (StatusChangeTable, RefundTable, CorrectionTable)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_id", "status_label"),
                    ("reason", "evidence"),
                    "is_test",
                    ("affiliate", "offer_name"),
                    ("goal", "advertiser"),
                )
            },
        ),
        (_("Waits for"), {"fields": ("waits_for",)}),
        (_("Money"), {"fields": (("revenue_shown", "refunded_shown"), "payout_shown", ("booked_at", "approve_at"))}),
        (
            _("Where it came from"),
            {
                "fields": (
                    ("transaction_id", "customer"),
                    "click_shown",
                    ("link", "dedupe_key"),
                    ("occurred_at", "received_at"),
                    "extras_shown",
                )
            },
        ),
    )
    approve = question(ApproveConversions, description=_("Approve"), icon="check", variant=ActionVariant.PRIMARY)
    reject = question(RejectConversions, description=_("Reject"), icon="close")
    by_file = question(DecideByFile, description=_("By a file"), icon="upload_file")
    refund = question(RefundConversion, description=_("Refund"), icon="undo")
    status_label = label_column(_("Status"), "status", STATUS_TONES)
    named = two_lines(
        _("Conversion"), lambda row: f"{row.goal.name} (test)" if row.is_test else row.goal.name, PUBLIC_ID
    )
    shown_id = column(_("Conversion ID"), "public_id", code)
    who = two_lines(_("Affiliate and offer"), shown("affiliate", link_to), "goal.offer.name")
    offer_name = column(_("Offer"), "goal.offer", link_to)
    revenue_shown = money_column(_("Revenue"), "revenue")
    refunded_shown = money_column(_("Refunded"), "refunded", empty=_("Nothing"))
    payout_shown = money_column(_("Payout as sent"), "payout")
    happened = column(_("Received"), "received_at", when)
    click_shown = CLICK
    why = column(_("Reason"), "get_reason_display", clipped)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Conversion]", search_term: str
    ) -> tuple["QuerySet[Conversion]", bool]:
        """Exact IDs only, each by its own index."""
        term = narrowed(search_term)
        if not term:
            return queryset, False
        found = Q(public_id=term) | Q(transaction_id=term)
        if customers := list(Customer.objects.filter(customer_id=term).values_list("pk", flat=True)):
            found |= Q(customer__in=customers)
        if key := click_key(term):
            found |= Q(click_id=key)
        name, equals, value = term.partition("=")
        if equals and name.strip() and value.strip():
            found |= Q(extras__contains={name.strip().lower(): value.strip()}) & ~Q(extras={})
        return queryset.filter(found), False

    @display(description=_("Waits for"))
    def waits_for(self, row: Conversion) -> SafeString | str:
        """Unmet rules, or risk signals in review, with the end date."""
        hold = hold_of(row)
        if hold is None:
            return gettext("Nothing but what its reason says") if row.status == Conversion.Status.PENDING else "–"
        texts = format_html_join("", "<li>{}</li>", ((part.text,) for part in hold.waiting_for))
        owner = format_html(gettext("decided by {}, "), hold.owner) if hold.owner else ""
        end = format_html("<p>{}until {}</p>", owner, when(hold.until)) if hold.until else ""
        return format_html("<ul>{}</ul>{}", texts, end)

    @display(description=_("Further parameters"))
    def extras_shown(self, row: Conversion) -> SafeString | str:
        pairs = ((code(name), value) for name, value in sorted(row.extras.items()))
        return format_html_join(mark_safe("<br>"), "{} = {}", pairs) or gettext("None")  # nosec B308 # a constant


@admin.register(StatusChange)
class StatusChangeAdmin(RecordAdmin):
    list_display = ("time", "conversion_link", "step", "reason", "note", "source_label", "actor")
    list_filter = (
        ("to_status", ChoicesCheckboxFilter),
        ("source", ChoicesCheckboxFilter),
        ("actor", ReachableFilter),
    )
    list_select_related = ("conversion", "actor")
    search_fields = ("conversion__public_id__exact",)
    search_help_text = _("Conversion ID (cv_…)")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("conversion", "at"), ("from_status", "to_status"), "reason", "note", ("source", "actor"), "postback")
    source_label = label_column(_("By"), "source", SOURCE_TONES)
    time = column(_("Time"), "at", when, ordering="id")
    conversion_link = columns.CONVERSION
    step = STEP
