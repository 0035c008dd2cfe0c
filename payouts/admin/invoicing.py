"""Invoices and credit notes, the statements they document, and statements that cannot be invoiced yet."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
    FieldTextFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from payouts.admin.invoice_forms import WriteInvoicesOfPeriod
from payouts.documents import pdf_response
from payouts.invoicing.files import invoice_csv, invoice_data
from payouts.invoicing.pdf import invoice_pdf
from payouts.invoicing.pending import MOST, pending
from payouts.invoicing.tax import NAMES
from payouts.models import Invoice, Issuer
from payouts.pricing import plain
from records.money import format_money
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ExportColumns,
    RecordAdmin,
    labelled,
    link_to,
    money,
    question,
    rows_of,
    when,
)

TONES = {"invoice": "success", "credit_note": "warning"}


class RuleFilter(DropdownFilter):
    """By the tax rule that was applied."""

    title = "tax"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(NAMES.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Invoice]") -> "QuerySet[Invoice]":
        return queryset.filter(rule=self.value()) if self.value() in NAMES else queryset


class InvoiceColumns(ExportColumns):
    affiliate_id = Field(attribute="affiliate__public_id", column_name="affiliate_id")
    statement = Field(attribute="statement__number", column_name="statement")
    original = Field(attribute="original__number", column_name="corrects")
    supplier = Field(column_name="supplier")
    supplier_vat_number = Field(column_name="supplier_vat_number")

    class Meta:
        model = Invoice
        fields = (
            *("number", "kind", "issued_at", "affiliate_id", "supplier", "supplier_vat_number", "statement"),
            *("original", "rule", "percent", "net", "vat", "gross", "currency"),
            *("local_vat", "local_currency", "local_rate"),
        )
        export_order = fields

    def dehydrate_supplier(self, row: Invoice) -> str:
        return str(row.seller["name"])

    def dehydrate_supplier_vat_number(self, row: Invoice) -> str:
        return str(row.seller["vat_number"])


@admin.register(Invoice)
class InvoiceAdmin(BoundedExport, RecordAdmin):
    """Self-billing invoices and credit notes. They cannot be changed: a correction is a credit note."""

    resource_classes = (InvoiceColumns,)
    export_related = ("affiliate", "statement", "original")
    list_display = (
        "shown_number",
        "kind_label",
        "affiliate_link",
        "issued",
        "net_shown",
        "vat_shown",
        "gross_shown",
        "tax",
        "corrects",
        "statement_link",
    )
    list_display_links = ("shown_number",)
    list_filter = (
        ("kind", ChoicesCheckboxFilter),
        ("affiliate", AutocompleteSelectFilter),
        ("issued_at", DayRangeFilter),
        RuleFilter,
        ("currency", FieldTextFilter),
    )
    list_select_related = ("affiliate", "statement", "original")
    search_fields = ("number", "statement__number", "affiliate__name", "affiliate__public_id")
    search_help_text = "Number, statement or affiliate"
    ordering = ("-issued_at", "-id")
    sortable_by = ()
    actions_list = ("of_period", "missing")
    actions_detail = ("paper", "data", "sheet")
    fieldsets = (
        (
            None,
            {"fields": (("number", "kind_label"), ("affiliate", "statement"), ("issued_at", "issued_by"), "corrects")},
        ),
        ("Parties", {"fields": (("seller_shown", "buyer_shown"),)}),
        ("What it is for", {"fields": ("lines_shown",)}),
        ("Money", {"fields": (("net_shown", "vat_shown", "gross_shown"), ("tax", "local_shown"), "vat_line")}),
        ("Words", {"fields": ("words",)}),
        ("Corrected by", {"fields": ("credit_notes_shown",)}),
    )
    readonly_fields = (
        *("kind_label", "corrects", "seller_shown", "buyer_shown", "lines_shown", "net_shown", "vat_shown"),
        *("gross_shown", "tax", "local_shown", "vat_line", "words", "credit_notes_shown"),
    )
    kind_label = labelled("kind", TONES, description="Kind")
    of_period = question(
        WriteInvoicesOfPeriod, description="Write invoices", icon="receipt", variant=ActionVariant.PRIMARY
    )

    def has_statements_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """For statements that are not invoiced yet."""
        return bool(request.user.has_perm("payouts.view_statement"))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Invoice]":
        rows: QuerySet[Invoice] = super().get_queryset(request)
        return rows.select_related("affiliate", "statement", "original", "vat_entry")

    @action(description="What is missing", icon="checklist", permissions=["view", "statements"], url_path="missing")
    def missing(self, request: HttpRequest) -> HttpResponse:
        """Affiliates whose statements wait for an invoice, each with its missing details."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Not invoiced yet",
            "opts": self.opts,
            "rows": pending(),
            "most": MOST,
            "issuer": Issuer.objects.first(),
        }
        return TemplateResponse(request, "admin/payouts/invoice/missing.html", context)

    @action(description="PDF", icon="picture_as_pdf", permissions=["view"], url_path="pdf")
    def paper(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        return pdf_response(f"{row.number}.pdf", invoice_pdf(row))

    @action(description="JSON", icon="data_object", permissions=["view"], url_path="json")
    def data(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        headers = {"Content-Disposition": f'attachment; filename="{row.number}.json"'}
        return JsonResponse(invoice_data(row), json_dumps_params={"ensure_ascii": False, "indent": 1}, headers=headers)

    @action(description="CSV", icon="table", permissions=["view"], url_path="csv")
    def sheet(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        headers = {"Content-Disposition": f'attachment; filename="{row.number}.csv"'}
        return HttpResponse(invoice_csv([row]), content_type="text/csv; charset=utf-8", headers=headers)

    def _row(self, object_id: int) -> Invoice:
        return get_object_or_404(Invoice.objects.select_related("statement", "original"), pk=object_id)

    @display(description="Number")
    def shown_number(self, row: Invoice) -> SafeString:
        return format_html('<span class="aff-nowrap">{}</span>', row.number)

    @display(description="Affiliate")
    def affiliate_link(self, row: Invoice) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Statement")
    def statement_link(self, row: Invoice) -> SafeString | str:
        return link_to(row.statement)

    @display(description="Issued")
    def issued(self, row: Invoice) -> SafeString | str:
        return when(row.issued_at)

    @display(description="Before VAT")
    def net_shown(self, row: Invoice) -> SafeString | str:
        return money(row.net, row.currency)

    @display(description="VAT")
    def vat_shown(self, row: Invoice) -> SafeString | str:
        return money(row.vat, row.currency)

    @display(description="Total")
    def gross_shown(self, row: Invoice) -> SafeString | str:
        return money(row.gross, row.currency)

    @display(description="Tax")
    def tax(self, row: Invoice) -> str:
        percent = f" {plain(row.percent)} %" if row.percent else ""
        return f"{NAMES.get(row.rule, row.rule)}{percent}"

    @display(description="Corrects")
    def corrects(self, row: Invoice) -> SafeString | str:
        return link_to(row.original)

    @display(description="Supplier")
    def seller_shown(self, row: Invoice) -> SafeString:
        return _party(row.seller)

    @display(description="Recipient")
    def buyer_shown(self, row: Invoice) -> SafeString:
        return _party(row.buyer)

    @display(description="Lines")
    def lines_shown(self, row: Invoice) -> SafeString:
        lines = ((each["text"], each["entries"] or "–", each["net"], each["vat"]) for each in row.lines)
        return rows_of(("Commission for", "Ledger lines", f"Before VAT, {row.currency}", "VAT"), lines, empty="None")

    @display(description="VAT in the country's currency")
    def local_shown(self, row: Invoice) -> str:
        if row.local_vat is None or row.local_rate is None:
            return "The invoice is in it, or no VAT is charged"
        amount = format_money(row.local_vat, row.local_currency)
        return f"{amount}, rate {plain(row.local_rate)} of {row.local_rate_day} ({row.local_rate_source})"

    @display(description="VAT in the ledger")
    def vat_line(self, row: Invoice) -> SafeString | str:
        return link_to(row.vat_entry, f"#{row.vat_entry.sequence}") if row.vat_entry else "None"

    @display(description="What it says")
    def words(self, row: Invoice) -> SafeString:
        return format_html_join("", "<div>{}</div>", ((note,) for note in row.notes))

    @display(description="Credit notes")
    def credit_notes_shown(self, row: Invoice) -> SafeString:
        notes = row.credit_notes.order_by("id")
        return rows_of(
            ("Credit note", "Issued", "Total"),
            ((link_to(each), when(each.issued_at), money(each.gross, each.currency)) for each in notes),
            empty="Nothing of it was corrected.",
        )


def _party(party: dict[str, Any]) -> SafeString:
    lines = [
        party["name"],
        *party["address"].splitlines(),
        party["country"],
        party["vat_number"],
        party["registration"],
    ]
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines if line))
