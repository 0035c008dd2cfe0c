"""The ledger: read here, written by booking, adjusting and paying only."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter, FieldTextFilter
from unfold.decorators import display

from payouts.models import LedgerEntry, LedgerHead
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ExportColumns,
    RecordAdmin,
    code,
    labelled,
    link_to,
    money,
    when,
)

KIND_TONES = {
    **{"commission": "success", "reversal": "danger", "adjustment": "warning", "payment": "info"},
    **{"fee": "info", "returned": "warning", "vat": "success"},
}


class LedgerColumns(ExportColumns):
    affiliate_id = Field(attribute="affiliate__public_id", column_name="affiliate_id")
    affiliate = Field(attribute="affiliate__name", column_name="affiliate")
    conversion = Field(attribute="conversion__public_id", column_name="conversion_id")
    payout = Field(attribute="payout__public_id", column_name="payout_id")
    plan_version = Field(attribute="plan_version", column_name="plan_version")

    class Meta:
        model = LedgerEntry
        fields = (
            *("affiliate_id", "affiliate", "sequence", "kind", "amount", "currency", "conversion", "payout"),
            *("plan_version", "arithmetic", "occurred_at", "booked_at", "previous_hash", "hash"),
        )
        export_order = fields


@admin.register(LedgerEntry)
class LedgerEntryAdmin(BoundedExport, RecordAdmin):
    """Every line of every account. A balance is the sum of these and is stored nowhere."""

    resource_classes = (LedgerColumns,)
    export_related = ("affiliate", "conversion", "payout", "plan_version__plan")
    list_display = (
        "number",
        "affiliate_link",
        "kind_label",
        "amount_shown",
        "how",
        "conversion_link",
        "booked",
        "seal",
    )
    list_display_links = ("number",)
    list_filter = (
        ("affiliate", AutocompleteSelectFilter),
        ("kind", ChoicesCheckboxFilter),
        ("currency", FieldTextFilter),
        ("booked_at", DayRangeFilter),
        ("occurred_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "conversion", "clicks__link")
    search_fields = ("conversion__public_id__exact", "payout__public_id__exact", "hash__exact")
    search_help_text = "Conversion ID (cv_…), payout ID (po_…) or a line's hash"
    ordering = ("-id",)
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "affiliate"),
                    ("kind", "amount_shown"),
                    "arithmetic",
                    "actor",
                    ("occurred_at", "booked_at"),
                )
            },
        ),
        ("Rests on", {"fields": (("conversion", "payout"), "clicks", ("plan_version", "rule"))}),
        ("Chain", {"fields": ("previous_shown", "hash_shown")}),
    )
    readonly_fields = ("number", "amount_shown", "previous_shown", "hash_shown")
    kind_label = labelled("kind", KIND_TONES, description="Kind")

    @display(description="Number")
    def number(self, row: LedgerEntry) -> str:
        return f"#{row.sequence}"

    @display(description="Affiliate")
    def affiliate_link(self, row: LedgerEntry) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Amount")
    def amount_shown(self, row: LedgerEntry) -> SafeString | str:
        return money(row.amount, row.currency)

    @display(description="How it came about")
    def how(self, row: LedgerEntry) -> SafeString:
        return format_html('<span class="aff-clip" title="{}">{}</span>', row.arithmetic, row.arithmetic)

    @display(description="Conversion or clicks")
    def conversion_link(self, row: LedgerEntry) -> SafeString | str:
        return link_to(row.conversion or row.clicks)

    @display(description="Booked")
    def booked(self, row: LedgerEntry) -> SafeString | str:
        return when(row.booked_at)

    @display(description="Seal")
    def seal(self, row: LedgerEntry) -> SafeString:
        return format_html('<span class="aff-code" title="{}">{}…</span>', row.hash, row.hash[:10])

    @display(description="Hash of the line before")
    def previous_shown(self, row: LedgerEntry) -> SafeString | str:
        return code(row.previous_hash)

    @display(description="Hash of this line")
    def hash_shown(self, row: LedgerEntry) -> SafeString | str:
        return code(row.hash)


@admin.register(LedgerHead)
class LedgerHeadAdmin(RecordAdmin):
    """The end of each affiliate's chain."""

    list_display = ("affiliate", "sequence", "seal")
    list_select_related = ("affiliate",)
    search_fields = ("affiliate__name", "affiliate__public_id")
    ordering = ("affiliate__name",)
    sortable_by = ()
    fields = ("affiliate", "sequence", "seal")
    readonly_fields = ("seal",)

    @display(description="Hash of the last line")
    def seal(self, row: LedgerHead) -> SafeString | str:
        return code(row.hash)
