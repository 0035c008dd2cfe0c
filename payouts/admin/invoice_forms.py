"""The panel's forms for writing invoices and for recording billing details."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from affiliates.models import Affiliate, User
from payouts.invoicing.billing import AgreementRefused, BillingRefused, agree, end_agreement, set_details
from payouts.invoicing.issue import Issued, NoIssuer, issue_by_hand
from payouts.invoicing.pending import not_invoiced, open_periods
from payouts.models import BillingDetails, SelfBillingAgreement, Statement
from records.money import format_money
from records.translation import format_lazy
from records.translation import gettext_lazy as _
from web.panel import ConfirmForm


def said_of(issued: Issued) -> str:
    """The run's result in a sentence. Raise `ValidationError` when missing data kept it from writing anything."""
    missing = sorted({words for some in issued.lacking.values() for words in some})
    left = (
        gettext("{number_of_lacking} waiting: {names}").format(
            number_of_lacking=len(issued.lacking), names=" ".join(missing)
        )
        if issued.lacking
        else ""
    )
    if issued.lacking and not issued.documents:
        raise ValidationError(gettext("Nothing was written. {left}").format(left=left))
    numbers = [each.number for each in issued.documents]
    shown = ", ".join(numbers[:5]) + (
        gettext(" and {number_of_numbers} more").format(number_of_numbers=len(numbers) - 5) if len(numbers) > 5 else ""
    )
    return (
        f"Wrote {shown}. {left}".strip() if numbers else gettext("There was nothing to write: everything is invoiced.")
    )


class WriteInvoices(ConfirmForm):
    """Invoices and credit notes for statements that have none."""

    title, submit = _("Write invoices"), _("Write them")
    explanation = _(
        "Each statement gets its invoice, and credit notes for what it corrects of earlier ones. They are numbered and "
        "cannot be changed afterwards. Their VAT is booked now and paid with the next payouts."
    )

    @classmethod
    def fits(cls, row: Statement) -> bool:
        return row.earned != 0 and not hasattr(row, "invoicing")

    def describe(self, row: Statement) -> str:
        return gettext("{affiliate} · earned {amount}").format(
            affiliate=row.affiliate, amount=format_money(row.earned, row.currency)
        )

    def perform(self, *, actor: User, now: datetime) -> str:
        try:
            return said_of(issue_by_hand(self.rows, now=now, actor=actor))
        except NoIssuer as error:
            raise ValidationError(str(error)) from error


class WriteInvoicesOfPeriod(ConfirmForm):
    """The same for all statements of a period."""

    title, submit = _("Write the invoices of a period"), _("Write them")
    explanation = WriteInvoices.explanation
    period = forms.ChoiceField(widget=UnfoldAdminSelectWidget, label=_("Period"))

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        self.fields["period"].choices = [  # type: ignore[attr-defined]
            (
                ends_at.isoformat(),
                gettext("until {astimezone:%Y-%m-%d}").format(astimezone=ends_at.astimezone(UTC) - timedelta(days=1)),
            )
            for ends_at in open_periods()
        ]
        if not self.fields["period"].choices:  # type: ignore[attr-defined]
            self.fields["period"].help_text = gettext("Everything is invoiced.")

    def perform(self, *, actor: User, now: datetime) -> str:
        ends_at = datetime.fromisoformat(self.cleaned_data["period"])
        try:
            return said_of(issue_by_hand(list(not_invoiced().filter(ends_at=ends_at)), now=now, actor=actor))
        except NoIssuer as error:
            raise ValidationError(str(error)) from error


class EnterBilling(ConfirmForm):
    """Billing details that an affiliate gave by letter or e-mail; it sees and can change them in its portal."""

    title, submit, permission = _("Billing details"), _("Put into force"), "payouts.add_billingdetails"
    explanation = _(
        "The supplier on the affiliate's invoices. Earlier details are kept, and existing invoices stay as "
        "they are. Record the agreement only when you have it."
    )
    party = forms.ChoiceField(
        choices=BillingDetails.Party.choices, widget=UnfoldAdminSelectWidget, label=_("Invoiced as")
    )
    legal_name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget, label=_("Legal name"))
    address = forms.CharField(max_length=300, widget=UnfoldAdminTextareaWidget({"rows": 3}), label=_("Address"))
    country = forms.CharField(
        max_length=2, widget=UnfoldAdminTextInputWidget, help_text=_("Two letters, such as DE."), label=_("Country")
    )
    vat_number = forms.CharField(
        max_length=30, required=False, widget=UnfoldAdminTextInputWidget, label=_("VAT number"),
        help_text=_("Its form and check digits are checked; whether it is registered is not."),
    )  # fmt: skip
    registration = forms.CharField(
        max_length=80, required=False, widget=UnfoldAdminTextInputWidget, label=_("Registration")
    )
    is_small_business = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, label=_("Small business, exempt from VAT")
    )
    agreed = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, label=_("It has agreed to self-billing")
    )
    note = forms.CharField(
        max_length=250, required=False, widget=UnfoldAdminTextInputWidget, label=_("How it agreed"),
        help_text=_("Needed with the agreement, for example: signed contract of 2026-03-01."),
    )  # fmt: skip

    def __init__(self, rows: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(rows, data, **kwargs)
        current = BillingDetails.objects.filter(affiliate=rows[0], replaced_at=None).first() if rows else None
        for name in ("party", "legal_name", "address", "country", "vat_number", "registration", "is_small_business"):
            self.fields[name].initial = getattr(current, name, None)
        if rows and current is None:
            self.fields["legal_name"].initial, self.fields["country"].initial = rows[0].name, rows[0].country
        if rows and SelfBillingAgreement.objects.filter(affiliate=rows[0], ended_at=None).exists():
            del self.fields["agreed"], self.fields["note"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("agreed") and not given.get("note"):
            self.add_error("note", gettext("Say how it agreed, as evidence for later."))
        return given

    def perform(self, *, actor: User, now: datetime) -> str:
        [affiliate] = self.rows
        try:
            set_details(affiliate=affiliate, given=self.cleaned_data, actor=actor, now=now)
            if self.cleaned_data.get("agreed"):
                agree(affiliate=affiliate, actor=actor, now=now, note=self.cleaned_data["note"])
        except BillingRefused as refused:
            raise ValidationError(refused.problems) from refused
        except AgreementRefused as error:
            raise ValidationError(str(error)) from error
        return format_lazy(_("The billing details of {affiliate} are in force."), affiliate=affiliate)


class EndAgreement(ConfirmForm):
    """An affiliate takes its agreement back."""

    title, submit, tone = _("End the agreement"), _("End it"), "danger"
    explanation = _("Existing invoices stay. No more are written until the affiliate agrees again.")

    @classmethod
    def fits(cls, row: SelfBillingAgreement) -> bool:
        return row.ended_at is None

    def describe(self, row: SelfBillingAgreement) -> str:
        return gettext("agreed on {agreed_at:%Y-%m-%d}").format(agreed_at=row.agreed_at)

    def perform(self, *, actor: User, now: datetime) -> str:
        affiliates: list[Affiliate] = [row.affiliate for row in self.rows]
        try:
            for affiliate in affiliates:
                end_agreement(affiliate=affiliate, actor=actor, now=now)
        except AgreementRefused as error:
            raise ValidationError(str(error)) from error
        return format_lazy(_("Ended: {names}."), names=", ".join(str(each) for each in affiliates))
