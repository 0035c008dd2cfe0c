"""Forms of the operator panel for corrections, closing and paying."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
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
from web.panel import ConfirmForm
from web.panel.confirm import note_field

CURRENCIES = [(code, code) for code in sorted(PLACES)]


class AdjustAffiliate(ConfirmForm):
    """A correction of an affiliate's account, as a line of its own."""

    title, submit = "Book an adjustment", "Book"
    explanation = "A line is added to the ledger; nothing before it changes. The affiliate reads the explanation."
    amount = forms.DecimalField(
        max_digits=24,
        decimal_places=8,
        widget=UnfoldAdminDecimalFieldWidget({"step": "any"}),
        help_text="Above zero in the affiliate's favour, below zero against it.",
    )
    currency = forms.ChoiceField(choices=CURRENCIES, widget=UnfoldAdminSelectWidget)
    arithmetic = note_field(
        required=True,
        label="Explanation",
        help_text="Why, in plain words. Your name is stored beside it; the affiliate does not see it.",
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
        # The history of the affiliate's page has it, which needs no permission to see commission.
        return f"Booked an adjustment in {given['currency']}; amount and explanation stand in the ledger."


class ClosePeriod(ConfirmForm):
    """Statements for everybody up to a day."""

    title, submit = "Close a period", "Close the period"
    explanation = (
        "Every affiliate with new ledger lines gets a statement per currency up to the end of the period, and a payout "
        "for what is due. Statements cannot be changed or withdrawn; corrections go into the next period."
    )
    asked: PeriodClose | None = None
    ends_on = forms.DateField(
        label="Ends before",
        widget=UnfoldAdminSingleDateWidget,
        help_text="The first day that is no longer in the period; it ends at midnight UTC.",
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
                return f"Nothing to close: no ledger line before {day:%Y-%m-%d} lacks a statement."
            self.asked = ask_close(ends_at=ends_at, actor=actor, now=now)
        except PeriodRefused as error:
            raise ValidationError(str(error)) from error
        return f"The period before {day:%Y-%m-%d} is going to be closed; this page shows how far it is."


class CloseAgain(ConfirmForm):
    """A close that failed: go on after what it closed."""

    title, submit = "Go on with the close", "Go on"
    explanation = (
        "What is closed stays as it is; only what is left is tried again. First fix what stopped it: the close names "
        "the affiliates, and what to do."
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
        return "The close goes on; this page shows how far it is."


class MarkPaid(ConfirmForm):
    """Payouts were sent: book the payments."""

    title, submit = "Mark paid", "Mark paid"
    explanation = "The payment is booked to the affiliate's ledger. A payout can be paid once only."
    reference = forms.CharField(
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text="The bank's or wallet's own reference; for several payouts that of the batch.",
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
                f"Nothing was changed: {', '.join(paid[:5])} {'was' if len(paid) == 1 else 'were'} paid before."
            )
        return super().clean() or self.cleaned_data

    def perform(self, *, actor: User, now: datetime) -> str:
        reference = self.cleaned_data["reference"]
        done = 0
        for row in self.rows:
            try:
                mark_paid(payout=row, reference=reference, actor=actor, now=now)
            except (AlreadyPaid, ReferenceRefused) as error:
                before = f"{_counted(done, 'payout')} before it {'is' if done == 1 else 'are'} marked. " if done else ""
                raise ValidationError(f"{before}{error}") from error
            done += 1
        return f"{_counted(done, 'payout')} marked paid, reference {reference}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
