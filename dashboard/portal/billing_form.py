"""The affiliate's form for the billing details on its invoices."""

from typing import Any

from django import forms

from payouts.invoicing.billing import BillingRefused, check_details
from payouts.models import BillingDetails
from records.translation import gettext_lazy as _


class BillingForm(forms.Form):
    """Billing details; the agreement to self-billing beside them as long as there is none."""

    party = forms.ChoiceField(
        label=_("You invoice as"),
        choices=BillingDetails.Party.choices,
        help_text=_("A business, including a sole trader, invoices with VAT or states why there is none."),
    )
    legal_name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("As it is registered, with the legal form: Ana Duarte Media, Lda."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=300,
        help_text=_("Street, postal code and town, on lines of their own."),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
    )
    country = forms.CharField(
        label=_("Country"),
        max_length=2,
        help_text=_("The country that taxes you: two letters, such as DE or GB."),
        widget=forms.TextInput(attrs={"autocomplete": "country", "autocapitalize": "characters"}),
    )
    vat_number = forms.CharField(
        label=_("VAT number"),
        required=False,
        max_length=30,
        help_text=_(
            "With the letters of your country. A business that charges VAT, or sells across borders in the EU, "
            "needs one."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    registration = forms.CharField(
        label=_("Registration"),
        required=False,
        max_length=80,
        help_text=_("Register and number of your company, where there is one."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    is_small_business = forms.BooleanField(
        label=_("Small business, exempt from VAT"),
        required=False,
        help_text=_("Only if your tax office treats you as one: your invoices then have no VAT and say why."),
    )
    agreed = forms.BooleanField(label=_("We agree to self-billing"), required=False)

    def __init__(
        self, data: Any = None, *, current: BillingDetails | None, asks_agreement: bool, **kwargs: Any
    ) -> None:
        initial = {name: getattr(current, name) for name in self.base_fields if hasattr(current, name)}
        super().__init__(data, initial=initial | kwargs.pop("initial", {}), **kwargs)
        if not asks_agreement:
            del self.fields["agreed"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_details(given)
            except BillingRefused as refused:
                for name, problem in refused.problems.items():
                    self.add_error(name, problem)
        return given
