"""The affiliate's form for its payout method: one set of fields per method, and the password."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from affiliates.models import User
from payouts.models import PayoutMethod
from payouts.paying.methods import FIELDS, NETWORKS, OPTIONAL, DetailsRefused, check
from records.translation import gettext_lazy as _

Kind = PayoutMethod.Kind
LABELS = {
    "holder": (_("Account holder"), _("As the bank knows it.")),
    "iban": (_("IBAN"), _("Starts with the two letters of the country; spaces do not matter.")),
    "bic": (_("BIC (SWIFT code)"), _("8 or 11 letters and digits.")),
    "account": (_("Account number or IBAN"), ""),
    "bank": (_("Name of the bank"), ""),
    "country": (_("Country of the bank"), _("Two letters, for example GB.")),
    "email": (_("E-mail of the account"), _("The address that you sign in there with.")),
    "asset": (_("Currency"), ""),
    "network": (_("Network"), _("Money that is sent over another network is lost.")),
    "address": (_("Address"), _("Copy it from your wallet; every character counts.")),
}


class PayoutMethodForm(forms.Form):
    """The details of one method. A user without a password (single sign-on) is not asked for one."""

    def __init__(self, kind: str, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.kind, self.user = kind, user
        for name in FIELDS[kind]:
            label, hint = LABELS[name]
            self.fields[name] = self._field(name, label, hint)
        if user.has_usable_password():
            self.fields["password"] = forms.CharField(
                label=gettext("Your password"),
                strip=False,
                help_text=gettext("So that no one at an unlocked screen can redirect your money."),
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            )

    def _field(self, name: str, label: str, hint: str) -> forms.Field:
        required = (Kind(self.kind), name) not in OPTIONAL
        if name == "asset":
            return forms.ChoiceField(label=label, choices=[(code, code) for code in NETWORKS])
        if name == "network":
            choices = sorted({network for networks in NETWORKS.values() for network in networks})
            return forms.ChoiceField(label=label, help_text=hint, choices=[(each, each.title()) for each in choices])
        attributes = {"autocomplete": "off", "spellcheck": "false"}
        return forms.CharField(
            label=label, help_text=hint, required=required, max_length=120, widget=forms.TextInput(attrs=attributes)
        )

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError(gettext("This is not your password."))
        return ""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check(self.kind, self.details)
            except DetailsRefused as refused:
                for name, problem in refused.problems.items():
                    self.add_error(name, problem)
        return given

    @property
    def details(self) -> dict[str, str]:
        return {name: self.cleaned_data.get(name, "") for name in FIELDS[self.kind]}
