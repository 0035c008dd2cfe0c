"""Each refusal says what is wrong, how to put it right, and where the reason is explained to anyone."""

import html
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.translation import in_english
from tests.asgi_client import Answer, visit
from tests.conversions.sending import TOKEN, World
from tests.factories import ClickFactory
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 0


@pytest.fixture
def click(world: World) -> str:
    return codec.text_of(ClickFactory(link=world.ana_link).id)


def ask(method: str, path: str, params: dict[str, str] | None = None, **kwargs: Any) -> Answer:
    answer: Answer = visit(lambda client: client.request(method, path, params, **kwargs))
    return answer


@pytest.mark.parametrize(
    ("method", "path", "changes", "status"),
    [
        ("GET", "/postback", {"token": "wrong"}, 401),
        ("GET", "/postback", {"token": ""}, 401),
        ("GET", "/postback", {"click_id": "0" * 40}, 404),
        ("GET", "/postback", {"event_type": "nosuch"}, 422),
        ("GET", "/postback", {"txid": "undefined"}, 422),
        ("PUT", "/postback", {}, 405),
        ("HEAD", "/postback", {}, 405),
        ("GET", "/postbacks", {}, 404),
        ("GET", "/postbacks", {"token": "wrong"}, 404),
        ("GET", "/api/v1/conversion", {}, 404),
        ("POST", "/api/v1/conversions", {}, 404),
        ("GET", "/api/v1/conversions/bulk", {}, 405),
        ("GET", "/api/v2/conversions/bulk", {}, 404),
        ("DELETE", "/postback.php", {}, 404),
        ("GET", "/d/nosuch/postback", {}, 404),
        ("DELETE", "/aff_lsr", {}, 405),
        ("DELETE", "/pixel.gif", {}, 405),
    ],
)
def test_every_refusal_has_a_remedy_and_a_page(
    click: str, method: str, path: str, changes: dict[str, str], status: int
) -> None:
    good = {"token": TOKEN, "click_id": click, "txid": "1", "event_type": "purchase", "revenue": "5"}
    answer = ask(method, path, {**good, **changes})
    body = json.loads(answer.body)
    assert answer.status == status
    assert body["outcome"]
    assert body["problems"]
    for problem in body["problems"]:
        assert problem["remedy"] == in_english(EXPLANATIONS[Reason(problem["code"])].remedy)
        page = Client().get(problem["help"].removeprefix("http://testserver"))
        assert page.status_code == 200
        assert problem["code"] in page.content.decode()


def test_a_conflict_names_its_reason_as_the_problem_and_shows_plain_amounts(click: str) -> None:
    good = {"token": TOKEN, "click_id": click, "txid": "1", "event_type": "purchase", "revenue": "59.9"}
    assert ask("GET", "/postback", good).status == 200
    body = json.loads(ask("GET", "/postback", {**good, "revenue": "99.90"}).body)
    assert [problem["code"] for problem in body["problems"]] == ["transaction_conflict"]
    assert "revenue 59.90, not 99.90" in body["message"]


def test_an_event_at_a_wrong_address_is_stored_for_the_operator(world: World, click: str) -> None:
    fields = {"token": TOKEN, "click_id": click, "txid": "1", "event_type": "purchase"}
    assert ask("GET", "/track/postbacks", fields).status == 404
    row = Postback.objects.get()
    assert (row.path, row.reason, row.advertiser) == ("/track/postbacks", "wrong_address", world.advertiser)
    assert dict(row.parameters)["click_id"] == click


@pytest.mark.parametrize("path", ["/postback/", "/POSTBACK", "//postback", "/aff_lsr/", "/AFF_LSR", "/p.ASHX/"])
def test_slashes_and_capitals_make_no_other_address(click: str, path: str) -> None:
    answer = ask("GET", path, {"token": TOKEN, "click_id": click, "txid": "1", "event_type": "purchase"})
    assert answer.status == 200
    assert Postback.objects.get().outcome == "accepted"


@pytest.mark.parametrize(
    "path", ["/trace/postback/pb_x/", "/conversions/", "/admin/conversions/postback/", "/nothing/"]
)
def test_pages_are_no_addresses_for_events(world: World, path: str) -> None:
    assert "json" not in ask("GET", path).headers.get("Content-Type", "")
    assert not Postback.objects.exists()


def test_each_reason_has_a_page_for_anyone_that_may_be_cached() -> None:
    for reason in Reason:
        page = Client().get(reverse("help_reason", args=[reason.value]))
        assert html.escape(str(reason.label)) in page.content.decode()
        assert {*page.headers["Cache-Control"].split(", ")} == {"public", "max-age=3600"}
        assert not page.cookies
        assert "Cookie" not in page.headers.get("Vary", "")


def test_the_list_of_reasons_leads_to_each_page_and_an_unknown_one_is_not_found() -> None:
    text = Client().get(reverse("help_reasons")).content.decode()
    assert all(reverse("help_reason", args=[reason.value]) in text for reason in Reason)
    assert "Send the token as <code>token=</code> or" in Client().get("/help/reasons/bad_token/").content.decode()
    assert Client().get("/help/reasons/nosuch/").status_code == 404
