"""The affiliate's form against a rejection."""

from django import forms
from django.core.validators import URLValidator

from records.translation import format_lazy
from records.translation import gettext_lazy as _

SHORTEST = 15


class WebAddressField(forms.URLField):
    """An address of a page; nothing but http and https, which an operator may follow."""

    default_validators = [URLValidator(schemes=["http", "https"])]  # noqa: RUF012


class AppealForm(forms.Form):
    """The affiliate's appeal text, and a link to evidence."""

    words = forms.CharField(
        label=_("What is wrong with the rejection?"),
        min_length=SHORTEST,
        max_length=1000,
        help_text=_("The operator reads it. Name dates, amounts or order numbers; no personal data of customers."),
        error_messages={
            "min_length": format_lazy(
                _("Write at least {shortest} characters: the operator has only this text."), shortest=SHORTEST
            )
        },
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    evidence_url = WebAddressField(
        label=_("Link to evidence"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=_("Optional: a screenshot or a document, at an address that the operator can open."),
        widget=forms.URLInput(attrs={"placeholder": "https://", "inputmode": "url", "autocomplete": "off"}),
    )

    def clean_words(self) -> str:
        """One text without control characters but for its lines."""
        text = str(self.cleaned_data["words"]).replace("\r\n", "\n").strip()
        return "".join(letter for letter in text if letter == "\n" or letter.isprintable())
