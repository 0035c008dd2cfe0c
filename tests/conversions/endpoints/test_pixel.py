"""The pixel: an image always, an event only with a genuine click, and the server's word before it."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from conversions.intake import intake
from conversions.models import Conversion, Postback, StatusChange
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.asgi_client import Answer, Client, visit
from tests.conversions.sending import NOW, World, outcome, received, send
from tests.factories import ClickFactory
from tests.payouts.deals import deal, percent
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
PIXEL = Postback.Endpoint.PIXEL


@pytest.fixture
def world() -> World:
    world = World()
    world.advertiser.allows_pixel = True
    world.advertiser.save()
    return world


def fetch(world: World, *, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    query = {"advertiser": world.advertiser.public_id, "event_type": "purchase", "currency": "EUR", **fields}
    return visit(lambda client: client.get("/pixel.gif", query, headers=headers or {}))


def reported(answer: Answer) -> tuple[int, str, str, str]:
    head = answer.headers
    return answer.status, head["content-type"], head["x-affidavit-outcome"], head["x-affidavit-reason"]


def a_click(world: World) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link).id)


def test_an_event_with_its_click_waits_for_the_server(world: World) -> None:
    answer = fetch(world, click_id=a_click(world), revenue="50", status="approved")
    assert reported(answer) == (200, "image/gif", "accepted", "awaits_approval")
    assert (answer.body[:6], answer.headers["cache-control"]) == (b"GIF89a", "no-store, max-age=0")
    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.reported_by, conversion.revenue) == ("pending", "pixel", 50)


def test_the_click_comes_from_the_advertisers_cookie(world: World) -> None:
    cookie = {"cookie": f"aff_click_{world.advertiser.public_id}={a_click(world)}"}
    assert reported(fetch(world, headers=cookie))[2] == "accepted"
    other = {"cookie": f"aff_click_ad_other={a_click(world)}"}
    assert reported(fetch(world, headers=other))[2:] == ("invalid", "missing_click_id")


def test_without_a_click_a_customer_or_coupon_is_not_enough(world: World) -> None:
    assert reported(fetch(world, customer_id="c1", txid="1"))[2:] == ("invalid", "missing_click_id")
    assert reported(fetch(world, click_id="0" * 40))[2:] == ("unknown_click", "unknown_click")


@pytest.mark.parametrize(
    ("changed", "headers", "expected"),
    [
        ({"allows_pixel": False}, {}, "pixel_not_allowed"),
        ({"is_active": False}, {}, "advertiser_inactive"),
        ({"pixel_hosts": ["shop.example"]}, {}, "pixel_not_allowed"),
        ({"pixel_hosts": ["shop.example"]}, {"referer": "https://evil.example/shop.example"}, "pixel_not_allowed"),
        (
            {"pixel_hosts": ["*.shop.example"]},
            {"referer": "https://www.shop.example/?e=a@b.c"},
            "awaits_approval",
        ),
        ({"trusts_pixel": True}, {}, "ok"),
    ],
)
def test_the_advertisers_settings_decide(
    world: World, changed: dict[str, Any], headers: dict[str, str], expected: str
) -> None:
    for name, value in changed.items():
        setattr(world.advertiser, name, value)
    world.advertiser.save()
    assert reported(fetch(world, headers=headers, click_id=a_click(world)))[3] == expected
    # Of the page nothing but its host is kept: the rest may hold a person's address.
    assert "a@b.c" not in str(Postback.objects.get().headers)


def test_a_browser_that_leaves_shows_it_by_post_and_twice_sent_counts_once(world: World) -> None:
    """`navigator.sendBeacon` sends a form; the click may come from the cookie as for the image."""
    query = {"advertiser": world.advertiser.public_id, "event_type": "purchase", "click_id": a_click(world)}

    async def story(client: Client) -> list[Answer]:
        form = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        beacon = {"body": urlencode(query).encode(), "headers": form}
        got = await client.get("/pixel.gif", query)
        return [got, *[await client.request("POST", "/pixel.gif", **beacon) for _ in range(2)]]

    assert [reported(each)[:3] for each in visit(story)] == [
        (200, "image/gif", "accepted"),
        (200, "image/gif", "duplicate"),
        (200, "image/gif", "duplicate"),
    ]
    assert Conversion.objects.count() == 1
    refused = visit(lambda client: client.request("POST", "/pixel.js"))
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


def test_a_stranger_names_no_advertiser(world: World) -> None:
    assert reported(fetch(world, advertiser="ad_nobody", click_id=a_click(world)))[3] == "pixel_not_allowed"


def test_the_script_is_small_and_served(db: None) -> None:
    answer = visit(lambda client: client.get("/pixel.js"))
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.body) < 4096
    assert visit(lambda client: client.request("HEAD", "/pixel.gif")).status == 200
    assert not Postback.objects.exists()


def by_pixel(world: World, cid: str, **fields: Any) -> Any:
    given = {
        "advertiser": world.advertiser.public_id,
        "click_id": cid,
        "event_type": "purchase",
        "token": None,
        **fields,
    }
    return intake([received(given, endpoint=PIXEL)], now=NOW)[0]


@pytest.mark.parametrize("pixel_transaction", ["", "t1"])
def test_pixel_first_then_the_server_corrects_money_and_the_ledger_follows(
    world: World, pixel_transaction: str
) -> None:
    deal(percent(world.purchase, "10"))
    world.advertiser.trusts_pixel = True
    world.advertiser.save()
    cid = world.click()
    first = by_pixel(world, cid, revenue="70", currency="EUR", txid=pixel_transaction or None)
    assert outcome(first)[1] == "accepted"
    book_changes(now=NOW)
    shown = send(click_id=cid, event_type="purchase", txid="t1", revenue="50", currency="EUR")
    assert outcome(shown) == (200, "updated", "server_confirmed")
    assert shown.body["conversion_id"] == first.body["conversion_id"]
    conversion = Conversion.objects.get()
    assert (conversion.revenue, conversion.transaction_id, conversion.reported_by) == (50, "t1", "native")
    book_changes(now=NOW)
    # 10 % of 70.00 was booked; 10 % of 50.00 is owed: 2.00 is taken back.
    assert [entry.amount for entry in LedgerEntry.objects.order_by("sequence")] == [7, -2]
    assert outcome(send(click_id=cid, event_type="purchase", txid="t1", revenue="50", currency="EUR"))[1] == "duplicate"
    assert outcome(by_pixel(world, cid, revenue="70", txid=pixel_transaction or None))[1] == "duplicate"


@pytest.mark.parametrize("pixel_transaction", [None, "t1"])
def test_a_waiting_pixel_is_approved_by_the_servers_word(world: World, pixel_transaction: str | None) -> None:
    """Also when both say the very same: the server's word is no repeat of a pixel's."""
    cid = world.click()
    by_pixel(world, cid, revenue="70", currency="EUR", txid=pixel_transaction)
    shown = send(click_id=cid, event_type="purchase", txid="t1", revenue="70", currency="EUR")
    assert (shown.body["status"], shown.body["reason"]) == ("approved", "server_confirmed")
    changes = StatusChange.objects.order_by("pk").values_list("from_status", "to_status")
    assert list(changes) == [("", "pending"), ("pending", "approved")]


def test_server_first_then_the_pixel_changes_nothing(world: World) -> None:
    cid = world.click()
    send(click_id=cid, event_type="purchase", txid="t1", revenue="50", currency="EUR")
    for text in (by_pixel(world, cid, revenue="999"), by_pixel(world, cid, revenue="999", txid="t1")):
        assert outcome(text)[1] == "duplicate"
    assert Conversion.objects.get().revenue == Decimal(50)


def test_two_transactions_of_one_click_are_two_events(world: World) -> None:
    cid = world.click()
    send(click_id=cid, event_type="purchase", txid="t1", revenue="50", currency="EUR")
    assert outcome(by_pixel(world, cid, txid="t2", revenue="20"))[1] == "accepted"
    assert outcome(send(click_id=cid, event_type="purchase", txid="t3", revenue="5"))[1] == "accepted"
    assert Conversion.objects.count() == 3
    assert outcome(send(click_id=cid, event_type="purchase", txid="t2", revenue="25"))[1:] == (
        "updated",
        "server_confirmed",
    )


def test_one_batch_may_hold_both_reports(world: World) -> None:
    cid = world.click()
    pixel = received(
        {"advertiser": world.advertiser.public_id, "click_id": cid, "event_type": "purchase", "token": None},
        endpoint=PIXEL,
    )
    server = received({"click_id": cid, "event_type": "purchase", "txid": "t1", "revenue": "5"})
    found = intake([pixel, server, server, pixel], now=NOW)
    assert [each.body["outcome"] for each in found] == ["accepted", "updated", "duplicate", "duplicate"]
    assert Conversion.objects.count() == 1
