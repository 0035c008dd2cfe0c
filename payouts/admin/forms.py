"""Forms of the operator panel for corrections, closing and paying."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import ngettext
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from affiliates.models import Affiliate, User
from payouts.ledger.booking import AdjustmentRefused, adjust
from payouts.models import Payout, PeriodClose
from payouts.paying.payments import AlreadyPaid, ReferenceRefused, mark_paid
from payouts.statements.closing import ask_close
from payouts.statements.statements import PeriodRefused, check_period, to_close
from records.money import PLACES, format_money
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ConfirmForm
from web.panel.confirm import note_field

CURRENCIES = [(code, code) for code in sorted(PLACES)]


class AdjustAffiliate(ConfirmForm):
    """A correction of an affiliate's account, as a line of its own."""

    title, submit, permission = _("Book an adjustment"), _("Book"), "payouts.add_ledgerentry"
    explanation = _("A line is added to the ledger; nothing before it changes. The affiliate reads the explanation.")
    amount = forms.DecimalField(
        max_digits=24,
        decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget({"step": "any"}),
        help_text=_("Above zero in the affiliate's favour, below zero against it."),
        label=_("Amount"),
    )
    currency = forms.ChoiceField(choices=CURRENCIES, widget=UnfoldAdminSelectWidget, label=_("Currency"))
    arithmetic = note_field(
        required=True,
        label=_("Explanation"),
        help_text=_("Why, in plain words. Your name is stored beside it; the affiliate does not see it."),
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["currency"].initial = rows[0].currency if rows else "EUR"

    @classmethod
    def fits(cls, row: Affiliate) -> bool:
        return True

    def perform(self, *, actor: User, now: datetime) -> str:
        given = self.cleaned_data
        try:
            for row in self.rows:
                adjust(affiliate=row, actor=actor, now=now, **given)
        except AdjustmentRefused as error:
            raise ValidationError(str(error)) from error
        # It is shown in the history of the affiliate's page, which needs no permission to view commission.
        return format_lazy(
            _("Booked an adjustment in {given}; the ledger has the amount and the explanation."),
            given=given["currency"],
        )


class ClosePeriod(ConfirmForm):
    """Statements for all affiliates up to a day."""

    title, submit = _("Close a period"), _("Close the period")
    explanation = _(
        "Every affiliate with new ledger lines gets a statement per currency up to the end of the period, and a payout "
        "for what is due. Statements cannot be changed or withdrawn; corrections go into the next period."
    )
    asked: PeriodClose | None = None
    ends_on = forms.DateField(
        label=_("Ends before"),
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("The first day that is no longer in the period; it ends at midnight UTC."),
    )

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["ends_on"].initial = timezone.now().astimezone(UTC).date().replace(day=1)

    def perform(self, *, actor: User, now: datetime) -> str:
        day: date = self.cleaned_data["ends_on"]
        ends_at = datetime.combine(day, time(), UTC)
        try:
            check_period(ends_at, now)
            if not to_close(ends_at):
                return format_lazy(
                    _("Nothing to close: no ledger line before {day:%Y-%m-%d} lacks a statement."), day=day
                )
            self.asked = ask_close(ends_at=ends_at, actor=actor, now=now)
        except PeriodRefused as error:
            raise ValidationError(str(error)) from error
        return format_lazy(_("The period before {day:%Y-%m-%d} will be closed; this page shows the progress."), day=day)


class CloseAgain(ConfirmForm):
    """Continue a failed close with the accounts that are left."""

    title, submit = _("Go on with the close"), _("Go on")
    explanation = _(
        "Closed accounts stay as they are; only the remaining ones are tried again. First fix the cause: the "
        "close lists the affiliates and what to do."
    )
    asked: PeriodClose | None = None

    @classmethod
    def fits(cls, row: PeriodClose) -> bool:
        return row.state == PeriodClose.State.FAILED

    def describe(self, row: PeriodClose) -> str:
        return row.error

    def perform(self, *, actor: User, now: datetime) -> str:
        [row] = self.rows
        try:
            self.asked = ask_close(ends_at=row.ends_at, actor=actor, now=now)
        except PeriodRefused as error:
            raise ValidationError(str(error)) from error
        return _("The close continues; this page shows its progress.")


class MarkPaid(ConfirmForm):
    """Payouts were sent: book the payments."""

    title, submit = _("Mark paid"), _("Mark paid")
    explanation = _("The payment is booked to the affiliate's ledger. A payout can be paid only once.")
    reference = forms.CharField(
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The bank's or wallet's own reference; for several payouts that of the batch."),
        label=_("Reference"),
    )

    @classmethod
    def fits(cls, row: Payout) -> bool:
        return row.status == Payout.Status.DUE

    def describe(self, row: Payout) -> str:
        return f"{row.affiliate} · {format_money(row.amount, row.currency)} · {row.get_status_display()}"

    def clean(self) -> dict[str, Any]:
        paid = [row.public_id for row in self.rows if row.status == Payout.Status.PAID]
        if paid:
            raise ValidationError(
                ngettext(
                    "Nothing was changed: {names} was paid before.",
                    "Nothing was changed: {names} were paid before.",
                    len(paid),
                ).format(names=", ".join(paid[:5]))
            )
        return super().clean() or self.cleaned_data

    def perform(self, *, actor: User, now: datetime) -> str:
        reference = self.cleaned_data["reference"]
        done = 0
        for row in self.rows:
            try:
                mark_paid(payout=row, reference=reference, actor=actor, now=now)
            except (AlreadyPaid, ReferenceRefused) as error:
                before = (
                    ngettext(
                        "{number} payout before it is marked. ", "{number} payouts before it are marked. ", done
                    ).format(number=done)
                    if done
                    else ""
                )
                raise ValidationError(f"{before}{error}") from error
            done += 1
        return format_lazy(
            _("{counted} marked paid, reference {reference}."), counted=_counted(done, "payout"), reference=reference
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
