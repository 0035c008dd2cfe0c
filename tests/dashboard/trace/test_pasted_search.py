"""A URL that is pasted into a search of the panel or the portal leads to what its click ID names."""

import pytest
from django.test import Client

from tests.conversions.sending import World, send
from tests.dashboard.portal_pages import as_user, main_rows, signed_in
from tests.factories import OperatorFactory
from tests.rest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def url(world) -> str:
    """The redirect of a click that a purchase followed; another purchase has another click."""
    text = world.click()
    send(click_id=text, txid="A-1", event_type="purchase", revenue="40", customer_id="carl")
    send(click_id=world.click(), txid="A-2", event_type="purchase", revenue="50", customer_id="dora")
    return f"https://casaverbena.example/?click_id={text.upper()}&utm_source=opux"


@pytest.fixture
def desk(db) -> Client:
    return as_user(OperatorFactory(is_superuser=True))


@pytest.mark.parametrize("page", ["conversions/conversion", "conversions/postback", "tracking/click"])
def test_lists_of_the_panel(desk, url, page):
    response = desk.get(f"/admin/{page}/", {"q": url})
    assert response.context["cl"].result_count == 1


@pytest.mark.parametrize("page", ["conversions", "clicks"])
def test_lists_of_the_portal(world, url, page):
    assert main_rows(signed_in(world.ana).get(f"/{page}/", {"q": url})) == 1


def test_the_trace_page(desk, url):
    page = desk.get("/trace/", {"q": f"curl -v '{url}'"}).content.decode()
    assert "A-1" in page
    assert "A-2" not in page


def test_the_palette(desk, url):
    page = desk.get("/admin/search/", {"s": url, "extended": "1"}).content.decode()
    assert "Trace: A genuine click ID" in page


def test_the_palette_says_that_nothing_was_found(desk, url):
    page = desk.get("/admin/search/", {"s": "https://a.example/?id=4711471147", "extended": "1"}).content.decode()
    assert "No click, postback or conversion found" in page


def test_the_api(url):
    client = client_of(OperatorFactory(is_superuser=True))
    body = client.get("/api/v1/trace/", {"id": url}).json()
    assert [row["transaction_id"] for row in body["conversions"]] == ["A-1"]
