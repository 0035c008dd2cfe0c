"""Conversions and their history."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from import_export.fields import Field
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from conversions.admin.decisions import ApproveConversions, RejectConversions
from conversions.admin.files import DecideByFile
from conversions.admin.forms import RefundConversion
from conversions.holds import hold_of
from conversions.models import Conversion, Correction, Customer, Refund, StatusChange
from tracking.admin.clicks import click_key
from tracking.click_id.codec import text_of
from tracking.click_id.pasted import narrowed
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ExportColumns,
    RecordAdmin,
    RecordTable,
    code,
    labelled,
    link_to,
    money,
    question,
    when,
)

STATUS_TONES = {"pending": "warning", "approved": "success", "rejected": "danger"}
SOURCE_TONES = {"postback": "info", "operator": "primary", "automatic": "default"}


class StatusChangeTable(RecordTable):
    """Status changes, with who, when and why."""

    model = StatusChange
    fields = ("at", "step", "reason", "note", "source", "actor", "postback")
    readonly_fields = ("step",)
    verbose_name_plural = "status history"
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[StatusChange]":
        rows: QuerySet[StatusChange] = super().get_queryset(request)
        return rows.select_related("actor", "postback", "conversion")

    @display(description="Step")
    def step(self, row: StatusChange) -> str:
        return f"{row.get_from_status_display() or 'New'} → {row.get_to_status_display()}"


class RefundTable(RecordTable):
    model = Refund
    fields = ("occurred_at", "amount_shown", "refund_id", "note", "actor", "postback")
    readonly_fields = ("amount_shown",)
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Refund]":
        rows: QuerySet[Refund] = super().get_queryset(request)
        return rows.select_related("actor", "postback", "conversion")

    @display(description="Amount")
    def amount_shown(self, row: Refund) -> SafeString | str:
        return money(row.amount, row.conversion.currency)


class CorrectionTable(RecordTable):
    """Corrections: facts that replaced the first ones."""

    model = Correction
    fields = ("at", "what", "note", "actor", "postback")
    readonly_fields = ("what",)
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Correction]":
        rows: QuerySet[Correction] = super().get_queryset(request)
        return rows.select_related("actor", "postback", "conversion")

    @display(description="Change")
    def what(self, row: Correction) -> str:
        return row.words


class ConversionColumns(ExportColumns):
    affiliate_id = Field(attribute="affiliate__public_id", column_name="affiliate_id")
    affiliate = Field(attribute="affiliate__name", column_name="affiliate")
    advertiser = Field(attribute="advertiser__name", column_name="advertiser")
    offer = Field(attribute="goal__offer__name", column_name="offer")
    goal = Field(attribute="goal__code", column_name="goal")
    customer_id = Field(attribute="customer__customer_id", column_name="customer_id")
    link_code = Field(attribute="link__code", column_name="link_code")
    click = Field(column_name="click_id")

    class Meta:
        model = Conversion
        fields: tuple[str, ...] = (
            *("public_id", "status", "reason", "affiliate_id", "affiliate", "advertiser", "offer", "goal"),
            *("transaction_id", "customer_id", "click", "link_code", "evidence", "revenue", "refunded", "payout"),
            *("currency", "extras"),
            *("occurred_at", "received_at", "approve_at", "booked_at"),
        )
        export_order = fields

    def dehydrate_click(self, row: Conversion) -> str:
        return text_of(row.click_id) if row.click_id else ""


@admin.register(Conversion)
class ConversionAdmin(BoundedExport, RecordAdmin):
    """Conversions. Their status changes only by approving or rejecting, with a reason."""

    resource_classes: tuple[Any, ...] = (ConversionColumns,)
    export_related = ("affiliate", "advertiser", "goal__offer", "customer", "link")
    list_display: tuple[str, ...] = (*("named", "status_label", "who", "revenue_shown", "why", "happened"),)
    list_display_links = ("named",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("goal__offer", AutocompleteSelectFilter),
        ("goal", AutocompleteSelectFilter),
        ("affiliate", AutocompleteSelectFilter),
        ("advertiser", AutocompleteSelectFilter),
        ("customer", AutocompleteSelectFilter),
        ("reason", ChoicesDropdownFilter),
        ("evidence", ChoicesCheckboxFilter),
        ("is_test", BooleanRadioFilter),
        ("received_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "goal__offer")
    search_fields = ("public_id",)
    search_help_text = (
        "Conversion ID (cv_…), transaction ID, customer ID, click ID, or a further parameter as name=value"
    )
    ordering = ("-id",)
    sortable_by = ()
    actions = ("approve", "reject")
    actions_list = ("by_file",)
    actions_detail: tuple[str, ...] = ("trace", "approve", "reject", "refund")
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
        ("Waits for", {"fields": ("waits_for",)}),
        ("Money", {"fields": (("revenue_shown", "refunded_shown"), "payout_shown", ("booked_at", "approve_at"))}),
        (
            "Where it came from",
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
    readonly_fields = (
        "waits_for",
        "shown_id",
        "status_label",
        "offer_name",
        "revenue_shown",
        "refunded_shown",
        "payout_shown",
        "click_shown",
        "extras_shown",
    )
    approve = question(ApproveConversions, description="Approve", icon="check", variant=ActionVariant.PRIMARY)
    reject = question(RejectConversions, description="Reject", icon="close")
    by_file = question(DecideByFile, description="By a file", icon="upload_file")
    refund = question(RefundConversion, description="Refund", icon="undo")
    status_label = labelled("status", STATUS_TONES, description="Status")

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

    @action(description="Whole story", icon="timeline", permissions=["view"])
    def trace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        public_id = Conversion.objects.values_list("public_id", flat=True).get(pk=object_id)
        return HttpResponseRedirect(reverse("trace:conversion", args=[public_id]))

    @display(description="Conversion", header=True)
    def named(self, row: Conversion) -> list[object]:
        return [f"{row.goal.name} (test)" if row.is_test else row.goal.name, code(row.public_id)]

    @display(description="Conversion ID")
    def shown_id(self, row: Conversion) -> SafeString | str:
        return code(row.public_id)

    @display(description="Affiliate and offer", header=True)
    def who(self, row: Conversion) -> list[object]:
        return [link_to(row.affiliate), row.goal.offer.name]

    @display(description="Waits for")
    def waits_for(self, row: Conversion) -> SafeString | str:
        """Unmet rules, or risk signals in review, with the end date."""
        hold = hold_of(row)
        if hold is None:
            return "Nothing but what its reason says" if row.status == Conversion.Status.PENDING else "–"
        texts = format_html_join("", "<li>{}</li>", ((part.text,) for part in hold.waiting_for))
        owner = format_html("decided by {}, ", hold.owner) if hold.owner else ""
        end = format_html("<p>{}until {}</p>", owner, when(hold.until)) if hold.until else ""
        return format_html("<ul>{}</ul>{}", texts, end)

    @display(description="Offer")
    def offer_name(self, row: Conversion) -> SafeString | str:
        return link_to(row.goal.offer)

    @display(description="Revenue")
    def revenue_shown(self, row: Conversion) -> SafeString | str:
        return money(row.revenue, row.currency)

    @display(description="Refunded")
    def refunded_shown(self, row: Conversion) -> SafeString | str:
        return money(row.refunded, row.currency) if row.refunded else "Nothing"

    @display(description="Payout as sent")
    def payout_shown(self, row: Conversion) -> SafeString | str:
        return money(row.payout, row.currency)

    @display(description="Reason")
    def why(self, row: Conversion) -> SafeString:
        label = row.get_reason_display()
        return format_html('<span class="aff-clip" title="{}">{}</span>', label, label)

    @display(description="Received")
    def happened(self, row: Conversion) -> SafeString | str:
        return when(row.received_at)

    @display(description="Further parameters")
    def extras_shown(self, row: Conversion) -> SafeString | str:
        pairs = ((code(name), value) for name, value in sorted(row.extras.items()))
        return format_html_join(mark_safe("<br>"), "{} = {}", pairs) or "None"  # nosec B308 # a constant

    @display(description="Click ID")
    def click_shown(self, row: Conversion) -> SafeString | str:
        return code(text_of(row.click_id)) if row.click_id else "None: attributed without a click"


@admin.register(StatusChange)
class StatusChangeAdmin(RecordAdmin):
    list_display = ("time", "conversion_link", "step", "reason", "note", "source_label", "actor")
    list_filter = (
        ("to_status", ChoicesCheckboxFilter),
        ("source", ChoicesCheckboxFilter),
        ("actor", AutocompleteSelectFilter),
    )
    list_select_related = ("conversion", "actor")
    search_fields = ("conversion__public_id__exact",)
    search_help_text = "Conversion ID (cv_…)"
    ordering = ("-id",)
    sortable_by = ()
    fields = (("conversion", "at"), ("from_status", "to_status"), "reason", "note", ("source", "actor"), "postback")
    source_label = labelled("source", SOURCE_TONES, description="By")

    @display(description="Time", ordering="id")
    def time(self, row: StatusChange) -> SafeString | str:
        return when(row.at)

    @display(description="Conversion")
    def conversion_link(self, row: StatusChange) -> SafeString | str:
        return link_to(row.conversion)

    @display(description="Step")
    def step(self, row: StatusChange) -> str:
        return f"{row.get_from_status_display() or 'New'} → {row.get_to_status_display()}"
