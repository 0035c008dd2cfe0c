"""The form of a mapping: a row for each of our fields, with each error at its field."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from conversions.dialects.answers import VALUES, native_answer
from conversions.dialects.dialect import Dialect
from conversions.dialects.mapping import NAMES
from conversions.dialects.rules import FIXED, MappingProblem, problems
from conversions.dialects.table import BY_NAME, DIALECTS
from conversions.models import SenderMapping
from conversions.models.mappings import NATIVE, OWN
from records.translation import format_lazy
from records.translation import gettext_lazy as _

LONGEST = 30_000
LABELS = {
    "click_id": _("Click ID"),
    "txid": _("Transaction ID"),
    "event_type": _("Goal"),
    "revenue": _("Revenue"),
    "payout": _("Payout"),
    "currency": _("Currency"),
    "status": _("Status"),
    "timestamp": _("Time"),
    "customer_id": _("Customer"),
    "coupon": _("Coupon code"),
    "volume": _("Volume"),
    "refund": _("Refund"),
    "refund_id": _("Refund ID"),
    "bonus": _("Bonus"),
    "winnings": _("Winnings"),
    "chargebacks": _("Chargebacks"),
    "fees": _("Fees"),
    "tax": _("Tax"),
}
HELP = {
    "click_id": _("The sender's names for it, separated by spaces; the first one that was sent is used."),
    "txid": _("Identifies the event: without it, a click counts once for each goal."),
    "event_type": _("The sender's words for goals are translated below."),
    "revenue": _("What the customer paid: the advertiser's income."),
    "payout": _("The commission, where the sender names it."),
    "refund": _("The amount refunded to the customer of the sale with this transaction ID."),
}
PLACES = ", ".join(f"{{{name}}}" for name in VALUES)


def names_field(ours: str) -> str:
    return f"names_{ours}"


def fixed_field(ours: str) -> str:
    return f"fixed_{ours}"


def _parameters() -> dict[str, forms.Field]:
    """For each of our fields the sender's names, and the value if none is sent."""
    made: dict[str, forms.Field] = {}
    for ours, label in LABELS.items():
        made[names_field(ours)] = forms.CharField(
            required=False,
            max_length=700,
            label=label,
            help_text=HELP.get(ours, ""),
            widget=UnfoldAdminTextInputWidget({"spellcheck": "false"}),
        )
        if ours in FIXED:
            made[fixed_field(ours)] = forms.CharField(
                required=False,
                max_length=100,
                label=_("If none is sent"),
                help_text=_("If no name is given beside it, every event gets this value."),
                widget=UnfoldAdminTextInputWidget(),
            )
    return made


def _words_field(label: str, help_text: str) -> forms.CharField:
    widget = UnfoldAdminTextareaWidget({"rows": 4, "spellcheck": "false"})
    return forms.CharField(required=False, max_length=LONGEST, label=label, help_text=help_text, widget=widget)


