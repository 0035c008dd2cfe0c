"""Invoices and credit notes, the statements they document, and statements that cannot be invoiced yet."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import (
    ChoicesCheckboxFilter,
    FieldTextFilter,
)
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.access.operators import operator
from payouts.admin.invoice_forms import WriteInvoicesOfPeriod
from payouts.documents import pdf_response
from payouts.invoicing.files import invoice_csv, invoice_data
from payouts.invoicing.pdf import invoice_pdf
from payouts.invoicing.pending import MOST, pending
from payouts.invoicing.tax import NAMES
from payouts.models import Invoice, Issuer
from payouts.pricing import plain
from records.money import format_money
from records.translation import gettext_lazy as _
from web.panel import (
    BoundedExport,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    column,
    export_of,
    label_column,
    link_to,
    money,
    money_column,
    one_of,
    question,
    rows_of,
    stacked,
    table_column,
    when,
)

TONES = {"invoice": "success", "credit_note": "warning"}


# By the tax rule that was applied.
RuleFilter = one_of("tax", {rule: (name, Q(rule=rule)) for rule, name in NAMES.items()}, parameter="rule")


def party_shown(party: dict[str, Any]) -> SafeString:
    """The name, address and numbers of a side of an invoice, line by line."""
    names = (party["name"], *party["address"].splitlines())
    return stacked(filter(None, (*names, party["country"], party["vat_number"], party["registration"])))


@admin.register(Invoice)
class InvoiceAdmin(BoundedExport, RecordAdmin):
    """Self-billing invoices and credit notes. They cannot be changed: a correction is a credit note."""

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
        ("affiliate", ReachableFilter),
        ("issued_at", DayRangeFilter),
        RuleFilter,
        ("currency", FieldTextFilter),
    )
    related = ("affiliate", "statement", "original", "vat_entry")
    search_fields = ("number", "statement__number", "affiliate__name", "affiliate__public_id")
    search_help_text = _("Number, statement or affiliate")
    ordering = ("-issued_at", "-id")
    sortable_by = ()
    actions_list = ("of_period", "missing")
    actions_detail = ("paper", "data", "sheet")
    fieldsets = (
        (
            None,
            {"fields": (("number", "kind_label"), ("affiliate", "statement"), ("issued_at", "issued_by"), "corrects")},
        ),
        (_("Parties"), {"fields": (("seller_shown", "buyer_shown"),)}),
        (_("What it is for"), {"fields": ("lines_shown",)}),
        (_("Money"), {"fields": (("net_shown", "vat_shown", "gross_shown"), ("tax", "local_shown"), "vat_line")}),
        (_("Words"), {"fields": ("words",)}),
        (_("Corrected by"), {"fields": ("credit_notes_shown",)}),
    )
    kind_label = label_column(_("Kind"), "kind", TONES)
    of_period = question(
        WriteInvoicesOfPeriod,
        description=_("Write invoices"),
        icon="receipt",
        variant=ActionVariant.PRIMARY,
        permission="decide_all",
    )
    shown_number = column(_("Number"), "number", lambda text: format_html('<span class="aff-nowrap">{}</span>', text))
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    statement_link = column(_("Statement"), "statement", link_to)
    issued = column(_("Issued"), "issued_at", when)
    net_shown = money_column(_("Before VAT"), "net")
    vat_shown = money_column(_("VAT"), "vat")
    gross_shown = money_column(_("Total"), "gross")
    corrects = column(_("Corrects"), "original", link_to)
    seller_shown = column(_("Supplier"), "seller", party_shown)
    buyer_shown = column(_("Recipient"), "buyer", party_shown)
    vat_line = column(
        _("VAT in the ledger"), "vat_entry", lambda entry: link_to(entry, f"#{entry.sequence}"), empty=_("None")
    )
    words = column(_("What it says"), "notes", stacked)
    credit_notes_shown = table_column(
        _("Credit notes"),
        (_("Credit note"), _("Issued"), _("Total")),
        lambda row: (
            (link_to(each), when(each.issued_at), money(each.gross, each.currency))
            for each in row.credit_notes.order_by("id")
        ),
        empty=_("Nothing of it was corrected."),
    )
    resource_classes = (
        export_of(
            Invoice,
            *("number", "kind", "issued_at"),
            ("affiliate_id", "affiliate.public_id"),
            ("supplier", lambda row: row.seller["name"]),
            ("supplier_vat_number", lambda row: row.seller["vat_number"]),
            ("statement", statement_link),
            ("corrects", corrects),
            *("rule", "percent", "net", "vat", "gross", "currency", "local_vat", "local_currency", "local_rate"),
        ),
    )

    def has_statements_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """For statements that are not invoiced yet."""
        user = operator(request)
        return user.has_perm("payouts.view_statement") and user.affiliates_within("payouts.view_statement") is None

    @action(description=_("What is missing"), icon="checklist", permissions=["view", "statements"], url_path="missing")
    def missing(self, request: HttpRequest) -> HttpResponse:
        """Affiliates whose statements wait for an invoice, each with its missing details."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Not invoiced yet"),
            "opts": self.opts,
            "rows": pending(),
            "most": MOST,
            "issuer": Issuer.objects.first(),
        }
        return TemplateResponse(request, "admin/payouts/invoice/missing.html", context)

    @action(description=_("PDF"), icon="picture_as_pdf", permissions=["view"], url_path="pdf")
    def paper(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        return pdf_response(f"{row.number}.pdf", invoice_pdf(row))

    @action(description=_("JSON"), icon="data_object", permissions=["view"], url_path="json")
    def data(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        headers = {"Content-Disposition": f'attachment; filename="{row.number}.json"'}
        return JsonResponse(invoice_data(row), json_dumps_params={"ensure_ascii": False, "indent": 1}, headers=headers)

    @action(description=_("CSV"), icon="table", permissions=["view"], url_path="csv")
    def sheet(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self._row(object_id)
        headers = {"Content-Disposition": f'attachment; filename="{row.number}.csv"'}
        return HttpResponse(invoice_csv([row]), content_type="text/csv; charset=utf-8", headers=headers)

    def _row(self, object_id: int) -> Invoice:
        return get_object_or_404(Invoice.objects.select_related("statement", "original"), pk=object_id)

    @display(description=_("Tax"))
    def tax(self, row: Invoice) -> str:
        percent = f" {plain(row.percent)} %" if row.percent else ""
        return f"{NAMES.get(row.rule, row.rule)}{percent}"

    @display(description=_("Lines"))
    def lines_shown(self, row: Invoice) -> SafeString:
        lines = ((each["text"], each["entries"] or "–", each["net"], each["vat"]) for each in row.lines)
        return rows_of(
            (
                gettext("Commission for"),
                gettext("Ledger lines"),
                gettext("Before VAT, {currency}").format(currency=row.currency),
                "VAT",
            ),
            lines,
            empty=gettext("None"),
        )

    @display(description=_("VAT in the country's currency"))
    def local_shown(self, row: Invoice) -> str:
        if row.local_vat is None or row.local_rate is None:
            return gettext("The invoice is in it, or no VAT is charged")
        amount = format_money(row.local_vat, row.local_currency)
        return gettext("{amount}, rate {plain} of {local_rate_day} ({local_rate_source})").format(
            amount=amount,
            plain=plain(row.local_rate),
            local_rate_day=row.local_rate_day,
            local_rate_source=row.local_rate_source,
        )
