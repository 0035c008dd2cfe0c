"""Worked examples as an operator fills them in, cell by cell."""

from typing import Any

import pytest

from conversions.models import Goal
from payouts.admin.example_form import CLICKS, ExampleForm, event_of, initial_of_example, problems_of_form
from payouts.models import WorkedExample
from tests.payouts.plans.test_version_editor import typed

EVENTS: list[dict[str, Any]] = [
    {"history": True, "times": 9, "goal": "ftd"},
    {
        "times": 12, "goal": "deposit", "revenue": "80", "currency": "EUR", "country": "DE", "subs": {"sub1": "fb"},
        "customer": "A", "customer_since": "2026-01-31", "deductions": {"bonus": "200", "card fees": "5.50"},
        "on": "2026-10-03",
    },
    {"goal": "trade", "volume": "2.5"},
    {"clicks": 340, "country": "AT"},
    {"goal": "ftd", "revenue": "-5", "currency": "EUR"},
]  # fmt: skip
EXPECTED = [
    {"event": 2, "rule": 2, "to": 0, "amount": "120", "currency": "EUR"},
    {"event": 2, "rule": 1, "to": 1, "amount": "-6.5", "currency": "EUR"},
]
GOALS = [Goal(code=code, name=code.capitalize()) for code in ("ftd", "deposit", "trade")]


def form(**cells: Any) -> ExampleForm:
    given = {"name": "A player", "by": "event", "events": [{"goal": "ftd"}], **cells}
    return ExampleForm("e1", GOALS, typed("example-e1", given))


def test_what_is_stored_is_shown_and_read_again_without_loss() -> None:
    row = WorkedExample(name="A player", by="event", events=EVENTS, expected=EXPECTED)
    again = form(**initial_of_example(row))
    assert again.is_valid(), problems_of_form(again)
    assert (again.example().events, again.example().expected) == (EVENTS, EXPECTED)
    month = [{"month": "2026-10", "rule": 1, "to": 0, "amount": "-3", "currency": "EUR"}]
    row = WorkedExample(name="A player", by="month", events=EVENTS, expected=month)
    again = form(**initial_of_example(row))
    assert again.is_valid(), problems_of_form(again)
    assert again.example().expected == month


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"revenue": "80"}, "Say what happens: a goal, or clicks."),
        ({"goal": "gift"}, "What: Select a valid choice. gift is not one of the available choices."),
        ({"goal": CLICKS, "volume": "1.5"}, "Say how many clicks, as a whole number."),
        ({"goal": "ftd", "times": "0"}, "How many times: Ensure this value is greater than or equal to 1."),
        ({"goal": "ftd", "subs": "sub9=x"}, "Sub IDs are sub1, sub2, sub3, sub4, sub5; sub9 is none of them."),
        ({"goal": "ftd", "deductions": "bonus"}, "“bonus” is not understood; write for example: bonus=200, fees=5."),
    ],
)  # fmt: skip
def test_names_the_row_and_what_is_wrong_with_it(row: dict[str, str], problem: str) -> None:
    assert problems_of_form(form(events=[row])) == [f"Events: Row 1: {problem}"]


def test_an_example_needs_an_event() -> None:
    assert problems_of_form(form(events=[{"goal": ""}])) == ["Events: This field is required."]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"part": "1", "amount": "5"}, "Say how much, and in which currency."),
        ({"part": "2026-10", "amount": "5", "currency": "EUR"}, "“2026-10” is no whole number."),
        ({"part": "1", "amount": "much", "currency": "EUR"}, "Amount: Enter a number."),
    ],
)
def test_names_the_expected_line_and_what_is_wrong_with_it(cells: dict[str, str], problem: str) -> None:
    [found] = problems_of_form(form(expected=[cells]))
    assert found.startswith("Expected: Row 1: ")
    assert problem in found


def test_every_cell_of_an_event_is_read() -> None:
    columns = form().fields["events"].columns
    assert event_of({**dict.fromkeys(columns, ""), "goal": "ftd"}) == {"goal": "ftd"}
