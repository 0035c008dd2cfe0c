"""An app's first start learns which click brought it: by the click ID that it holds, and by nothing else."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from tests.asgi_client import Answer, visit
from tests.factories import ClickFactory, TrackingLinkFactory
from tracking.click_id import codec
from tracking.models import Click, TrackingLink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link() -> TrackingLink:
    url = "https://shop.example/p/7?btag={click_id}&s={sub1}&a={aff_click_id}#top"
    link: TrackingLink = TrackingLinkFactory(code="ana", enrollment__offer__destination_url=url)
    return link


@pytest.fixture
def click(link: TrackingLink) -> str:
    row: Click = ClickFactory(link=link, sub1="a b", sub2="secret", source="mail", aff_click_id="t-1", country="DE")
    return codec.text_of(row.pk)


def ask(**params: str) -> tuple[int, dict[str, Any]]:
    answer: Answer = visit(lambda client: client.get("/app/click.json", params))
    assert answer.headers["cache-control"].startswith("no-store")
    return answer.status, json.loads(answer.body)


def test_the_install_referrer_of_the_store_leads_to_its_click(click: str) -> None:
    status, body = ask(referrer=f"btag={click}&utm_source=af_1")
    assert status == 200
    assert body.pop("clicked_at")
    assert body == {
        "click_id": click,
        "destination": f"https://shop.example/p/7?btag={click}&s=a%20b&a=t-1#top",
        "path": "/p/7",
        "query": f"btag={click}&s=a%20b&a=t-1",
        "labels": {"sub1": "a b"},
        "is_complete": True,
    }


@pytest.mark.parametrize(
    "sent",
    [
        {"click_id": "{}"},
        {"referrer": "btag%3D{}%26utm_source%3Daf_1"},
        {"link": "https://shop.example/p/7?btag={}&s=x"},
        {"link": "Look: https://shop.example/?btag={} !"},
        {"click_id": "", "referrer": "utm_source=google-play&utm_medium=organic", "link": "x?c={}"},
    ],
)
def test_an_id_is_found_in_whatever_the_app_holds(click: str, sent: dict[str, str]) -> None:
    status, body = ask(**{name: value.format(click) for name, value in sent.items()})
    assert (status, body["click_id"]) == (200, click)


@pytest.mark.parametrize("sent", [{}, {"referrer": "utm_source=google-play"}, {"click_id": "0" * 40}, {"link": "é\0"}])
def test_without_a_genuine_id_there_is_no_answer(click: str, sent: dict[str, str]) -> None:
    status, body = ask(**sent)
    assert (status, body["error"], body["click_id"]) == (404, "unknown_click", None)


def test_no_two_visitors_of_one_address_and_device_are_mixed_up(link: TrackingLink) -> None:
    rows = [ClickFactory(link=link, ip="203.0.113.9", user_agent="same", sub1=name) for name in ("ana", "ben")]
    assert ask(click_id=codec.text_of(rows[1].pk))[1]["labels"] == {"sub1": "ben"}
    assert ask(referrer="utm_source=google-play")[0] == 404


def test_a_click_that_is_not_stored_yet_is_known_by_its_id(link: TrackingLink) -> None:
    raw = codec.new_bytes(link_number=link.pk, milliseconds=int(timezone.now().timestamp() * 1000))
    status, body = ask(click_id=codec.sign(raw))
    assert (status, body["is_complete"], body["labels"], body["path"]) == (200, False, {}, "/p/7")


def test_an_old_click_is_not_answered(link: TrackingLink) -> None:
    row = ClickFactory(link=link, clicked_at=timezone.now() - timedelta(days=91))
    assert ask(click_id=codec.text_of(row.pk))[1]["error"] == "click_too_old"


def test_one_address_may_not_ask_without_end(click: str, settings: Any) -> None:
    settings.APP_STARTS_PER_MINUTE = 2

    async def story(client: Any) -> list[Answer]:
        return [await client.get("/app/click.json", {"click_id": click}, client="198.51.100.77") for _ in range(6)]

    # A minute may end in between, and then two more are answered.
    statuses = [answer.status for answer in visit(story)]
    assert (statuses[0], 429 in statuses) == (200, True)


def test_a_flood_of_parameters_and_other_methods_are_answered(click: str) -> None:
    flood = "&".join(f"x{number}=1" for number in range(500)).encode()
    assert visit(lambda client: client.request("GET", "/app/click.json", query=flood)).status == 404
    assert visit(lambda client: client.request("POST", "/app/click.json", query=quote(click).encode())).status == 405