def answer_choices() -> list[tuple[str, str]]:
    """Our own answer, the operator's bodies, and every platform that has an answer of its own."""
    presets = [
        (each.name, gettext("As {title} answers").format(title=each.title))
        for each in DIALECTS
        if each.answers is not native_answer
    ]
    return [
        (NATIVE, gettext("As Affidavit answers: JSON with every problem")),
        (OWN, gettext("With the bodies below")),
        *presets,
    ]


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]
    words_status = _words_field(
        _("Words for the status"),
        _("One a line: their word = pending, approved or rejected. Words that are not listed are used as they are."),
    )
    words_goal = _words_field(
        _("Words for goals"),
        _("One a line: their word = the code of a goal; with nothing after the = it is the advertiser's default goal."),
    )
    token_names = forms.CharField(
        required=False,
        max_length=700,
        label=_("Names of the token"),
        help_text=_("In addition to token, the bearer and the address, which are always checked."),
        widget=UnfoldAdminTextInputWidget({"spellcheck": "false"}),
    )
    answers_as = forms.ChoiceField(choices=answer_choices, label=_("Answers"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = SenderMapping
        fields = (
            *("slug", "name", "advertiser", "is_active", "minor_units", "adds_lists", "time_format", "time_zone"),
            *("answers_as", "content_type", "taken_body", "duplicate_body", "refused_body", "refused_status"),
        )
        help_texts = {
            "time_format": _(
                "As for strptime: %d.%m.%Y %H:%M. Empty: ISO 8601, or seconds or milliseconds since 1970."
            ),
            "time_zone": _("For times without an offset: UTC, Europe/Berlin …"),
            "taken_body": format_lazy(
                _("In braces: {places}, and {{sent.NAME}} for a parameter as it was sent."), places=PLACES
            ),
        }
        widgets = {
            name: UnfoldAdminTextareaWidget({"rows": 3, "spellcheck": "false"})
            for name in ("taken_body", "duplicate_body", "refused_body")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial = {**shown_parts(self.instance), **self.initial}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        row = self.instance
        read = {ours: _split(given.get(names_field(ours), "")) for ours in LABELS}
        row.names = {ours: names for ours, names in read.items() if names}
        fixed = {ours: given.get(fixed_field(ours), "").strip() for ours in FIXED}
        row.defaults = {ours: _as_ours(ours, value) for ours, value in fixed.items() if value}
        row.tokens = _split(given.get("token_names", ""))
        row.statuses = self._words("words_status", given)
        row.goals = self._words("words_goal", given)
        return given

    def _words(self, field: str, given: dict[str, Any]) -> dict[str, str]:
        """The words of a text, one `theirs = ours` per line."""
        words: dict[str, str] = {}
        for number, line in enumerate(given.get(field, "").splitlines(), 1):
            theirs, mark, ours = line.rpartition("=")
            theirs = theirs.strip().lower()
            if not line.strip():
                continue
            if not mark or not theirs:
                self.add_error(field, gettext("Line {number}: write their word = ours.").format(number=number))
            elif theirs in words:
                self.add_error(
                    field, gettext("Line {number}: {theirs} appears twice.").format(number=number, theirs=theirs[:60])
                )
            else:
                words[theirs] = ours.strip().lower()
        return words

    def _post_clean(self) -> None:
        """Validate the row as it would be saved."""
        super()._post_clean()  # type: ignore[misc]
        for problem in problems(self.instance):
            field = self._field_of(problem)
            named = field if field in self.fields else None
            if named is None or named not in self.errors or problem.key:
                self.add_error(named, ValidationError(problem.message))

    @staticmethod
    def _field_of(problem: MappingProblem) -> str:
        if problem.field == "names":
            return names_field(problem.key)
        if problem.field == "defaults":
            return fixed_field(problem.key)
        return {"statuses": "words_status", "goals": "words_goal", "tokens": "token_names"}.get(
            problem.field, problem.field
        )


MappingForm.declared_fields.update(_parameters())
MappingForm.base_fields.update(_parameters())


def _split(text: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", text) if name]


def _as_ours(ours: str, value: str) -> str:
    """A value as intake writes it: currency codes in capitals, goals and statuses in small letters."""
    if ours == "currency":
        return value.upper()
    return value.lower() if ours in ("event_type", "status") else value


def shown_parts(row: SenderMapping) -> dict[str, Any]:
    """The row's tables of names and words as the form shows them."""
    return {
        **{names_field(ours): " ".join(names) for ours, names in row.names.items()},
        **{fixed_field(ours): value for ours, value in row.defaults.items()},
        "words_status": _lines(row.statuses),
        "words_goal": _lines(row.goals),
        "token_names": " ".join(row.tokens),
    }


def _lines(words: dict[str, str]) -> str:
    return "\n".join(f"{theirs} = {ours}" for theirs, ours in words.items())


def started_from(preset: str) -> dict[str, Any]:
    """The initial values of a mapping based on a platform's; none if there is no such platform."""
    found: Dialect | None = BY_NAME.get(preset)
    if found is None:
        return {}
    mapping = found.mapping
    like = SenderMapping(
        names={ours: list(names) for ours, names in mapping.fields.items() if ours in NAMES},
        defaults=dict(mapping.defaults),
        statuses=dict(mapping.statuses),
        goals=dict(mapping.goals),
        tokens=list(mapping.tokens),
    )
    return {
        **shown_parts(like),
        "name": found.title,
        "minor_units": mapping.minor_units,
        "adds_lists": bool(mapping.sums),
        "answers_as": NATIVE if found.answers is native_answer else found.name,
    }
