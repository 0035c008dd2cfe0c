"""Worked examples as an operator types them."""

import pytest

from payouts.plans.example_text import events_from_text, expected_from_text, text_of_events, text_of_expected
from payouts.plans.examples import ExampleRefused

EVENTS = """\
before 9 × ftd
12 × deposit 80 EUR, from DE, sub1=fb, customer A since 2026-01-31, less bonus 200, less card fees 5.50, on 2026-10-03
trade, 2.5 lots
340 clicks, from AT"""
READ = [
    {"history": True, "times": 9, "goal": "ftd"},
    {
        "times": 12, "goal": "deposit", "revenue": "80", "currency": "EUR", "country": "DE", "subs": {"sub1": "fb"},
        "customer": "A", "customer_since": "2026-01-31", "deductions": {"bonus": "200", "card fees": "5.50"},
        "on": "2026-10-03",
    },
    {"goal": "trade", "volume": "2.5"},
    {"clicks": 340, "country": "AT"},
]  # fmt: skip


def test_reads_events_line_by_line() -> None:
    assert events_from_text(EVENTS) == READ


def test_writes_what_it_reads() -> None:
    assert text_of_events(READ) == EVENTS
    assert events_from_text(text_of_events(READ)) == READ


def test_takes_what_people_type() -> None:
    typed = "\n  3x deposit of 19.99 eur from de\n\nBefore: ftd -5 EUR\n"
    assert events_from_text(typed) == [
        {"times": 3, "goal": "deposit", "revenue": "19.99", "currency": "EUR", "country": "de"},
        {"history": True, "goal": "ftd", "revenue": "-5", "currency": "EUR"},
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("deposit 80 EUR\ndeposit for free", "event 2: “for free” is not understood; write for example: 3 ×"),
        ("Deposit!", "event 1: “Deposit!” does not begin with a goal's code"),
        ("deposit 80 EUR from Germany", "event 1: “from Germany” is not understood"),
    ],
)
def test_names_what_it_does_not_understand(text: str, fault: str) -> None:
    with pytest.raises(ExampleRefused) as refused:
        events_from_text(text)
    assert fault in str(refused.value)


def test_reads_and_writes_expected_lines() -> None:
    text = "event 1, rule 2: 120.00 EUR\nevent 2, rule 1: 6 EUR to level 1"
    lines = [
        {"event": 1, "rule": 2, "to": 0, "amount": "120.00", "currency": "EUR"},
        {"event": 2, "rule": 1, "to": 1, "amount": "6", "currency": "EUR"},
    ]
    assert expected_from_text(text, "event") == lines
    assert text_of_expected(lines) == text
    month = [{"month": "2026-10", "rule": 1, "to": 0, "amount": "-3", "currency": "EUR"}]
    assert expected_from_text("2026-10: -3 eur", "month") == month
    assert text_of_expected(month) == "2026-10, rule 1: -3 EUR"


@pytest.mark.parametrize(
    ("text", "by"),
    [("120 EUR", "event"), ("event 1: much", "event"), ("2026-10: 5 EUR", "event"), ("1: 5 EUR", "month")],
)
def test_names_expected_lines_that_it_does_not_understand(text: str, by: str) -> None:
    with pytest.raises(ExampleRefused, match=r"expected line 1: .* is not understood; write for example"):
        expected_from_text(text, by)
