"""Senders that fail to authenticate again and again have to wait; a right token is always accepted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from affiliates.models import AdvertiserSecret
from conversions.intake import Decision, intake
from conversions.intake.read import throttle
from conversions.intake.read.signing import Signed, sign
from conversions.models import Conversion, Postback
from conversions.replay import replay as decide_again
from tests.asgi_client import visit
from tests.conversions.sending import NOW, World, outcome, received, send
from tests.factories import AdvertiserSecretFactory

pytestmark = pytest.mark.django_db
WRONG, WAIT = (401, "unauthorized", "bad_token"), (429, "unauthorized", "too_many_failures")


@pytest.fixture
def world(settings: Any) -> World:
    settings.FAILED_POSTBACKS_PER_MINUTE = 3
    return World()


def fail(number: int = 1, *, ip: str = "198.51.100.20", **fields: Any) -> list[Decision]:
    sent = {"event_type": "purchase", "token": "aft_wrong", **fields}
    return intake([received({**sent, "txid": n}, ip=ip) for n in range(number)], now=NOW)


def test_the_fourth_failure_within_a_minute_is_asked_to_wait(world: World) -> None:
    assert [outcome(fail()[0]) for _ in range(3)] == [WRONG] * 3
    assert outcome(fail()[0]) == WAIT
    stored = Postback.objects.latest("pk")
    assert (stored.outcome, stored.reason, stored.traces.get().http_status) == (
        "unauthorized",
        "too_many_failures",
        429,
    )


def test_failures_within_one_batch_count_too(world: World) -> None:
    assert [outcome(found) for found in fail(5)] == [*[WRONG] * 3, *[WAIT] * 2]


def test_a_flood_fills_no_table(world: World) -> None:
    fail(4)
    there = Postback.objects.count()
    [turned, good] = intake(
        [
            received({"token": "aft_wrong"}),
            received({"click_id": world.click(), "txid": "1", "event_type": "purchase"}),
        ],
        now=NOW,
    )
    assert (outcome(turned), turned.body["postback_id"], turned.postback_id) == (WAIT, None, "")
    assert outcome(good)[1] == "accepted"
    assert Postback.objects.count() == there + 1


def test_a_right_token_is_accepted_however_many_fail_beside_it(world: World) -> None:
    fail(20)
    assert outcome(send(click_id=world.click(), txid="1", event_type="purchase"))[1] == "accepted"
    assert outcome(fail(ip="203.0.113.7")[0]) == WRONG


def test_an_ipv6_network_of_one_sender_counts_as_one(world: World) -> None:
    for number in range(3):
        assert outcome(fail(ip=f"2001:db8:1:2::{number}")[0]) == WRONG
    assert outcome(fail(ip="2001:db8:1:2:ffff::1")[0]) == WAIT
    assert outcome(fail(ip="2001:db8:1:3::1")[0]) == WRONG
    there = Postback.objects.count()
    assert outcome(fail(ip="2001:db8:1:2:aaaa::9")[0]) == WAIT
    assert Postback.objects.count() == there


def test_ipv6_failures_within_one_batch_count_too(world: World) -> None:
    sent = [received({"token": "aft_wrong", "txid": n}, ip=f"2001:db8:1:2::{n}") for n in range(5)]
    assert [outcome(found) for found in intake(sent, now=NOW)] == [*[WRONG] * 3, *[WAIT] * 2]


def test_a_minute_later_it_may_try_again(world: World) -> None:
    fail(4)
    throttle.forget()
    later = NOW + timedelta(seconds=61)
    sent = received({"event_type": "purchase", "token": "aft_wrong"}, at=later)
    assert outcome(intake([sent], now=later)[0]) == WRONG


def test_no_limit_where_none_is_set(world: World, settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 0
    assert {outcome(found) for found in fail(30)} == {WRONG}


def test_a_replay_is_no_failure(world: World) -> None:
    fail(3)
    rows = list(Postback.objects.order_by("pk"))
    assert {found.after for found in decide_again(rows, by="Olga", now=NOW)} == {("unauthorized", "bad_token")}


def test_a_revoked_token_is_distinguished_and_shown_to_its_advertiser(world: World) -> None:
    AdvertiserSecretFactory(advertiser=world.advertiser, text="aft_old_token_of_lucky_fox", label="2025")
    AdvertiserSecret.objects.filter(label="2025").update(revoked_at=NOW)
    decision = send(click_id=world.click(), txid="1", event_type="purchase", token="aft_old_token_of_lucky_fox")
    assert outcome(decision) == (401, "unauthorized", "revoked_token")
    assert Postback.objects.get().advertiser == world.advertiser
    assert not Conversion.objects.exists()


def test_forged_signatures_fill_no_table_and_a_right_one_is_accepted(world: World) -> None:
    secret = "afs_the_secret_of_lucky_fox"
    AdvertiserSecretFactory(advertiser=world.advertiser, text=secret, kind=AdvertiserSecret.Kind.HMAC)
    fail(4)
    there = Postback.objects.count()
    forged = Signed(world.advertiser.public_id, str(int(NOW.timestamp())), "0" * 64, b"canonical")
    right = replace(forged, signature=sign(secret, forged.text))
    fields = {"token": None, "click_id": world.click(), "txid": "1", "event_type": "purchase"}
    found = intake([received(fields, signed=sent) for sent in (forged, right)], now=NOW)
    assert [outcome(each)[1] for each in found] == ["unauthorized", "accepted"]
    assert Postback.objects.count() == there + 1


@pytest.mark.django_db(transaction=True)
def test_the_endpoint_says_when_to_come_back(settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 2

    async def knock(client: Any) -> list[Any]:
        return [await client.get(path, {"token": "aft_wrong"}) for path in ["/postback"] * 3 + ["/d/voluum/postback"]]

    answers = visit(knock)
    assert [answer.status for answer in answers] == [401, 401, 429, 429]
    assert [answer.headers.get("retry-after") for answer in answers] == [None, None, "60", "60"]
    assert Postback.objects.filter(received_at__gt=timezone.now() - timedelta(minutes=1)).count() == 3
