"""Batches of payouts, the methods behind them, terms of payment and exchange rates."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, QuerySet, Sum
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from affiliates.access.operators import operator
from affiliates.models import User
from payouts.models import ExchangeRate, Payout, PayoutBatch, PayoutFile, PayoutMethod, PayoutTerms
from payouts.paying.answers import import_result
from payouts.paying.batches import (
    BatchRefused,
    approve_batch,
    cancel_batch,
    figures_of,
    has_file,
    make_batches,
    pay_batch,
    release_batch,
)
from payouts.paying.payments import NotPaid, ReferenceRefused, mark_returned
from payouts.rates.feed import too_old
from records.money import format_money
from web.panel import (
    ConfirmForm,
    DayRangeFilter,
    PanelAdmin,
    RecordAdmin,
    RecordTable,
    code,
    labelled,
    link_to,
    list_link,
    money,
    question,
    when,
)
from web.panel.confirm import note_field

Status = PayoutBatch.Status
TONES = {"draft": "warning", "approved": "info", "sent": "success", "cancelled": "danger"}
MAX_ANSWER = 5_000_000


class MakeBatches(ConfirmForm):
    """Due payouts into batches."""

    title, submit = "Put into batches", "Make the batches"
    explanation = (
        "One batch is made for each method and currency. Another operator has to approve it before its file can be "
        "sent to the bank. What cannot be sent is left out and named."
    )

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.DUE and row.batch_id is None

    def describe(self, row: Payout) -> str:
        sent = format_money(row.sent_amount, row.sent_currency)
        return f"{row.affiliate} · {sent} · {row.get_status_display()}{' · in a batch' if row.batch_id else ''}"

    def perform(self, *, actor: User, now: Any) -> str:
        try:
            made = make_batches(payout_ids=[row.pk for row in self.rows], actor=actor, now=now)
        except BatchRefused as error:
            raise ValidationError(str(error)) from error
        left = "; ".join(f"{payout} {why}" for payout, why in made.left_out[:20])
        if not made.batches:
            raise ValidationError(f"Nothing can be sent: {left}.")
        said = f"Made {', '.join(f'{batch} ({batch.get_kind_display()}, {batch.currency})' for batch in made.batches)}."
        return f"{said} Left out: {left}." if left else said


class MarkReturned(ConfirmForm):
    """Paid payouts that came back."""

    title, submit, tone = "Came back", "Book the return", "danger"
    explanation = "The account gets the money again by a line of its own; the next statement pays it anew."
    why = note_field(required=True, label="Why", help_text="The affiliate reads it, for example: account closed.")

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.PAID

    def perform(self, *, actor: User, now: Any) -> str:
        for row in self.rows:
            try:
                mark_returned(payout=row, why=self.cleaned_data["why"], actor=actor, now=now)
            except (NotPaid, ReferenceRefused) as error:
                raise ValidationError(str(error)) from error
        return f"{len(self.rows)} marked as come back: {self.cleaned_data['why']}"


class _BatchQuestion(ConfirmForm):
    """A deed on batches."""

    def describe(self, row: PayoutBatch) -> str:
        figures = figures_of(row)
        total = format_money(figures.total, row.currency)
        return f"{row.get_kind_display()} · {figures.payouts} payouts · {total} · {row.get_status_display()}"

    def deed(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        raise NotImplementedError

    def perform(self, *, actor: User, now: Any) -> str:
        try:
            return " ".join(self.deed(row, actor=actor, now=now) for row in self.rows)
        except (BatchRefused, ReferenceRefused) as error:
            raise ValidationError(str(error)) from error


class Approve(_BatchQuestion):
    title, submit = "Approve for sending", "Approve"
    explanation = "Look at the payouts first. Whoever made a batch cannot approve it."

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status == Status.DRAFT

    def deed(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        approve_batch(batch=row, actor=actor, now=now)
        return f"{row} is approved."


class Release(_BatchQuestion):
    title, submit = "Release the file", "Release"
    explanation = (
        "The file is made and kept: each download gives the same bytes. From now on the batch counts as sent. What "
        "cannot be written leaves the batch and stays due. If the file was given to the bank before, do not give "
        "it again."
    )

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status in (Status.APPROVED, Status.SENT) and not has_file(row)

    def deed(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        released = release_batch(batch=row, actor=actor, now=now)
        left = "; ".join(f"{payout} of {payout.affiliate} {why}" for payout, why in released.left_out[:20])
        words = f"{row} is released: download its file and give it to the bank."
        return f"{words} Left out, still due: {left}." if left else words


class PayAll(_BatchQuestion):
    title, submit = "Mark all paid", "Mark all paid"
    explanation = "Books a payment for each payout of the batch that is still due. Nothing is paid twice."
    reference = forms.CharField(
        max_length=80, widget=UnfoldAdminTextInputWidget, help_text="The bank's or wallet's own reference of the batch."
    )

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status == Status.SENT and has_file(row) and row.payouts.filter(status=Payout.Status.DUE).exists()

    def deed(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        done = pay_batch(batch=row, reference=self.cleaned_data["reference"], actor=actor, now=now)
        return f"{done} payouts of {row} are marked paid."


class Cancel(_BatchQuestion):
    title, submit, tone = "Cancel the batch", "Cancel the batch", "danger"
    explanation = "Its unpaid payouts are due again. If the file was given to the bank, make sure that it was refused."
    note = note_field(required=True, help_text="Why, for your own records.")

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status != Status.CANCELLED

    def deed(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        free = cancel_batch(batch=row, actor=actor, note=self.cleaned_data["note"], now=now)
        return f"{row} is cancelled; {free} payouts are due again."


class BankAnswer(ConfirmForm):
    """The bank's or wallet's answer as a file."""

    title, submit = "Import the bank's answer", "Import"
    explanation = (
        "A CSV with a line for each payout: payout (our ID, po_…), status, and where there are any reference, "
        "reason, amount, currency and batch. "
        "What is unclaimed, pending or on hold is under way and "
        "books nothing. Lines that were imported before change nothing."
    )
    answer = forms.FileField(label="File", widget=UnfoldAdminFileFieldWidget)

    def clean_answer(self) -> bytes:
        file = self.cleaned_data["answer"]
        if file.size > MAX_ANSWER:
            raise ValidationError(f"The file has more than {MAX_ANSWER // 1_000_000} MB; split it.")
        return bytes(file.read())

    def perform(self, *, actor: User, now: Any) -> str:
        try:
            found = import_result(content=self.cleaned_data["answer"], actor=actor, now=now)
        except BatchRefused as error:
            raise ValidationError(str(error)) from error
        said = f"{found.paid} paid, {found.failed} failed, {found.returned} came back, {found.in_flight} under way, "
        said += f"{found.unchanged} known before."
        if found.faults:
            shown = " ".join(found.faults[:20])
            raise ValidationError(f"{said} {len(found.faults)} lines could not be applied: {shown}")
        return said


class BatchPayouts(RecordTable):
    model = Payout
    fields = ("affiliate", "sent", "method", "status", "reference", "failure")
    readonly_fields = ("sent",)
    verbose_name_plural = "payouts"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Payout]":
        rows: QuerySet[Payout] = super().get_queryset(request)
        return rows.select_related("affiliate", "method").order_by("id")

    @display(description="Sent")
    def sent(self, row: Payout) -> SafeString | str:
        return money(row.sent_amount, row.sent_currency)


@admin.register(PayoutBatch)
class PayoutBatchAdmin(RecordAdmin):
    """Payouts that are sent together: made by one operator, approved by another."""

    list_display = ("shown_id", "status_label", "kind", "count", "total_shown", "made", "approved")
    list_display_links = ("shown_id",)
    list_filter = (("status", ChoicesCheckboxFilter), ("kind", ChoicesCheckboxFilter), ("created_at", DayRangeFilter))
    search_fields = ("public_id",)
    search_help_text = "Batch ID (pt_…)"
    ordering = ("-id",)
    sortable_by = ()
    inlines = (BatchPayouts,)
    fields = (
        ("shown_id", "status_label"),
        ("kind", "total_shown"),
        ("created_by", "created_at"),
        ("approved_by", "approved_at"),
        ("sent_at", "note"),
    )
    readonly_fields = ("shown_id", "status_label", "total_shown")
    actions_list = ("answer",)
    actions_detail = ("approve", "release", "file", "pay_all", "cancel")
    approve = question(Approve, description="Approve", icon="verified", variant=ActionVariant.PRIMARY)
    release = question(Release, description="Release the file", icon="outbox", variant=ActionVariant.PRIMARY)
    pay_all = question(PayAll, description="Mark all paid", icon="paid", variant=ActionVariant.PRIMARY)
    cancel = question(Cancel, description="Cancel", icon="cancel")
    answer = question(BankAnswer, description="Import the bank's answer", icon="upload_file")
    status_label = labelled("status", TONES, description="Status")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PayoutBatch]":
        rows: QuerySet[PayoutBatch] = super().get_queryset(request)
        return rows.select_related("created_by", "approved_by").annotate(
            payouts_in=Count("payouts"), total=Sum("payouts__sent_amount")
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer the download only where there is a file."""
        offered = super().get_actions_detail(request, object_id)
        kept = PayoutFile.objects.filter(batch_id=object_id).exists()
        return [each for each in offered if kept or not each.action_name.endswith("_file")]

    @action(description="Download the file", icon="download", permissions=["view"], url_path="file")
    def file(self, request: HttpRequest, object_id: int) -> HttpResponse:
        made = PayoutFile.objects.filter(batch_id=object_id).first()
        if made is None:
            batch = get_object_or_404(PayoutBatch, pk=object_id)
            messages.error(request, f"Batch {batch} has no file yet; approve it and release it first.")
            return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[object_id]))
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "private, no-store"}
        return HttpResponse(bytes(made.content), content_type=made.content_type, headers=headers)

    @display(description="Batch")
    def shown_id(self, row: PayoutBatch) -> SafeString | str:
        return code(row.public_id)

    @display(description="Payouts")
    def count(self, row: PayoutBatch) -> SafeString | str:
        number = row.payouts_in  # type: ignore[attr-defined]
        return list_link("admin:payouts_payout_changelist", str(number), batch__id__exact=row.pk)

    @display(description="Total")
    def total_shown(self, row: PayoutBatch) -> SafeString | str:
        return money(getattr(row, "total", None) or Decimal(0), row.currency)

    @display(description="Made")
    def made(self, row: PayoutBatch) -> SafeString | str:
        return when(row.created_at)

    @display(description="Approved by")
    def approved(self, row: PayoutBatch) -> str:
        return str(row.approved_by or "–")


