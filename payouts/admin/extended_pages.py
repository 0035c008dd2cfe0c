"""What payouts add to other apps' pages: plans on offers, balances, commission on conversions."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.decorators import display

from affiliates.admin import AffiliateAdmin
from affiliates.models import Affiliate, Offer
from conversions.admin import ConversionAdmin, OfferWithGoalsAdmin
from conversions.admin.conversions import ConversionColumns
from conversions.models import Conversion
from payouts.admin.forms import AdjustAffiliate
from payouts.admin.invoice_forms import EnterBilling
from payouts.admin.plans import plan_words, version_in_force, with_rules
from payouts.models import CommissionPlan, LedgerEntry
from payouts.queries import balances
from payouts.rights import VIEW_LEDGER
from records.money import format_money
from web.panel import RecordTable, link_to, money, once, question, rows_of

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
    fieldsets = (*OfferWithGoalsAdmin.fieldsets, ("What it pays", {"fields": ("plans",)}))

    def get_fieldsets(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        return _without(super().get_fieldsets(request, obj), "plans", request, "payouts.view_commissionplan")

    @display(description="Commission plans")
    @once
    def plans(self, row: Offer) -> SafeString:
        plans = with_rules(CommissionPlan.objects.filter(offer=row).select_related("affiliate"))
        ordered = sorted(plans, key=lambda plan: (plan.affiliate is not None, plan.affiliate and plan.affiliate.name))
        lines = (
            (
                link_to(plan),
                link_to(plan.affiliate) if plan.affiliate else "All affiliates",
                f"v{version.number}" if (version := version_in_force(plan)) else "–",
                plan_words(plan),
            )
            for plan in ordered
        )
        return rows_of(
            ("Plan", "For", "Version", "Pays now"),
            lines,
            empty="No commission plan: approved conversions earn nothing.",
        )


@admin.register(Affiliate)
class AffiliateWithMoneyAdmin(AffiliateAdmin):
    """An affiliate with its balances."""

    actions_detail = (*AffiliateAdmin.actions_detail, "adjust", "bill")
    readonly_fields = (*AffiliateAdmin.readonly_fields, "balance")
    fieldsets = (
        (None, {"fields": (*AffiliateAdmin.fieldsets[0][1]["fields"], "balance")}),
        *AffiliateAdmin.fieldsets[1:],
    )
    adjust = question(AdjustAffiliate, description="Adjust", icon="edit_note", permission="adjust")
    bill = question(EnterBilling, description="Billing details", icon="contact_page", permission="bill")

    def get_fieldsets(self, request: HttpRequest, obj: Affiliate | None = None) -> Any:
        return _without(super().get_fieldsets(request, obj), "balance", request, VIEW_LEDGER)

    def has_adjust_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm("payouts.add_ledgerentry"))

    def has_bill_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm("payouts.add_billingdetails"))

    @display(description="Balance")
    @once
    def balance(self, row: Affiliate) -> SafeString | str:
        lines = ((money(amount, currency),) for currency, amount in balances(row))
        return format_html_join("", "<div>{}</div>", lines) or "Nothing booked yet"


class CommissionTable(RecordTable):
    """The conversion's commission, line by line."""

    model = LedgerEntry
    fields = ("number", "affiliate", "kind", "amount_shown", "arithmetic", "plan_version", "booked_at")
    readonly_fields = ("number", "amount_shown")
    verbose_name_plural = "ledger entries"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[LedgerEntry]":
        rows: QuerySet[LedgerEntry] = super().get_queryset(request)
        return rows.select_related("affiliate", "plan_version__plan", "conversion").order_by("id")

    @display(description="Number")
    def number(self, row: LedgerEntry) -> str:
        return f"#{row.sequence}"

    @display(description="Amount")
    def amount_shown(self, row: LedgerEntry) -> SafeString | str:
        return money(row.amount, row.currency)


def commissions(row: Any) -> dict[str, Decimal]:
    """The sum of the conversion's ledger entries by currency, from prefetched entries."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in row.ledger_entries.all():
        sums[entry.currency] += entry.amount
    return dict(sums)


class ConversionWithCommissionColumns(ConversionColumns):
    commission = Field(column_name="commission")

    class Meta:
        model = Conversion
        fields = (*ConversionColumns.Meta.fields, "commission")
        export_order = fields

    def dehydrate_commission(self, row: Conversion) -> str:
        return "; ".join(
            format_money(amount, currency).replace(",", "") for currency, amount in commissions(row).items()
        )


@admin.register(Conversion)
class ConversionWithCommissionAdmin(ConversionAdmin):
    """A conversion with its commission."""

    resource_classes = (ConversionWithCommissionColumns,)
    list_display = (*ConversionAdmin.list_display[:4], "commission", *ConversionAdmin.list_display[4:])
    inlines = (*ConversionAdmin.inlines, CommissionTable)

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return shown if request.user.has_perm(VIEW_LEDGER) else [each for each in shown if each != "commission"]

    def get_export_resource_classes(self, request: HttpRequest) -> Any:
        if request.user.has_perm(VIEW_LEDGER):
            return super().get_export_resource_classes(request)
        return [ConversionColumns]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Conversion]":
        entries = LedgerEntry.objects.order_by("id").only("conversion_id", "amount", "currency")
        rows: QuerySet[Conversion] = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("ledger_entries", entries))

    @display(description="Commission")
    def commission(self, row: Conversion) -> SafeString | str:
        shown = [money(amount, currency) for currency, amount in sorted(commissions(row).items())]
        if shown:
            return format_html_join("", "<div>{}</div>", ((each,) for each in shown))
        if row.status == Conversion.Status.APPROVED and row.booked_at is None:
            return "Being booked"
        return "–"
