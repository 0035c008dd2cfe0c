"""A worked example as the panel asks for it: a card for each event, a row for each expected line."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from conversions.models import Goal
from payouts.admin.rows_field import RowsField, take_rows
from payouts.models import WorkedExample
from payouts.pricing.examples import EVENT, MONTH
from payouts.pricing.precedence import SUB_NAMES
from records.money import PLACES
from records.translation import gettext_lazy as _

# Stands for clicks among the codes of goals, which have no brackets.
CLICKS = "(clicks)"
CURRENCIES = [("", "–"), *((code, code) for code in sorted(PLACES))]


def _number(label: str) -> forms.DecimalField:
    widget = UnfoldAdminDecimalFieldWidget({"step": "any", "inputmode": "decimal"})
    return forms.DecimalField(required=False, max_digits=24, decimal_places=8, label=label, widget=widget)


def _whole(label: str, *, most: int, least: int = 0) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget
    return forms.IntegerField(required=False, min_value=least, max_value=most, label=label, widget=widget)


def _text(label: str, example: str = "", longest: int = 250) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget({"placeholder": example})
    return forms.CharField(required=False, max_length=longest, label=label, widget=widget)


def _choice(label: str, choices: Sequence[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(required=False, choices=choices, label=label, widget=UnfoldAdminSelectWidget)


def _event_columns(goals: Sequence[Goal]) -> dict[str, forms.Field]:
    codes = [("", "–"), *((goal.code, goal.name) for goal in goals), (CLICKS, gettext("Clicks of a day"))]
    return {
        "goal": _choice(gettext("What"), codes),
        "times": _whole(gettext("How many times"), least=1, most=5000),
        "revenue": _number(gettext("Revenue")),
        "currency": _choice(gettext("Currency"), CURRENCIES),
        "volume": _number(gettext("Lots, or clicks")),
        "on": _text(gettext("On"), "2026-10-03"),
        "customer": _text(gettext("Customer"), "A"),
        "customer_since": _text(gettext("Customer since"), "2026-01-31"),
        "country": _text(gettext("Country"), "DE", 2),
        "subs": _text(gettext("Sub IDs"), "sub1=fb", 500),
        "deductions": _text(gettext("Deductions"), "bonus=200, fees=5", 500),
        "history": forms.BooleanField(required=False, label=_("Only went before"), widget=UnfoldBooleanSwitchWidget),
    }


def _line_columns() -> dict[str, forms.Field]:
    return {
        "part": _text(gettext("Event, or month"), "1"),
        "rule": _whole(gettext("Rule"), least=1, most=1000),
        "amount": _number(gettext("Amount")),
        "currency": _choice(gettext("Currency"), CURRENCIES),
        "to": _whole(gettext("To the parent of level"), most=10),
    }


class ExampleForm(forms.Form):
    """A worked example, filled in cell by cell; `key` names its fields in what is posted."""

    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget, label=_("What happens"))
    by = forms.ChoiceField(choices=WorkedExample.By.choices, widget=UnfoldAdminSelectWidget, label=_("Lines by"))

    def __init__(
        self, key: str, goals: Sequence[Goal], data: Any = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix=f"example-{key}", initial=dict(initial or {}))
        self.key = key
        self.fields["events"] = RowsField(
            _event_columns(goals),
            event_of,
            is_in_cards=True,
            required=True,
            help_text=_("In the order in which they happen. Without a day an event happens as the version begins."),
        )
        self.fields["expected"] = RowsField(
            _line_columns(), dict, help_text=_("Lines by event count events from 1; lines by month name it: 2026-10.")
        )
        take_rows(self)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "expected" in given and "by" in given:
            lines, problems = [], []
            for number, row in enumerate(given["expected"], 1):
                try:
                    lines.append(line_of(row, given["by"]))
                except ValueError as error:
                    problems.append(gettext("Row {number}: {error}").format(number=number, error=error))
            given["expected"] = lines
            if problems:
                self.add_error("expected", problems)
        return given

    def example(self) -> WorkedExample:
        given = self.cleaned_data
        return WorkedExample(name=given["name"], by=given["by"], events=given["events"], expected=given["expected"])


def event_of(row: Mapping[str, str]) -> dict[str, Any]:
    """The event as a version stores it (`payouts.plans.examples`). Raise `ValueError` for what it cannot be."""
    if not row["goal"]:
        raise ValueError(gettext("Say what happens: a goal, or clicks."))
    same = ("revenue", "currency", "country", "customer", "customer_since", "on")
    event: dict[str, Any] = {name: row[name] for name in same if row[name]}
    if row["goal"] == CLICKS:
        if not row["volume"].isdecimal():
            raise ValueError(gettext("Say how many clicks, as a whole number."))
        event["clicks"] = int(row["volume"])
    else:
        event |= {"goal": row["goal"]} | ({"volume": row["volume"]} if row["volume"] else {})
    event |= {name: found for name in ("subs", "deductions") if (found := _pairs(row[name]))}
    if unknown := event.get("subs", {}).keys() - set(SUB_NAMES):
        raise ValueError(
            gettext("Sub IDs are {names}; {names_2} is none of them.").format(
                names=", ".join(SUB_NAMES), names_2=", ".join(sorted(unknown))
            )
        )
    event |= {"times": int(row["times"])} if row["times"] not in ("", "1") else {}
    return event | ({"history": True} if row["history"] else {})


def _pairs(text: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in text.split(",") if each.strip()]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise ValueError(gettext("“{text}” is not understood; write for example: bonus=200, fees=5.").format(text=text))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _pairs_text(pairs: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (pairs or {}).items())


def line_of(row: Mapping[str, str], by: str) -> dict[str, Any]:
    """The expected line as a version stores it. Raise `ValueError` for what it cannot be."""
    if not row["amount"] or not row["currency"]:
        raise ValueError(gettext("Say how much, and in which currency."))
    if by == EVENT and not (row["part"] or "1").isdecimal():
        raise ValueError(
            gettext("Say which event, counted from 1; “{row}” is no whole number.").format(row=row["part"])
        )
    part = {MONTH: row["part"]} if by == MONTH else {EVENT: int(row["part"] or 1)}
    rest = {"rule": int(row["rule"] or 1), "to": int(row["to"] or 0)}
    return {**part, **rest, "amount": row["amount"], "currency": row["currency"]}


def initial_of_example(row: WorkedExample) -> dict[str, Any]:
    """Initial form data for an existing example."""
    events = [_cells_of_event(event) for event in row.events]
    return {"name": row.name, "by": row.by, "events": events, "expected": cells_of_lines(row.expected)}


def _cells_of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    pairs = {name: _pairs_text(event.get(name)) for name in ("subs", "deductions")}
    clicks = {"goal": CLICKS, "volume": str(event["clicks"])} if event.get("clicks") else {}
    return {**event, **pairs, **clicks}


def cells_of_lines(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Expected lines as the cells of their rows; the affiliate itself is no level."""
    return [{**line, "part": line.get(MONTH, line.get(EVENT, 1)), "to": line.get("to") or ""} for line in lines]


def problems_of_form(form: forms.Form) -> list[str]:
    """The form's errors, each with the name of its field."""
    found: list[str] = []
    for name, errors in form.errors.items():
        label = "" if name == "__all__" else f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: "
        found += [f"{label}{error}" for error in errors]
    return found
