"""The ledger: read here, written by booking, adjusting and paying only."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, FieldTextFilter

from payouts.models import LedgerEntry, LedgerHead
from records.translation import gettext_lazy as _
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    clipped,
    code,
    column,
    export_of,
    label_column,
    link_to,
    money_column,
    when,
)

KIND_TONES = {
    **{"commission": "success", "reversal": "danger", "adjustment": "warning", "payment": "info"},
    **{"fee": "info", "returned": "warning", "vat": "success"},
}


# Columns of ledger entries, on their own page and on the conversion's.
NUMBER = column(_("Number"), "sequence", "#{}".format)
AMOUNT = money_column(_("Amount"), "amount")


def abridged(seal: str) -> SafeString:
    """The start of a hash; all of it is in the tooltip."""
    return format_html('<span class="aff-code" title="{}">{}…</span>', seal, seal[:10])


@admin.register(LedgerEntry)
class LedgerEntryAdmin(BoundedExport, RecordAdmin):
    """Every line of every account. A balance is the sum of these and is stored nowhere."""

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
        ("affiliate", ReachableFilter),
        ("kind", ChoicesCheckboxFilter),
        ("currency", FieldTextFilter),
        ("booked_at", DayRangeFilter),
        ("occurred_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "conversion", "clicks__link")
    search_fields = ("conversion__public_id__exact", "payout__public_id__exact", "hash__exact")
    search_help_text = _("Conversion ID (cv_…), payout ID (po_…) or a line's hash")
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
        (_("Rests on"), {"fields": (("conversion", "payout"), "clicks", ("plan_version", "rule"))}),
        (_("Chain"), {"fields": ("previous_shown", "hash_shown")}),
    )
    kind_label = label_column(_("Kind"), "kind", KIND_TONES)
    number = NUMBER
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    amount_shown = AMOUNT
    how = column(_("How it came about"), "arithmetic", clipped)
    conversion_link = column(_("Conversion or clicks"), lambda row: link_to(row.conversion or row.clicks))
    booked = column(_("Booked"), "booked_at", when)
    seal = column(_("Seal"), "hash", abridged)
    previous_shown = column(_("Hash of the line before"), "previous_hash", code)
    hash_shown = column(_("Hash of this line"), "hash", code)
    resource_classes = (
        export_of(
            LedgerEntry,
            ("affiliate_id", "affiliate.public_id"),
            ("affiliate", affiliate_link),
            *("sequence", "kind", "amount", "currency"),
            ("conversion_id", "conversion.public_id"),
            ("payout_id", "payout.public_id"),
            ("plan_version", "plan_version"),
            *("arithmetic", "occurred_at", "booked_at", "previous_hash", "hash"),
        ),
    )


@admin.register(LedgerHead)
class LedgerHeadAdmin(RecordAdmin):
    """The end of each affiliate's chain."""

    list_display = ("affiliate", "sequence", "seal")
    list_select_related = ("affiliate",)
    search_fields = ("affiliate__name", "affiliate__public_id")
    ordering = ("affiliate__name",)
    sortable_by = ()
    fields = ("affiliate", "sequence", "seal")
    seal = column(_("Hash of the last line"), "hash", code)
