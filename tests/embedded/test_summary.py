"""The lines to paste: a click, its ID, postbacks that fit the link's advertiser and goal."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from config.embedded import summary

FACTS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:8000",
    "links": [
        {
            "code": "casino1",
            "offer": "Casino",
            "advertiser": "Lucky",
            "destination": "https://l.example/?btag={click_id}",
        },
        {
            "code": "shop1",
            "offer": "Shop",
            "advertiser": "Store",
            "destination": "https://s.example/?a=1&ref={click_id}",
        },
    ],
    "advertisers": [{"name": "Lucky", "token": "t-lucky"}, {"name": "Store", "token": "t-store"}],
    "goals": [
        {"offer": "Casino", "code": "deposit", "name": "Deposit"},
        {"offer": "Shop", "code": "purchase", "name": "Purchase"},
    ],
    "logins": [
        {"role": "operator", "affiliate": None, "email": "olga@operator.example", "password": "p1"},
        {"role": "affiliate", "affiliate": "Ana", "email": "ana@ana.example", "password": "p2"},
    ],
}


def commands(facts: dict[str, Any] = FACTS) -> list[str]:
    return [line for _, line in summary.tour(facts)]


def test_the_tour_fits_the_link_its_goal_and_its_advertiser() -> None:
    click, sale, again, refund, wrong = commands()
    assert "'http://127.0.0.1:8000/c/shop1?sub1=demo'" in click
    assert "[?&]ref=" in click
    assert again == sale
    assert all("event_type=purchase" in line and "click_id=$CLICK&" in line for line in (sale, refund, wrong))
    assert [line.partition("token=")[2] for line in (sale, refund, wrong)] == [
        't-store"; echo',
        't-store"; echo',
        'wrong"; echo',
    ]


def test_each_demo_prints_a_transaction_of_its_own() -> None:
    assert commands() != commands()


def test_without_a_simple_goal_there_is_no_tour() -> None:
    assert commands({**FACTS, "goals": FACTS["goals"][:1]}) == []


def test_a_destination_without_the_macro_gets_click_id() -> None:
    assert summary.click_parameter("https://s.example/?a=1") == "click_id"


def test_lines_to_paste_are_not_wrapped_in_a_narrow_window() -> None:
    shown = io.StringIO()
    summary.show(Console(file=shown, width=50), FACTS, Path("logs"))
    text = shown.getvalue()
    assert sum(line.startswith(("curl ", "CLICK=$(curl ")) for line in text.splitlines()) == 5
    for expected in ("olga@operator.example", "ana@ana.example", "p1", "p2", "http://127.0.0.1:8000/"):
        assert expected in text
