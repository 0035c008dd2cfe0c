"""Clicks that are paid for, by link and day: read here, written by counting only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from payouts.admin.money_rights import CommissionByPermission, shows_commission
from payouts.models import BilledClicks, LedgerEntry
from payouts.rights import HIDDEN
from web.panel import DayRangeFilter, RecordAdmin, link_to, money, when


@admin.register(BilledClicks)
class BilledClicksAdmin(CommissionByPermission, RecordAdmin):
    """The valid clicks of each link and day for which a plan pays per click."""

    list_display = ("day", "link_shown", "affiliate_link", "offer_link", "clicks", "counted", "booked")
    list_display_links = ("day",)
    list_filter = (
        ("affiliate", AutocompleteSelectFilter),
        ("offer", AutocompleteSelectFilter),
        ("day", DayRangeFilter),
    )
    list_select_related = ("affiliate", "offer", "link")
    search_fields = ("public_id__exact", "link__code__exact")
    search_help_text = "ID (bc_…) or the code of a link"
    ordering = ("-day", "link_id")
    sortable_by = ()
    fields = (
        ("public_id", "day"),
        ("affiliate", "offer"),
        ("link", "clicks"),
        "distinguished",
        "entries",
        "counted_at",
    )
    readonly_fields = ("distinguished", "entries")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[BilledClicks]":
        rows: QuerySet[BilledClicks] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    @display(description="Link")
    def link_shown(self, row: BilledClicks) -> SafeString | str:
        return link_to(row.link)

    @display(description="Affiliate")
    def affiliate_link(self, row: BilledClicks) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Offer")
    def offer_link(self, row: BilledClicks) -> SafeString | str:
        return link_to(row.offer)

    @display(description="Counted")
    def counted(self, row: BilledClicks) -> SafeString | str:
        return when(row.counted_at)

    @display(description="Booked")
    def booked(self, row: BilledClicks) -> SafeString | str:
        return when(row.booked_at) if row.booked_at else "Due"

    @display(description="Told apart")
    def distinguished(self, row: BilledClicks) -> SafeString | str:
        """By the countries and sub IDs that rules name; all others are together."""
        lines = (
            (
                part["clicks"],
                ", ".join(f"{name} {value}" for name, value in part.items() if name != "clicks") or "other",
            )
            for part in row.parts
        )
        return format_html_join("", "<div>{}: {}</div>", lines) or "No valid click"

    @display(description="Ledger")
    def entries(self, row: BilledClicks) -> SafeString | str:
        if not shows_commission(row):
            return HIDDEN
        entries = LedgerEntry.objects.filter(clicks=row).select_related("affiliate").order_by("pk")
        lines = (
            (link_to(each, f"#{each.sequence}"), each.affiliate, money(each.amount, each.currency), each.arithmetic)
            for each in entries
        )
        return format_html_join("", "<div>{} {}: {} · {}</div>", lines) or "Nothing is booked."
