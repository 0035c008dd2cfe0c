"""What payouts add to other apps' pages: plans on offers, balances, commission on conversions."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.decorators import display

from affiliates.access.operators import operator
from affiliates.admin import AffiliateAdmin
from affiliates.models import Affiliate, Offer
from conversions.admin import ConversionAdmin, OfferWithGoalsAdmin
from conversions.admin.conversions import EXPORTED
from conversions.models import Conversion
from payouts.admin.forms import AdjustAffiliate
from payouts.admin.invoice_forms import EnterBilling
from payouts.admin.ledger import AMOUNT, NUMBER
from payouts.admin.plans import plan_words, version_in_force, with_rules
from payouts.models import CommissionPlan, LedgerEntry
from payouts.queries import balances
from payouts.rights import VIEW_LEDGER
from records.money import format_money
from records.translation import gettext_lazy as _
from web.panel import RecordTable, column, export_of, link_to, money, once, question, rows_of, stacked

for model in (Offer, Affiliate, Conversion):
    admin.site.unregister(model)


def _without(fieldsets: Any, name: str, request: HttpRequest, permission: str) -> Any:
    """The fieldsets without a field that the operator may not see."""
    if request.user.has_perm(permission):
        return fieldsets
    kept = []
    for title, options in fieldsets:
        fields = tuple(each for each in options["fields"] if each != name)
        if fields:
            kept.append((title, {**options, "fields": fields}))
    return tuple(kept)


@admin.register(Offer)
class OfferWithPlansAdmin(OfferWithGoalsAdmin):
    """An offer with its commission plans."""

    readonly_fields = (*OfferWithGoalsAdmin.readonly_fields, "plans")
    fieldsets = (*OfferWithGoalsAdmin.fieldsets, (_("What it pays"), {"fields": ("plans",)}))

    def get_fieldsets(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        return _without(super().get_fieldsets(request, obj), "plans", request, "payouts.view_commissionplan")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Plans of single affiliates are shown within reach, so the row has its reader."""
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.reader = operator(request)
        return row

    @display(description=_("Commission plans"))
    @once
    def plans(self, row: Any) -> SafeString:
        plans = with_rules(row.reader.rows_within(CommissionPlan.objects.filter(offer=row).select_related("affiliate")))
        ordered = sorted(plans, key=lambda plan: (plan.affiliate is not None, plan.affiliate and plan.affiliate.name))
        lines = (
            (
                link_to(plan),
                link_to(plan.affiliate) if plan.affiliate else gettext("All affiliates"),
                f"v{version.number}" if (version := version_in_force(plan)) else "–",
                plan_words(plan),
            )
            for plan in ordered
        )
        return rows_of(
            (gettext("Plan"), gettext("For"), gettext("Version"), gettext("Pays now")),
            lines,
            empty=gettext("No commission plan: approved conversions earn nothing."),
        )


def balance_shown(row: Affiliate) -> SafeString | str:
    """The balance in each currency."""
    return stacked(money(amount, currency) for currency, amount in balances(row)) or gettext("Nothing booked yet")


@admin.register(Affiliate)
class AffiliateWithMoneyAdmin(AffiliateAdmin):
    """An affiliate with its balances."""

    actions_detail = (*AffiliateAdmin.actions_detail, "adjust", "bill")
    readonly_fields = (*AffiliateAdmin.readonly_fields, "balance")
    fieldsets = (
        (None, {"fields": (*AffiliateAdmin.fieldsets[0][1]["fields"], "balance")}),
        *AffiliateAdmin.fieldsets[1:],
    )
    adjust = question(AdjustAffiliate, description=_("Adjust"), icon="edit_note", permission="adjust")
    balance = column(_("Balance"), once(balance_shown))
    bill = question(EnterBilling, description=_("Billing details"), icon="contact_page", permission="bill")

    def get_fieldsets(self, request: HttpRequest, obj: Affiliate | None = None) -> Any:
        return _without(super().get_fieldsets(request, obj), "balance", request, VIEW_LEDGER)

    def has_adjust_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm("payouts.add_ledgerentry"))

    def has_bill_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm("payouts.add_billingdetails"))


class CommissionTable(RecordTable):
    """The conversion's commission, line by line."""

    model = LedgerEntry
    related = ("affiliate", "plan_version__plan", "conversion")
    fields = ("number", "affiliate", "kind", "amount_shown", "arithmetic", "plan_version", "booked_at")
    verbose_name_plural = _("ledger entries")
    number, amount_shown = NUMBER, AMOUNT

    def get_queryset(self, request: HttpRequest) -> "QuerySet[LedgerEntry]":
        rows: QuerySet[LedgerEntry] = super().get_queryset(request)
        return rows.order_by("id")


def commissions(row: Any) -> dict[str, Decimal]:
    """The sum of the conversion's ledger entries by currency, from prefetched entries."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in row.ledger_entries.all():
        sums[entry.currency] += entry.amount
    return dict(sums)


def commission_words(row: Conversion) -> str:
    """`12.00 EUR; 3.00 USD`, for the export."""
    return "; ".join(format_money(amount, currency).replace(",", "") for currency, amount in commissions(row).items())


@admin.register(Conversion)
class ConversionWithCommissionAdmin(ConversionAdmin):
    """A conversion with its commission."""

    resource_classes = (export_of(Conversion, *EXPORTED, ("commission", commission_words)),)
    list_display = (*ConversionAdmin.list_display[:4], "commission", *ConversionAdmin.list_display[4:])
    inlines = (*ConversionAdmin.inlines, CommissionTable)

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return shown if request.user.has_perm(VIEW_LEDGER) else [each for each in shown if each != "commission"]

    def get_export_resource_classes(self, request: HttpRequest) -> Any:
        if request.user.has_perm(VIEW_LEDGER):
            return super().get_export_resource_classes(request)
        return ConversionAdmin.resource_classes

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Conversion]":
        known = operator(request).rows_within(LedgerEntry.objects.order_by("id"))
        entries = known.only("conversion_id", "amount", "currency")
        rows: QuerySet[Conversion] = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("ledger_entries", entries))

    @display(description=_("Commission"))
    def commission(self, row: Conversion) -> SafeString | str:
        shown = [money(amount, currency) for currency, amount in sorted(commissions(row).items())]
        if shown:
            return stacked(shown)
        if row.status == Conversion.Status.APPROVED and row.booked_at is None:
            return gettext("Being booked")
        return "–"
