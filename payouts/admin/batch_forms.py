"""The questions of the pages for payouts and batches."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from affiliates.models import User
from payouts.models import Payout, PayoutBatch, PayoutMethod
from payouts.paying.answers import import_result
from payouts.paying.bank_files import account_problem
from payouts.paying.batches import (
    BatchRefused,
    approve_batch,
    cancel_batch,
    figures_of,
    has_file,
    make_batches,
    methods_of,
    pay_batch,
    problems_of,
    release_batch,
    why_not,
)
from payouts.paying.concerns import TITLES, Concern, concerns_of
from payouts.paying.payments import NotPaid, ReferenceRefused, mark_returned
from records.money import format_money
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ChoosingForm, ConfirmForm, Keys, Left, Worth, left_words
from web.panel.choices import totals
from web.panel.confirm import note_field

Status = PayoutBatch.Status
MAX_ANSWER = 5_000_000


class MakeBatches(ChoosingForm):
    """Put due payouts into batches. Payouts that finance should check first are left out unless ticked."""

    title, submit = _("Put into batches"), _("Make the batches")
    explanation = _(
        "One batch is made for each method and currency. Another operator has to approve it before its file can be "
        "sent to the bank. Payouts that cannot be sent are left out and listed."
    )
    counts = _("to send")
    ticks: ClassVar[dict[str, str]] = {kind.value: title for kind, title in TITLES.items()}

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.DUE and row.batch_id is None

    def keys_of(self, rows: Sequence[Payout]) -> dict[int, Keys]:
        return {pk: {kind.value: words for kind, words in found.items()} for pk, found in concerns_of(rows).items()}

    def worth(self, row: Payout) -> Worth:
        return Worth(str(row.affiliate), [(row.sent_amount, row.sent_currency)])

    def kind_of(self, row: Payout) -> str:
        method = self._methods.get(row.affiliate_id)
        if problem := why_not(row, method):
            return gettext("Left out: {problem}").format(problem=problem)
        assert method
        return f"{method.get_kind_display()}, {row.sent_currency}"

    @cached_property
    def _methods(self) -> dict[int, PayoutMethod]:
        return methods_of(self.rows)

    def warnings(self) -> list[str]:
        """Problems of the payment files, shown before the batches are made."""
        kinds = {method.kind for method in self._methods.values()}
        return [problem for kind in sorted(kinds) if (problem := account_problem(kind))]

    def describe(self, row: Payout) -> str:
        sent = format_money(row.sent_amount, row.sent_currency)
        failed = f" · {row.failure}" if row.failure else ""
        return f"{row.affiliate} · {sent} · {row.get_status_display()}{' · in a batch' if row.batch_id else ''}{failed}"

    def perform(self, *, actor: User, now: Any) -> str:
        chosen, left = self.sorted_out(self.rows)
        include = [kind for kind in Concern if self.cleaned_data.get(f"with_{kind.value}")]
        try:
            made = make_batches(payout_ids=[row.pk for row in chosen], actor=actor, now=now, include=include)
        except BatchRefused as error:
            raise ValidationError(str(error)) from error
        words = left_words([*(Left(str(payout), why) for payout, why in made.left_out), *left])
        if not made.batches:
            raise ValidationError(format_lazy(_("Nothing can be sent. {words}"), words=words))
        names = ", ".join(f"{batch} ({batch.get_kind_display()}, {batch.currency})" for batch in made.batches)
        self.log_words = f"Made {names}."
        problems = " ".join(problem for batch in made.batches if (problem := account_problem(batch.kind)))
        return " ".join(filter(None, [self.log_words, words, problems]))


class MarkReturned(ConfirmForm):
    """Paid payouts that came back."""

    title, submit, tone = _("Came back"), _("Book the return"), "danger"
    explanation = _("The money is returned to the account as a separate line; the next statement pays it again.")
    why = note_field(required=True, label=_("Why"), help_text=_("The affiliate reads it, for example: account closed."))

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.PAID

    def perform(self, *, actor: User, now: Any) -> str:
        for row in self.rows:
            try:
                mark_returned(payout=row, why=self.cleaned_data["why"], actor=actor, now=now)
            except (NotPaid, ReferenceRefused) as error:
                raise ValidationError(str(error)) from error
        return format_lazy(
            _("{number_of_rows} marked as come back: {cleaned_data}"),
            number_of_rows=len(self.rows),
            cleaned_data=self.cleaned_data["why"],
        )


class _BatchQuestion(ConfirmForm):
    """A question about batches."""

    problems: ClassVar[bool] = False

    def describe(self, row: PayoutBatch) -> str:
        figures = figures_of(row)
        total = format_money(figures.total, row.currency)
        return gettext("{kind} · {payouts} payouts · {total} · {status}").format(
            kind=row.get_kind_display(), payouts=figures.payouts, total=total, status=row.get_status_display()
        )

    def warnings(self) -> list[str]:
        """Warnings to check before confirming, with counts and amounts."""
        return [words for row in self.rows for words in problem_words(row)] if self.problems else []

    def carry_out(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        raise NotImplementedError

    def perform(self, *, actor: User, now: Any) -> str:
        try:
            return " ".join(self.carry_out(row, actor=actor, now=now) for row in self.rows)
        except (BatchRefused, ReferenceRefused) as error:
            raise ValidationError(str(error)) from error


class Approve(_BatchQuestion):
    title, submit = _("Approve for sending"), _("Approve")
    explanation = _("Look at the payouts first. The operator who made a batch cannot approve it.")
    problems = True

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status == Status.DRAFT

    def carry_out(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        approve_batch(batch=row, actor=actor, now=now)
        return gettext("{row} is approved.").format(row=row)


class Release(_BatchQuestion):
    title, submit = _("Release the file"), _("Release")
    explanation = _(
        "The file is created and stored: every download returns the same bytes. From now on the batch counts "
        "as sent. Payouts that cannot be written leave the batch and stay due. If the file was given to the "
        "bank before, do not give "
        "it again."
    )
    problems = True

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status in (Status.APPROVED, Status.SENT) and not has_file(row)

    def carry_out(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        released = release_batch(batch=row, actor=actor, now=now)
        left = left_words(
            [
                Left(gettext("{payout} of {affiliate}").format(payout=payout, affiliate=payout.affiliate), why)
                for payout, why in released.left_out
            ]
        )
        words = gettext("{row} is released: download its file and give it to the bank.").format(row=row)
        return gettext("{words} {left} They are still due.").format(words=words, left=left) if left else words


class PayAll(_BatchQuestion):
    title, submit = _("Mark all paid"), _("Mark all paid")
    explanation = _(
        "Books a payment for each payout in the batch's file that is still due. Nothing is paid twice. Payouts "
        "that the bank or wallet reports as on their way are left for its next answer."
    )
    reference = forms.CharField(
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The bank's or wallet's own reference of the batch."),
        label=_("Reference"),
    )

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status == Status.SENT and has_file(row) and _payable(row).exists()

    def warnings(self) -> list[str]:
        return [words for row in self.rows if (words := away_words(row))]

    def carry_out(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        done = pay_batch(batch=row, reference=self.cleaned_data["reference"], actor=actor, now=now)
        return f"{done} payouts of {row} are marked paid. {away_words(row)}".strip()


class Cancel(_BatchQuestion):
    title, submit, tone = _("Cancel the batch"), _("Cancel the batch"), "danger"
    explanation = _(
        "Its unpaid payouts are due again. If the file was given to the bank, make sure that it was refused."
    )
    note = note_field(required=True, help_text=_("Why, for your own records."))

    @classmethod
    def fits(cls, row: PayoutBatch) -> bool:
        return row.status != Status.CANCELLED

    def carry_out(self, row: PayoutBatch, *, actor: User, now: Any) -> str:
        free = cancel_batch(batch=row, actor=actor, note=self.cleaned_data["note"], now=now)
        return gettext("{row} is cancelled; {free} payouts are due again.").format(row=row, free=free)


class BankAnswer(ConfirmForm):
    """The bank's or wallet's answer as a file."""

    title, submit = _("Import the bank's answer"), _("Import")
    explanation = _(
        "A CSV with a line for each payout: payout (our ID, po_…), status, and where there are any reference, "
        "reason, amount, currency and batch. "
        "A payout that is unclaimed, pending or on hold is still on its way and books nothing. Lines that were "
        "imported before change nothing."
    )
    answer = forms.FileField(label=_("File"), widget=UnfoldAdminFileFieldWidget)

    def clean_answer(self) -> bytes:
        file = self.cleaned_data["answer"]
        if file.size > MAX_ANSWER:
            raise ValidationError(
                gettext("The file has more than {max_answer} MB; split it.").format(max_answer=MAX_ANSWER // 1_000_000)
            )
        return bytes(file.read())

    def perform(self, *, actor: User, now: Any) -> str:
        try:
            found = import_result(content=self.cleaned_data["answer"], actor=actor, now=now)
        except BatchRefused as error:
            raise ValidationError(str(error)) from error
        message = format_lazy(
            _("{paid} paid, {failed} failed, {returned} came back, {in_flight} under way, "),
            paid=found.paid,
            failed=found.failed,
            returned=found.returned,
            in_flight=found.in_flight,
        )
        message += format_lazy(_("{unchanged} known before."), unchanged=found.unchanged)
        if found.problems:
            shown = " ".join(found.problems[:20])
            raise ValidationError(
                format_lazy(
                    _("{message} {number_of_problems} lines could not be applied: {shown}"),
                    message=message,
                    number_of_problems=len(found.problems),
                    shown=shown,
                )
            )
        return message


def _payable(batch: PayoutBatch) -> "QuerySet[Payout]":
    return batch.payouts.filter(status=Payout.Status.DUE, in_flight="")


def away_words(batch: PayoutBatch) -> str:
    """`2 payouts, 40.00 EUR, are on their way: unclaimed, pending.` Empty for none."""
    away = list(batch.payouts.exclude(in_flight="").order_by("pk"))
    if not away:
        return ""
    statuses = ", ".join(sorted({payout.in_flight for payout in away}))
    return gettext("{sum} on the way by the bank's or wallet's own answer, neither paid nor back: {statuses}.").format(
        sum=_sum(away), statuses=statuses
    )


def problem_words(batch: PayoutBatch) -> list[str]:
    """Problems that prevent the batch's file, and payouts that finance should check, with counts and amounts."""
    return [_problem(words, payouts) for words, payouts in problems_of(batch)]


def _problem(words: str, payouts: Sequence[Payout]) -> str:
    if not payouts:
        return words
    names = ", ".join(f"{payout.affiliate} ({payout})" for payout in payouts[:10])
    more = (
        gettext(" and {number_of_payouts} more").format(number_of_payouts=len(payouts) - 10)
        if len(payouts) > 10
        else ""
    )
    return f"{_sum(payouts)} {words.rstrip('.')}: {names}{more}."


def _sum(payouts: Sequence[Payout]) -> str:
    money = totals(Worth("", [(payout.sent_amount, payout.sent_currency)]) for payout in payouts)
    words = ngettext("{number} payout, {money}:", "{number} payouts, {money}:", len(payouts))
    return words.format(number=len(payouts), money=money)
