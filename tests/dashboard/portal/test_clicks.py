"""Clicks: newest first, page by page along the click ID, found by what they carried."""

from datetime import UTC, datetime, timedelta

import pytest

from affiliates.models import Affiliate
from dashboard.portal.queries import clicks as queries
from tests.dashboard.portal_pages import World, main_rows, rows_of, signed_in, words, world_of
from tests.factories import TrackingLinkFactory
from tracking.click_id.codec import text_of
from tracking.models import Click


@pytest.fixture
def world(ana: Affiliate) -> World:
    return world_of(ana)


def listed(world: World, query: str = "") -> list[Click]:
    page = signed_in(world.affiliate).get(f"/clicks/?{query}").context["page"]
    return [row.click for row in page.rows]


def test_lists_the_newest_first_with_the_signed_id(world: World) -> None:
    old, new = world.click(ago=timedelta(hours=1)), world.click()

    assert listed(world) == [new, old]
    assert f'data-copy="{text_of(new.pk)}"' in signed_in(world.affiliate).get("/clicks/").content.decode()


def test_shows_labels_marks_and_conversions(world: World) -> None:
    click = world.click(sub1="header", sub10="last", aff_click_id="vol-1", is_bot=True, is_duplicate=True, country="DE")
    world.conversion(click_id=click.pk)

    text = words(signed_in(world.affiliate).get("/clicks/"))

    for expected in ("sub1 header", "sub10 last", "aff_click_id vol-1", "Bot", "Repeat", "DE"):
        assert expected in text
    ((row),) = signed_in(world.affiliate).get("/clicks/").context["page"].rows
    assert row.conversions == 1


def test_never_shows_the_visitors_address(world: World) -> None:
    world.click(ip="203.0.113.99")

    assert "203.0.113.99" not in signed_in(world.affiliate).get("/clicks/").content.decode()


def test_filters_by_link_label_and_id(world: World) -> None:
    other = TrackingLinkFactory(enrollment=world.enrollment)
    first, second = world.click(sub1="a"), World(world.affiliate, world.enrollment, other, world.goal).click(sub1="ab")

    assert listed(world, f"link={other.code}") == [second]
    assert listed(world, "sub1=a") == [first]
    assert listed(world, f"q={text_of(second.pk)}") == [second]


def test_filters_by_days_where_the_reader_is(world: World) -> None:
    now = datetime.now(UTC)
    moment = now.replace(hour=15, minute=30, second=0, microsecond=0) - timedelta(days=5)
    inside = world.click(ago=now - moment)
    world.click(ago=now - moment + timedelta(hours=1))
    day = (moment + timedelta(hours=9)).date()

    page = signed_in(world.affiliate, time_zone="Asia/Tokyo").get(f"/clicks/?since={day}&until={day}").context["page"]

    assert [row.click for row in page.rows] == [inside]


def test_shows_30_days_unless_others_are_asked_for(world: World) -> None:
    old = world.click(ago=timedelta(days=40))
    day = old.clicked_at.date()

    assert listed(world) == []
    assert listed(world, f"since={day - timedelta(days=1)}") == [old]
    assert listed(world, f"q={text_of(old.pk)}") == [old]


def test_a_mistyped_click_id_is_reported(world: World) -> None:
    assert "not a genuine click ID" in words(signed_in(world.affiliate).get("/clicks/?q=abc"))


def test_leads_on_to_older_and_back_to_newer_clicks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    clicks = [world.click(ago=timedelta(minutes=number)) for number in range(5)]
    client = signed_in(world.affiliate)

    def page(query: str) -> queries.ClickPage:
        found: queries.ClickPage = client.get(f"/clicks/?{query}").context["page"]
        return found

    first = page("")
    second = page(f"before={first.older}")
    third = page(f"before={second.older}")
    back = page(f"after={third.newer}")

    shown = [[row.click for row in each.rows] for each in (first, second, third, back)]
    assert shown == [clicks[:2], clicks[2:4], clicks[4:], clicks[2:4]]
    assert (first.newer, third.older) == ("", "")


def test_a_broken_page_key_shows_the_first_page(world: World) -> None:
    click = world.click()

    assert listed(world, "before=nonsense") == [click]


def test_answers_htmx_with_the_rows_alone(world: World) -> None:
    world.click()

    response = signed_in(world.affiliate).get("/clicks/", headers={"hx-request": "true", "hx-target": "listing"})

    assert "<html" not in response.content.decode()
    assert main_rows(response) == 1


def test_says_what_to_do_when_there_is_nothing(world: World) -> None:
    assert "Copy one of your links and open it" in words(signed_in(world.affiliate).get("/clicks/"))
    assert "No click matches" in words(signed_in(world.affiliate).get("/clicks/?sub1=x"))


def test_exports_what_is_filtered_and_defuses_formulas(world: World) -> None:
    click = world.click(sub1="=cmd()", sub2="-1", aff_click_id="vol-1")
    world.click(sub1="other")

    (row,) = rows_of(signed_in(world.affiliate).get("/clicks/export/?sub1==cmd()"))

    assert (row["click_id"], row["aff_click_id"]) == (text_of(click.pk), "vol-1")
    assert (row["sub1"], row["sub2"]) == ("'=cmd()", "'-1")
    assert "ip" not in row
