"""Batches of payouts, the methods behind them, terms of payment and exchange rates."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet, Sum
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from affiliates.access.operators import operator
from payouts.admin.batch_forms import Approve, BankAnswer, Cancel, PayAll, Release, away_words, problem_words
from payouts.models import ExchangeRate, Payout, PayoutBatch, PayoutFile, PayoutMethod, PayoutTerms
from payouts.paying.concerns import marks, with_marks
from payouts.rates.feed import too_old
from records.translation import gettext_lazy as _
from web.panel import (
    DayRangeFilter,
    PanelAdmin,
    ReachableFilter,
    RecordAdmin,
    RecordTable,
    code,
    column,
    label_column,
    link_to,
    money_column,
    question,
    to_list,
    when,
    yes_no,
)

Status = PayoutBatch.Status
TONES = {"draft": "warning", "approved": "info", "sent": "success", "cancelled": "danger"}


def on_its_way(row: Payout) -> SafeString | str:
    """The status that is not final, and since when."""
    return format_html("{}, {}", row.in_flight, when(row.in_flight_at)) if row.in_flight else "–"


# Columns of payouts, on their own page and on the batch's.
SENT = money_column(_("Sent"), "sent_amount", "sent_currency")
ON_ITS_WAY = column(_("On its way"), on_its_way)
# An affiliate without access, an invoice that is missing: for payouts that are due.
TO_LOOK_AT = column(_("To look at"), marks, empty="–")


class BatchPayouts(RecordTable):
    model = Payout
    related = ("affiliate", "method")
    fields = ("affiliate", "sent", "method", "status", "on_its_way", "reference", "to_look_at", "failure")
    verbose_name_plural = _("payouts")
    sent, on_its_way, to_look_at = SENT, ON_ITS_WAY, TO_LOOK_AT

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Payout]":
        rows: QuerySet[Payout] = super().get_queryset(request)
        return with_marks(rows.order_by("id"))


@admin.register(PayoutBatch)
class PayoutBatchAdmin(RecordAdmin):
    """Payouts that are sent together: made by one operator, approved by another."""

    list_display = ("shown_id", "status_label", "kind", "count", "total_shown", "made", "approved")
    list_display_links = ("shown_id",)
    list_filter = (("status", ChoicesCheckboxFilter), ("kind", ChoicesCheckboxFilter), ("created_at", DayRangeFilter))
    search_fields = ("public_id",)
    search_help_text = _("Batch ID (pt_…)")
    ordering = ("-id",)
    sortable_by = ()
    inlines = (BatchPayouts,)
    fields = (
        ("shown_id", "status_label"),
        ("kind", "total_shown"),
        ("created_by", "created_at"),
        ("approved_by", "approved_at"),
        ("sent_at", "note"),
        "checks",
        "file_shown",
    )
    actions_list = ("answer",)
    actions_detail = ("approve", "release", "file", "pay_all", "cancel")
    approve = question(Approve, description=_("Approve"), icon="verified", variant=ActionVariant.PRIMARY)
    release = question(Release, description=_("Release the file"), icon="outbox", variant=ActionVariant.PRIMARY)
    pay_all = question(PayAll, description=_("Mark all paid"), icon="paid", variant=ActionVariant.PRIMARY)
    cancel = question(Cancel, description=_("Cancel"), icon="cancel")
    answer = question(
        BankAnswer, description=_("Import the bank's answer"), icon="upload_file", permission="decide_all"
    )
    status_label = label_column(_("Status"), "status", TONES)
    shown_id = column(_("Batch"), "public_id", code)
    count = column(
        _("Payouts"), to_list("admin:payouts_payout_changelist", lambda row: row.payouts_in, batch__id__exact="pk")
    )
    total_shown = money_column(_("Total"), lambda row: row.total or Decimal(0))
    made = column(_("Made"), "created_at", when)
    approved = column(_("Approved by"), "approved_by", str, empty="–")

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

    @action(description=_("Download the file"), icon="download", permissions=["decide"], url_path="file")
    def file(self, request: HttpRequest, object_id: int) -> HttpResponse:
        made = PayoutFile.objects.filter(batch_id=object_id).first()
        if made is None:
            batch = get_object_or_404(PayoutBatch, pk=object_id)
            messages.error(
                request, gettext("Batch {batch} has no file yet; approve it and release it first.").format(batch=batch)
            )
            return HttpResponseRedirect(reverse("admin:payouts_payoutbatch_change", args=[object_id]))
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "private, no-store"}
        return HttpResponse(bytes(made.content), content_type=made.content_type, headers=headers)

    @display(description=_("To look at"))
    def checks(self, row: PayoutBatch) -> SafeString | str:
        """Problems that prevent the file, payouts that finance should check, and payouts that are on their way."""
        found = [*problem_words(row), *filter(None, [away_words(row)])]
        lines = format_html_join("", "<li>{}</li>", ((words,) for words in found))
        return format_html("<ul>{}</ul>", lines) if found else gettext("Nothing")

    @display(description=_("File"))
    def file_shown(self, row: PayoutBatch) -> SafeString | str:
        file = PayoutFile.objects.filter(batch=row).defer("content").select_related("made_by").first()
        if file is None:
            return gettext("It is made and stored when the approved batch is released")
        made = format_html(gettext("{}, made {} by {}"), file.name, when(file.made_at), file.made_by)
        return format_html("{}<br>SHA-256 {}", made, code(file.sha256))


@admin.register(PayoutMethod)
class PayoutMethodAdmin(RecordAdmin):
    """Where affiliates want their money. The details are encrypted and never shown; only payment files hold them."""

    list_display = ("affiliate_link", "kind", "hint", "set_at", "created_by", "in_force")
    list_display_links = ("hint",)
    list_filter = (("kind", ChoicesCheckboxFilter), ("affiliate", ReachableFilter))
    list_select_related = ("affiliate", "created_by")
    search_fields = ("affiliate__name", "affiliate__public_id", "hint")
    ordering = ("-id",)
    sortable_by = ()
    fields = (("affiliate", "kind"), ("hint", "in_force"), ("created_at", "created_by"), "replaced_at")
    affiliate_link = column(_("Affiliate"), "affiliate", link_to)
    set_at = column(_("Set"), "created_at", when)
    in_force = yes_no(_("In force"), lambda row: row.replaced_at is None)


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
    for_whom = column(_("For"), "affiliate", str, empty=_("All other affiliates"))
    minimum_shown = money_column(_("Minimum"), "minimum")
    fee_shown = money_column(_("Fee"), "fee")
    hold = column(
        _("Hold"),
        lambda row: gettext("{hold_days} days").format(hold_days=row.hold_days) if row.hold_days else gettext("None"),
    )


@admin.register(ExchangeRate)
class ExchangeRateAdmin(PanelAdmin):
    """The value of one euro, by day. A correction is a new entry; existing payouts do not change."""

    list_display = ("day", "currency", "value", "source", "note", "created_by")
    list_filter = (("source", ChoicesCheckboxFilter), ("day", DayRangeFilter))
    search_fields = ("currency",)
    search_help_text = _("Currency, such as USD")
    ordering = ("-day", "currency", "-id")
    sortable_by = ()
    list_select_related = ("created_by",)
    fields = (("currency", "day"), "per_euro", "note")
    value = column(_("For one euro"), lambda row: f"{row.per_euro.normalize():f}")

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
                gettext(
                    "The newest rates of the European Central Bank are of {newest:%Y-%m-%d}. They should be "
                    "fetched each day from RATES_URL: the worker's log says why they were not. Or run "
                    "manage.py import_rates with its file."
                ).format(newest=newest),
            )
        found: HttpResponse = super().changelist_view(request, extra_context)
        return found
