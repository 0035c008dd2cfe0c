"""Statements of closed periods, and payouts."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from payouts.admin.batch_forms import MakeBatches, MarkReturned
from payouts.admin.batches import ON_ITS_WAY, SENT, TO_LOOK_AT
from payouts.admin.closing import close_path
from payouts.admin.forms import ClosePeriod, MarkPaid
from payouts.admin.invoice_forms import WriteInvoices
from payouts.admin.money_rights import CommissionByPermission
from payouts.documents import pdf_response
from payouts.documents.proof import NotSealed, statement_proof
from payouts.documents.statement_pdf import statement_pdf
from payouts.models import Payout, Statement
from payouts.paying.concerns import with_marks
from records.translation import gettext_lazy as _
from web.panel import (
    BoundedExport,
    ConfirmForm,
    DayRangeFilter,
    ReachableFilter,
    RecordAdmin,
    code,
    column,
    export_of,
    label_column,
    link_to,
    long_code,
    money_column,
    once,
    question,
    to_list,
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
    list_filter = (("affiliate", ReachableFilter), ("ends_at", DayRangeFilter))
    related = ("affiliate", "payout")
    actions = ("write",)
    search_fields = ("number", "affiliate__name", "affiliate__public_id")
    search_help_text = _("Number or affiliate")
    ordering = ("-ends_at", "number")
    sortable_by = ()
    actions_list = ("close",)
    fieldsets = (
        (
            None,
            {"fields": (("number", "affiliate"), ("starts_at", "ends_at"), "lines", ("payout_link", "invoices_shown"))},
        ),
        (_("Money"), {"fields": (("opening_shown", "earned_shown"), ("paid_shown", "closing_shown"))}),
        (_("Closing"), {"fields": (("closed_at", "closed_by"), "seal")}),
    )
    actions_detail = ("paper", "proof", "write")
    write = question(WriteInvoices, description=_("Write invoices"), icon="receipt")
    close = question(
        ClosePeriod,
        description=_("Close a period"),
        icon="event_available",
        variant=ActionVariant.PRIMARY,
        permission="decide_all",
    )
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    period = column(
        _("Period"),
        lambda row: gettext("{starts_at:%Y-%m-%d} to before {ends_at:%Y-%m-%d}").format(
            starts_at=row.starts_at, ends_at=row.ends_at
        ),
    )
    opening_shown = money_column(_("Opening balance"), "opening")
    earned_shown = money_column(_("Earned"), "earned")
    paid_shown = money_column(_("Paid"), "paid")
    closing_shown = money_column(_("Closing balance"), "closing")
    lines = column(
        _("Ledger lines covered"),
        to_list(
            "admin:payouts_ledgerentry_changelist",
            lambda row: gettext("#{first} to #{last}, those in {currency}").format(
                first=row.first_sequence, last=row.last_sequence, currency=row.currency
            ),
            affiliate__id__exact="affiliate_id",
            currency__exact="currency",
            sequence__gte="first_sequence",
            sequence__lte="last_sequence",
        ),
    )
    payout_link = column(_("Payout"), "payout", link_to, empty=_("None: nothing was due"))
    seal = column(_("Chain at the last line"), "chain_hash", long_code)

    def _after(self, request: HttpRequest, form: ConfirmForm) -> str:
        return close_path(form) or super()._after(request, form)

    @action(description=_("PDF"), icon="picture_as_pdf", permissions=["view", "ledger"], url_path="pdf")
    def paper(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = get_object_or_404(Statement.objects.select_related("affiliate", "payout"), pk=object_id)
        return pdf_response(f"statement-{row.number}.pdf", statement_pdf(row))

    @action(description=_("JSON with proof"), icon="fingerprint", permissions=["view", "ledger"], url_path="proof")
    def proof(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = get_object_or_404(Statement.objects.select_related("affiliate"), pk=object_id)
        name = f'attachment; filename="statement-{row.number}.json"'
        try:
            proof = statement_proof(row)
        except NotSealed as error:
            raise Http404(str(error)) from error
        return HttpResponse(proof, content_type="application/json", headers={"Content-Disposition": name})

    @display(description=_("Invoice and credit notes"))
    @once
    def invoices_shown(self, row: Statement) -> SafeString | str:
        found = format_html_join(", ", "{}", ((link_to(each),) for each in row.invoices.order_by("id")))
        return found or gettext("None")


@admin.register(Payout)
class PayoutAdmin(BoundedExport, RecordAdmin):
    """Money to be sent for statements."""

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
        ("affiliate", ReachableFilter),
        ("created_at", DayRangeFilter),
    )
    list_select_related = ("affiliate", "statement", "batch")
    search_fields = ("public_id", "reference", "statement__number", "affiliate__name")
    search_help_text = _("Payout ID (po_…), reference, statement or affiliate")
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
    batch_up = question(MakeBatches, description=_("Put into batches"), icon="stacks", variant=ActionVariant.PRIMARY)
    came_back = question(MarkReturned, description=_("Came back"), icon="undo")
    pay = question(MarkPaid, description=_("Mark paid"), icon="paid", variant=ActionVariant.PRIMARY)
    status_label = label_column(_("Status"), "status", PAYOUT_TONES)
    sent_shown, way, to_look_at = SENT, ON_ITS_WAY, TO_LOOK_AT
    shown_id = column(_("Payout"), "public_id", code)
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    amount_shown = money_column(_("Amount"), "amount")
    vat_shown = money_column(_("VAT in it"), "vat")
    fee_shown = money_column(_("Fee kept back"), "fee")
    batch_link = column(_("Batch"), "batch", link_to, empty="–")
    statement_link = column(_("Statement"), "statement", link_to)
    created = column(_("Made"), "created_at", when)
    paid = column(_("Paid"), "paid_at", when)
    resource_classes = (
        export_of(
            Payout,
            "public_id",
            ("affiliate_id", "affiliate.public_id"),
            ("affiliate", affiliate_link),
            ("statement", statement_link),
            *("amount", "currency", "vat", "fee", "sent_amount", "sent_currency", "rate", "status", "reference"),
            *("created_at", "paid_at"),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Payout]":
        rows: QuerySet[Payout] = super().get_queryset(request)
        return with_marks(rows)

    @display(description=_("Rate"))
    def rate_shown(self, row: Payout) -> str:
        if row.rate is None:
            return gettext("None: it is sent in the currency that it was earned in")
        return gettext("{rate:f} of {rate_day} ({rate_source})").format(
            rate=row.rate.normalize(), rate_day=row.rate_day, rate_source=row.rate_source
        )
