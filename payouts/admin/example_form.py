"""A worked example as the panel asks for it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from payouts.models import WorkedExample
from payouts.plans.example_text import events_from_text, expected_from_text, text_of_events, text_of_expected
from payouts.plans.examples import ExampleRefused


class ExampleForm(forms.Form):
    """A worked example, typed line by line."""

    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget, label="What happens")
    by = forms.ChoiceField(choices=WorkedExample.By.choices, widget=UnfoldAdminSelectWidget, label="Lines by")
    events = forms.CharField(
        max_length=4000,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="One in each line, by the goal's code: “before 9 × ftd”, “deposit 80 EUR from DE, customer A, "
        "on 2026-10-03, less bonus 20”, “340 clicks”.",
    )
    expected = forms.CharField(
        required=False,
        max_length=4000,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="One in each line: “event 1, rule 2: 120.00 EUR”, “2026-10, rule 1: 60 EUR to level 1”.",
    )

    def __init__(self, key: str, data: Any = None, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=f"example-{key}", initial=dict(initial or {}))
        self.key = key

    def clean_events(self) -> list[dict[str, Any]]:
        try:
            return events_from_text(self.cleaned_data["events"])
        except ExampleRefused as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "expected" in given and "by" in given:
            try:
                given["expected"] = expected_from_text(given["expected"], given["by"])
            except ExampleRefused as error:
                self.add_error("expected", str(error))
        return given

    def example(self) -> WorkedExample:
        given = self.cleaned_data
        return WorkedExample(name=given["name"], by=given["by"], events=given["events"], expected=given["expected"])


def initial_of_example(row: WorkedExample) -> dict[str, str]:
    """What the form shows of an example that is there."""
    return {
        "name": row.name,
        "by": row.by,
        "events": text_of_events(row.events),
        "expected": text_of_expected(row.expected),
    }


def faults_of_form(form: forms.Form) -> list[str]:
    """What is wrong with a form, each with the name of its field."""
    found: list[str] = []
    for name, errors in form.errors.items():
        label = "" if name == "__all__" else f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: "
        found += [f"{label}{error}" for error in errors]
    return found