@admin.register(PayoutMethod)
class PayoutMethodAdmin(RecordAdmin):
    """Where affiliates want their money. The details are encrypted and shown to nobody; files hold them."""

    list_display = ("affiliate_link", "kind", "hint", "set_at", "created_by", "in_force")
    list_display_links = ("hint",)
    list_filter = (("kind", ChoicesCheckboxFilter), ("affiliate", AutocompleteSelectFilter))
    list_select_related = ("affiliate", "created_by")
    search_fields = ("affiliate__name", "affiliate__public_id", "hint")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("affiliate", "kind"), ("hint", "in_force"), ("created_at", "created_by"), "replaced_at")
    readonly_fields = ("in_force",)

    @display(description="Affiliate")
    def affiliate_link(self, row: PayoutMethod) -> SafeString | str:
        return link_to(row.affiliate)

    @display(description="Set")
    def set_at(self, row: PayoutMethod) -> SafeString | str:
        return when(row.created_at)

    @display(description="In force", boolean=True)
    def in_force(self, row: PayoutMethod) -> bool:
        return row.replaced_at is None


@admin.register(PayoutTerms)
class PayoutTermsAdmin(PanelAdmin):
    """From which amount on, less which fee and after which hold affiliates are paid."""

    list_display = ("for_whom", "minimum_shown", "fee_shown", "hold")
    list_select_related = ("affiliate",)
    search_fields = ("affiliate__name",)
    ordering = ("affiliate__name",)
    sortable_by = ()
    autocomplete_fields = ("affiliate",)
    fields = ("affiliate", ("minimum", "fee", "currency"), "hold_days")

    @display(description="For")
    def for_whom(self, row: PayoutTerms) -> str:
        return str(row.affiliate or "Everybody else")

    @display(description="Minimum")
    def minimum_shown(self, row: PayoutTerms) -> SafeString | str:
        return money(row.minimum, row.currency)

    @display(description="Fee")
    def fee_shown(self, row: PayoutTerms) -> SafeString | str:
        return money(row.fee, row.currency)

    @display(description="Hold")
    def hold(self, row: PayoutTerms) -> str:
        return f"{row.hold_days} days" if row.hold_days else "None"


