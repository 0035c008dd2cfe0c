"""Clicks that are paid for, by link and day: read here, written by counting only."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.decorators import display

from payouts.admin.money_rights import CommissionByPermission, shows_commission
from payouts.models import BilledClicks, LedgerEntry
from payouts.rights import HIDDEN
from records.translation import gettext_lazy as _
from web.panel import DayRangeFilter, ReachableFilter, RecordAdmin, column, link_to, money, when


@admin.register(BilledClicks)
class BilledClicksAdmin(CommissionByPermission, RecordAdmin):
    """The valid clicks of each link and day for which a plan pays per click."""

    list_display = ("day", "link_shown", "affiliate_link", "offer_link", "clicks", "counted", "booked")
    list_display_links = ("day",)
    list_filter = (
        ("affiliate", ReachableFilter),
        ("offer", ReachableFilter),
        ("day", DayRangeFilter),
    )
    related = ("affiliate", "offer", "link")
    search_fields = ("public_id__exact", "link__code__exact")
    search_help_text = _("ID (bc_…) or the code of a link")
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
    link_shown = column(_("Link"), "link", link_to)
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    offer_link = column(_("Offer"), "offer", link_to)
    counted = column(_("Counted"), "counted_at", when)
    booked = column(_("Booked"), "booked_at", when, empty=_("Due"))

    @display(description=_("Distinguished by"))
    def distinguished(self, row: BilledClicks) -> SafeString | str:
        """By the countries and sub IDs that rules name; all others are together."""
        lines = (
            (
                part["clicks"],
                ", ".join(f"{name} {value}" for name, value in part.items() if name != "clicks") or "other",
            )
            for part in row.parts
        )
        return format_html_join("", "<div>{}: {}</div>", lines) or gettext("No valid click")

    @display(description=_("Ledger"))
    def entries(self, row: BilledClicks) -> SafeString | str:
        if not shows_commission(row):
            return HIDDEN
        entries = LedgerEntry.objects.filter(clicks=row).select_related("affiliate").order_by("pk")
        lines = (
            (link_to(each, f"#{each.sequence}"), each.affiliate, money(each.amount, each.currency), each.arithmetic)
            for each in entries
        )
        return format_html_join("", "<div>{} {}: {} · {}</div>", lines) or gettext("Nothing is booked.")
