"""Forms of API keys in the portal."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext

from affiliates.models import ApiKey
from affiliates.roles.scopes import OF_AFFILIATES
from records.addresses import validate_network
from records.translation import gettext_lazy as _


class AddressesField(forms.CharField):
    """Addresses and networks, separated by commas, spaces or lines."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=2_000,
            label=_("Allowed addresses"),
            help_text=_("Addresses or networks that may use the key, such as 203.0.113.0/24. Empty: any."),
            widget=forms.TextInput(attrs={"placeholder": "203.0.113.7, 198.51.100.0/24"}),
            **kwargs,
        )

    def clean(self, value: Any) -> list[str]:
        given = super().clean(value).replace(",", " ").split()
        for each in given:
            validate_network(each)
        return list(dict.fromkeys(given))


class ApiKeyForm(forms.Form):
    """A key of a member: its scopes are those that an affiliate can use."""

    name = forms.CharField(
        max_length=60,
        help_text=_("What it is used for, so that you know later which one to revoke."),
        widget=forms.TextInput(attrs={"placeholder": _("Nightly report")}),
        label=_("Name"),
    )
    scopes = forms.MultipleChoiceField(
        choices=[(each.code, each.title) for each in OF_AFFILIATES],
        initial=[each.code for each in OF_AFFILIATES],
        widget=forms.CheckboxSelectMultiple({"class": "form-check-input"}),
        label=_("May"),
        error_messages={"required": _("Tick at least one: a key without a scope can do nothing.")},
    )
    expires_on = forms.DateField(
        required=False,
        label=_("Last day"),
        help_text=_("Empty: it does not expire."),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    addresses = AddressesField()

    @classmethod
    def of(cls, key: ApiKey, data: Any = None) -> "ApiKeyForm":
        """The form of a key that exists."""
        last = timezone.localtime(key.expires_at - timedelta(seconds=1)).date() if key.expires_at else None
        known = {"name": key.name, "scopes": key.scopes, "expires_on": last, "addresses": ", ".join(key.addresses)}
        return cls(data, initial=known)

    def clean_expires_on(self) -> date | None:
        given: date | None = self.cleaned_data["expires_on"]
        if given and given < timezone.localdate():
            raise forms.ValidationError(gettext("This day is over. Choose a later one, or leave it empty."))
        return given

    @property
    def settings(self) -> dict[str, Any]:
        """What the form says about the key, as its fields store it. A key is valid to the end of its last day."""
        given = dict(self.cleaned_data)
        last = given.pop("expires_on")
        ends = timezone.make_aware(datetime.combine(last + timedelta(days=1), time())) if last else None
        return {**given, "expires_at": ends}


class RotateKeyForm(forms.Form):
    """How long the old secret stays valid."""

    keep_hours = forms.TypedChoiceField(
        choices=[(24, _("a day")), (1, _("an hour")), (168, _("a week")), (0, _("not at all"))],
        coerce=int,
        label=_("The old secret stays valid for"),
    )