@admin.register(ExchangeRate)
class ExchangeRateAdmin(PanelAdmin):
    """What one euro was worth, by day. A correction is a new entry; what was paid keeps its rate."""

    list_display = ("day", "currency", "value", "source", "note", "created_by")
    list_filter = (("source", ChoicesCheckboxFilter), ("day", DayRangeFilter))
    search_fields = ("currency",)
    search_help_text = "Currency, such as USD"
    ordering = ("-day", "currency", "-id")
    sortable_by = ()
    list_select_related = ("created_by",)
    fields = (("currency", "day"), "per_euro", "note")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "note" in form.base_fields:
            form.base_fields["note"].required = True
        return form

    def save_model(self, request: HttpRequest, obj: Model, form: "ModelForm[Any]", change: bool) -> None:
        assert isinstance(obj, ExchangeRate)
        obj.source, obj.created_by = ExchangeRate.Source.MANUAL, operator(request)
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        newest = too_old(today=timezone.localdate())
        if newest:
            messages.warning(
                request,
                f"The newest rates of the European Central Bank are of {newest:%Y-%m-%d}. They are fetched each day "
                "from RATES_URL: see in the worker's log why not, or run manage.py import_rates with its file.",
            )
        found: HttpResponse = super().changelist_view(request, extra_context)
        return found

    @display(description="For one euro")
    def value(self, row: ExchangeRate) -> str:
        return f"{row.per_euro.normalize():f}"
