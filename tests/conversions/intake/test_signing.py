"""Signed postbacks: what is signed, for how long, with which secret; and that nothing else passes for it."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from affiliates.access.advertiser_secrets import make_secret
from affiliates.models import AdvertiserSecret
from conversions.intake.read import signing
from conversions.models import Conversion, Postback
from tests.asgi_client import visit
from tests.conversions.sending import TOKEN, World
from tests.factories import ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "afh_a_secret_for_tests_only"


@pytest.fixture
def world() -> World:
    world = World()
    make_secret(advertiser=world.advertiser, kind=AdvertiserSecret.Kind.HMAC, text=SECRET)
    return world


def event(world: World, **changed: str) -> dict[str, str]:
    cid = codec.text_of(ClickFactory(link=world.ana_link).id)
    return {"click_id": cid, "event_type": "purchase", "txid": "t1", "revenue": "5.00", "currency": "EUR", **changed}


def signed_headers(
    world: World, *, method: str, path: str, query: str = "", body: bytes = b"", secret: str = SECRET, ago: float = 0
) -> dict[str, str]:
    """As a sender would write it, from the description alone."""
    stamp = str(int(time.time() - ago))
    text = "\n".join(["v1", stamp, method, path, query, hashlib.sha256(body).hexdigest()])
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {
        "x-affidavit-advertiser": world.advertiser.public_id,
        "x-affidavit-timestamp": stamp,
        "x-affidavit-signature": f"v1={signature}",
    }


def get(world: World, fields: dict[str, str], **signing_options: Any) -> tuple[int, dict[str, Any]]:
    query = urlencode(fields)
    headers = signed_headers(world, method="GET", path="/postback", query=query, **signing_options)
    answer = visit(lambda client: client.request("GET", "/postback", query=query.encode(), headers=headers))
    return answer.status, json.loads(answer.body)


def test_a_signed_request_needs_no_token_and_its_repeat_is_harmless(world: World) -> None:
    fields = event(world)
    assert get(world, fields)[1]["outcome"] == "accepted"
    assert get(world, fields)[1]["outcome"] == "duplicate"
    stored = Postback.objects.order_by("pk")[0]
    assert (stored.signature, stored.advertiser) == ("valid", world.advertiser)
    assert SECRET not in json.dumps([stored.parameters, stored.headers, stored.token_digest])


def test_a_body_is_covered(world: World) -> None:
    body = json.dumps(event(world)).encode()
    headers = signed_headers(world, method="POST", path="/postback", body=body) | {"content-type": "application/json"}

    async def story(client: Any) -> list[Any]:
        right = await client.request("POST", "/postback", body=body, headers=headers)
        changed = await client.request("POST", "/postback", body=body.replace(b"5.00", b"9.00"), headers=headers)
        return [json.loads(answer.body) for answer in (right, changed)]

    right, changed = visit(story)
    assert (right["outcome"], changed["outcome"], changed["reason"]) == ("accepted", "unauthorized", "bad_signature")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"secret": "afh_another"}, "bad_signature"),
        ({"ago": 200}, "ok"),
        ({"ago": 301}, "stale_signature"),
        ({"ago": -400}, "stale_signature"),
    ],
)
def test_secret_and_time_must_fit(world: World, options: dict[str, Any], reason: str) -> None:
    status, body = get(world, event(world), **options)
    assert (body["reason"], status) == (reason, 200 if reason == "ok" else 401)


@pytest.mark.parametrize(
    ("seconds", "timely"), [(-300.1, False), (-300, True), (0, True), (299.9, True), (300, True), (300.1, False)]
)
def test_five_minutes_either_way_are_timely(seconds: float, timely: bool) -> None:
    assert signing.is_timely(str(1_700_000_000), datetime.fromtimestamp(1_700_000_000 + seconds, UTC)) is timely


def test_a_bad_signature_is_refused_beside_a_good_token(world: World) -> None:
    status, body = get(world, event(world, token=TOKEN), secret="afh_another")
    assert (status, body["reason"]) == (401, "bad_signature")
    assert Postback.objects.get().advertiser is None


def test_another_advertisers_secret_signs_nothing_here(world: World) -> None:
    other = World.__new__(World)
    from tests.factories import AdvertiserFactory  # noqa: PLC0415

    other.advertiser = AdvertiserFactory(name="Other")
    make_secret(advertiser=other.advertiser, kind=AdvertiserSecret.Kind.HMAC, text="afh_of_the_other")
    assert get(world, event(world), secret="afh_of_the_other")[1]["reason"] == "bad_signature"
    query = urlencode(event(world))
    headers = signed_headers(other, method="GET", path="/postback", query=query, secret="afh_of_the_other")
    answer = visit(lambda client: client.request("GET", "/postback", query=query.encode(), headers=headers))
    assert json.loads(answer.body)["reason"] == "wrong_advertiser"
    assert not Conversion.objects.exists()


def test_several_secrets_are_active_while_they_are_rotated(world: World) -> None:
    make_secret(advertiser=world.advertiser, kind=AdvertiserSecret.Kind.HMAC, text="afh_the_new_one")
    assert get(world, event(world, txid="1"), secret="afh_the_new_one")[1]["outcome"] == "accepted"
    assert get(world, event(world, txid="2"))[1]["outcome"] == "accepted"
    AdvertiserSecret.objects.filter(kind="hmac").order_by("pk")[0].delete()
    assert get(world, event(world, txid="3"))[1]["reason"] == "bad_signature"
    AdvertiserSecret.objects.filter(kind="hmac").update(revoked_at=timezone.now())
    assert get(world, event(world, txid="4"), secret="afh_the_new_one")[1]["reason"] == "bad_signature"


def test_an_address_may_carry_the_signature(world: World) -> None:
    stamp = str(int(time.time()))
    query = urlencode({**event(world), "advertiser": world.advertiser.public_id, "ts": stamp})
    text = "\n".join(["v1", stamp, "GET", "/postback", query, hashlib.sha256(b"").hexdigest()])
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    whole = f"{query}&signature={signature}".encode()
    answer = visit(lambda client: client.request("GET", "/postback", query=whole))
    assert json.loads(answer.body)["outcome"] == "accepted"
    assert signature not in json.dumps(Postback.objects.get().parameters)
    changed = whole.replace(b"revenue=5.00", b"revenue=9.00")
    answer = visit(lambda client: client.request("GET", "/postback", query=changed))
    assert json.loads(answer.body)["reason"] == "bad_signature"


def test_an_advertiser_may_ask_for_signatures_only(world: World) -> None:
    world.advertiser.requires_signature = True
    world.advertiser.save()
    fields = event(world)
    answer = visit(lambda client: client.get("/postback", {**fields, "token": TOKEN}))
    assert (answer.status, json.loads(answer.body)["reason"]) == (401, "signature_required")
    assert get(world, fields)[1]["outcome"] == "accepted"


def test_the_secret_itself_is_no_token(world: World) -> None:
    fields = event(world, token=SECRET)
    answer = visit(lambda client: client.get("/postback", fields))
    assert (answer.status, json.loads(answer.body)["reason"]) == (401, "signature_required")


def test_many_events_are_signed_at_once(world: World) -> None:
    path = "/api/v1/conversions/bulk"
    body = json.dumps([event(world, txid="1"), event(world, txid="2")]).encode()
    headers = signed_headers(world, method="POST", path=path, body=body)
    answer = visit(lambda client: client.request("POST", path, body=body, headers=headers))
    assert json.loads(answer.body)["counts"] == {"accepted": 2}
    answer = visit(lambda client: client.request("POST", path, body=body + b" ", headers=headers))
    assert answer.status == 401


def test_the_published_example() -> None:
    """The numbers of docs/signing.md."""
    text = signing.text_to_sign(
        timestamp="1792065600",
        method="POST",
        path="/postback",
        query="",
        body=b'{"click_id":"06dndml80000001a04106105vs3n2fko3v5uld8f","event_type":"ftd","txid":"abc-789"}',
    )
    assert text.decode().splitlines()[-1] == "d52c69676a7dfb46cb82e5923ac4ebebfa72d7fe6b862b5d0d6e9c51b4c2c969"
    assert (
        signing.sign("afh_a_published_example", text)
        == "9de0c4a917f20569c40af0d8bb64130fcf6efc3af94532455460e29baf5a7cc4"
    )
