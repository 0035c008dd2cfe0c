"""An advertiser reads its own postbacks with its token, and nothing else."""

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.models import AdvertiserSecret
from conversions.models import Postback
from tests.conversions.sending import TOKEN, World, send
from tests.factories import AdvertiserFactory, AdvertiserSecretFactory
from tests.rest import client_of

pytestmark = pytest.mark.django_db
LOG = "/api/v1/postback-log/"


def with_token(token: str = TOKEN) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def world() -> World:
    found = World()
    send(click_id=found.click(), txid="A-1", event_type="purchase", revenue="40")
    send(click_id="no-such-click", txid="A-2", event_type="purchase")
    return found


def test_it_has_what_was_sent_and_what_was_answered(world: World) -> None:
    rows = with_token().get(LOG).json()["results"]
    assert [(row["transaction_id"], row["outcome"]) for row in rows][-1] == ("A-1", "accepted")
    assert rows[-1]["conversion_status"] in ("pending", "approved")
    assert rows[0]["problems"]
    assert rows[0]["http_status"] >= 400
    assert TOKEN not in str(rows)


def test_affiliates_are_not_named(world: World) -> None:
    text = with_token().get(LOG).text
    assert "Ana" not in text
    assert world.ana.public_id not in text
    assert "steps" not in text


def test_one_is_read_by_its_id_and_a_list_is_filtered(world: World) -> None:
    row = Postback.objects.get(transaction_id="A-1")
    assert with_token().get(f"{LOG}{row.public_id}/").json()["id"] == row.public_id
    found = with_token().get(LOG, {"transaction_id": "A-1"}).json()["results"]
    assert [each["id"] for each in found] == [row.public_id]
    assert with_token().get(LOG, {"advertiser": "x"}).status_code == 400


def test_another_advertiser_sees_nothing_of_it(world: World) -> None:
    other = AdvertiserFactory(name="Rival Slots")
    AdvertiserSecretFactory(advertiser=other, text="aft_of_rival_slots")
    row = Postback.objects.get(transaction_id="A-1")
    assert with_token("aft_of_rival_slots").get(LOG).json()["results"] == []
    assert with_token("aft_of_rival_slots").get(f"{LOG}{row.public_id}/").status_code == 404


@pytest.mark.parametrize("token", ["", "aft_unknown", "afk_unknown"])
def test_without_its_token_it_is_closed_and_says_which_to_send(world: World, token: str) -> None:
    answer = with_token(token).get(LOG)
    assert answer.status_code == 401


def test_a_revoked_token_and_an_inactive_advertiser_are_refused(world: World) -> None:
    world.advertiser.is_active = False
    world.advertiser.save()
    assert with_token().get(LOG).status_code == 401
    world.advertiser.is_active = True
    world.advertiser.save()
    AdvertiserSecret.objects.update(revoked_at=timezone.now())
    answer = with_token().get(LOG)
    assert answer.status_code == 401
    assert "aft_" in answer.json()["message"]


def test_a_token_opens_nothing_else_and_a_key_not_the_log(world: World, olga: object) -> None:
    assert with_token().get("/api/v1/conversions/").status_code == 401
    assert client_of(olga).get(LOG).status_code == 401  # type: ignore[arg-type]


def test_nothing_is_written_through_it(world: World) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert getattr(with_token(), method)(LOG).status_code == 405
