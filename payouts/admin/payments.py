"""Statements of closed periods, and payouts."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from import_export.fields import Field
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from payouts.admin.batch_forms import MakeBatches, MarkReturned
from payouts.admin.batches import on_its_way
from payouts.admin.closing import close_path
from payouts.admin.forms import ClosePeriod, MarkPaid
from payouts.admin.invoice_forms import WriteInvoices
from payouts.admin.money_rights import CommissionByPermission
from payouts.documents import pdf_response
from payouts.documents.proof import NotSealed, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from payouts.models import Payout, Statement
from payouts.paying.concerns import marks, with_marks
from web.panel import (
    BoundedExport,
    ConfirmForm,
    DayRangeFilter,
    ExportColumns,
    RecordAdmin,
    code,
    labelled,
    link_to,
    list_link,
    long_code,
    money,
    once,
    question,
    when,
)

PAYOUT_TONES = {"due": "warning", "paid": "success", "returned": "danger"}


@admin.register(Statement)
class StatementAdmin(CommissionByPermission, RecordAdmin):
    """Closed periods. They cannot be changed: a correction is a line of the next period."""

    list_display = (
        "number",
        "affiliate_link",
        "period",
        "opening_shown",
        "earned_shown",
        "paid_shown",
        "closing_shown",
    )
    list_filter = (("affiliate", AutocompleteSelectFilter), ("ends_at", DayRangeFilter))
    list_select_related = ("affiliate",)
    actions = ("write",)
    search_fields = ("number", "affiliate__name", "affiliate__public_id")
    search_help_text = "Number or affiliate"
    ordering = ("-ends_at", "number")
    sortable_by = ()
    actions_list = ("close",)
    fieldsets = (
        (
            None,
            {"fields": (("number", "affiliate"), ("starts_at", "ends_at"), "lines", ("payout_link", "invoices_shown"))},
        ),
        ("Money", {"fields": (("opening_shown", "earned_shown"), ("paid_shown", "closing_shown"))}),
        ("Closing", {"fields": (("closed_at", "closed_by"), "seal")}),
    )
    readonly_fields = (
        "lines",
        "opening_shown",
        "earned_shown",
        "paid_shown",
        "closing_shown",
        "payout_link",
        "seal",
        "invoices_shown",
    )
    actions_detail = ("paper", "proof", "write")
    write = question(WriteInvoices, description="Write invoices", icon="receipt")
    close = question(ClosePeriod, description="Close a period", icon="event_available", variant=ActionVariant.PRIMARY)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Statement]":
        rows: QuerySet[Statement] = super().get_queryset(request)
        return rows.select_related("affiliate", "payout")

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return close_path(form) or super()._after(request, form)

    @display(description="Affiliate")
    def affiliate_link(self, row: Statement) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Period")
    def period(self, row: Statement) -> str:
        return f"{row.starts_at:%Y-%m-%d} to before {row.ends_at:%Y-%m-%d}"

    @display(description="Opening balance")
    def opening_shown(self, row: Statement) -> SafeString | str:
        return money(row.opening, row.currency)

    @display(description="Earned")
    def earned_shown(self, row: Statement) -> SafeString | str:
        return money(row.earned, row.currency)

    @display(description="Paid")
    def paid_shown(self, row: Statement) -> SafeString | str:
        return money(row.paid, row.currency)

    @display(description="Closing balance")
    def closing_shown(self, row: Statement) -> SafeString | str:
        return money(row.closing, row.currency)

    @display(description="Ledger lines covered")
    def lines(self, row: Statement) -> SafeString | str:
        return list_link(
            "admin:payouts_ledgerentry_changelist",
            f"#{row.first_sequence} to #{row.last_sequence}, those in {row.currency}",
            affiliate__id__exact=row.affiliate_id,
            currency__exact=row.currency,
            sequence__gte=row.first_sequence,
            sequence__lte=row.last_sequence,
        )

    @action(description="PDF", icon="picture_as_pdf", permissions=["view", "ledger"], url_path="pdf")
    def paper(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = get_object_or_404(Statement.objects.select_related("affiliate", "payout"), pk=object_id)
        return pdf_response(f"statement-{row.number}.pdf", statement_pdf(row))

    @action(description="JSON with proof", icon="fingerprint", permissions=["view", "ledger"], url_path="proof")
    def proof(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = get_object_or_404(Statement.objects.select_related("affiliate"), pk=object_id)
        name = f'attachment; filename="statement-{row.number}.json"'
        try:
            proof = statement_proof(row)
        except NotSealed as error:
            raise Http404(str(error)) from error
        return HttpResponse(proof, content_type="application/json", headers={"Content-Disposition": name})

    @display(description="Payout")
    def payout_link(self, row: Statement) -> SafeString | str:
        return link_to(row.payout) if hasattr(row, "payout") else "None: nothing was due"

    @display(description="Invoice and credit notes")
    @once
    def invoices_shown(self, row: Statement) -> SafeString | str:
        found = format_html_join(", ", "{}", ((link_to(each),) for each in row.invoices.order_by("id")))
        return found or "None"

    @display(description="Chain at the last line")
    def seal(self, row: Statement) -> SafeString | str:
        return long_code(row.chain_hash)


class PayoutColumns(ExportColumns):
    affiliate_id = Field(attribute="affiliate__public_id", column_name="affiliate_id")
    affiliate = Field(attribute="affiliate__name", column_name="affiliate")
    statement = Field(attribute="statement__number", column_name="statement")

    class Meta:
        model = Payout
        fields = (
            *("public_id", "affiliate_id", "affiliate", "statement", "amount", "currency", "vat", "fee"),
            *("sent_amount", "sent_currency", "rate", "status", "reference", "created_at", "paid_at"),
        )
        export_order = fields


@admin.register(Payout)
class PayoutAdmin(BoundedExport, RecordAdmin):
    """Money to be sent for statements."""

    resource_classes = (PayoutColumns,)
    export_related = ("affiliate", "statement")
    list_display = (
        "shown_id",
        "status_label",
        "affiliate_link",
        "amount_shown",
        "sent_shown",
        "to_look_at",
        "batch_link",
        "statement_link",
        "reference",
        "created",
        "paid",
    )
    list_display_links = ("shown_id",)
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("affiliate", AutocompleteSelectFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "statement", "batch")
    search_fields = ("public_id", "reference", "statement__number", "affiliate__name")
    search_help_text = "Payout ID (po_…), reference, statement or affiliate"
    ordering = ("-id",)
    sortable_by = ()
    actions = ("batch_up", "pay", "came_back")
    actions_detail = ("batch_up", "pay", "came_back")
    fields = (
        ("shown_id", "status_label"),
        ("affiliate", "amount_shown"),
        ("vat_shown", "fee_shown"),
        ("sent_shown", "rate_shown"),
        ("batch", "method"),
        ("statement", "created_at"),
        ("reference", "paid_at"),
        ("paid_by", "failure"),
        ("to_look_at", "way"),
    )
    readonly_fields = (
        *("shown_id", "status_label", "amount_shown", "vat_shown", "fee_shown", "sent_shown", "rate_shown"),
        *("to_look_at", "way"),
    )
    batch_up = question(MakeBatches, description="Put into batches", icon="stacks", variant=ActionVariant.PRIMARY)
    came_back = question(MarkReturned, description="Came back", icon="undo")
    pay = question(MarkPaid, description="Mark paid", icon="paid", variant=ActionVariant.PRIMARY)
    status_label = labelled("status", PAYOUT_TONES, description="Status")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Payout]":
        rows: QuerySet[Payout] = super().get_queryset(request)
        return with_marks(rows)

    @display(description="To look at")
    def to_look_at(self, row: Payout) -> str:
        """An affiliate without access, an invoice that is missing: for payouts that are due."""
        return marks(row) or "–"

    @display(description="On its way")
    def way(self, row: Payout) -> SafeString | str:
        return on_its_way(row)

    @display(description="Payout")
    def shown_id(self, row: Payout) -> SafeString | str:
        return code(row.public_id)

    @display(description="Affiliate")
    def affiliate_link(self, row: Payout) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Amount")
    def amount_shown(self, row: Payout) -> SafeString | str:
        return money(row.amount, row.currency)

    @display(description="VAT in it")
    def vat_shown(self, row: Payout) -> SafeString | str:
        return money(row.vat, row.currency)

    @display(description="Fee kept back")
    def fee_shown(self, row: Payout) -> SafeString | str:
        return money(row.fee, row.currency)

    @display(description="Sent")
    def sent_shown(self, row: Payout) -> SafeString | str:
        return money(row.sent_amount, row.sent_currency)

    @display(description="Rate")
    def rate_shown(self, row: Payout) -> str:
        if row.rate is None:
            return "None: it is sent in the currency that it was earned in"
        return f"{row.rate.normalize():f} of {row.rate_day} ({row.rate_source})"

    @display(description="Batch")
    def batch_link(self, row: Payout) -> SafeString | str:
        return link_to(row.batch) if row.batch else "–"

    @display(description="Statement")
    def statement_link(self, row: Payout) -> SafeString | str:
        return link_to(row.statement)

    @display(description="Made")
    def created(self, row: Payout) -> SafeString | str:
        return when(row.created_at)

    @display(description="Paid")
    def paid(self, row: Payout) -> SafeString | str:
        return when(row.paid_at)
