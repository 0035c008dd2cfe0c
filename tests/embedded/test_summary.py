"""The lines to paste: a click, its ID, a postback that fits the link's advertiser and goal."""

import io
import shlex
from pathlib import Path

from rich.console import Console

from config.embedded import summary

FACTS = {
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


def test_the_postback_fits_the_link_its_goal_and_its_advertiser() -> None:
    lines = summary.paste_lines(FACTS)
    assert lines is not None
    click, keep, postback = lines
    assert shlex.split(click)[-1] == "http://127.0.0.1:8000/c/shop1?sub1=demo"
    assert "[?&]ref=" in keep
    assert "event_type=purchase" in postback
    assert "token=t-store" in postback
    assert "click_id=$CLICK&" in postback


def test_each_demo_prints_a_transaction_of_its_own() -> None:
    assert summary.paste_lines(FACTS) != summary.paste_lines(FACTS)


def test_without_a_simple_goal_there_is_nothing_to_paste() -> None:
    assert summary.paste_lines({**FACTS, "goals": FACTS["goals"][:1]}) is None


def test_a_destination_without_the_macro_gets_click_id() -> None:
    assert summary.click_parameter("https://s.example/?a=1") == "click_id"


def test_lines_to_paste_are_not_wrapped_in_a_narrow_window() -> None:
    shown = io.StringIO()
    summary.show(Console(file=shown, width=50), FACTS, Path("logs"))
    text = shown.getvalue()
    assert sum(line.startswith(("curl ", "CLICK=$(curl ")) for line in text.splitlines()) == 3
    for expected in ("olga@operator.example", "ana@ana.example", "p1", "p2", "http://127.0.0.1:8000/"):
        assert expected in text
