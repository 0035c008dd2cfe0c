"""The panel's search: an ID leads to its story, for those who may read it, as it was typed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from affiliates.models import Affiliate, User
from payouts.models import BilledClicks
from tests.dashboard.portal_pages import as_user, world_of
from tests.rights import operator_with

pytestmark = pytest.mark.django_db


def search(user: User, text: str) -> str:
    answer: Any = as_user(user).get("/admin/search/", {"s": text, "extended": "1"})
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def clicks(ana: Affiliate) -> BilledClicks:
    world, at = world_of(ana), datetime(2026, 10, 15, tzinfo=UTC)
    return BilledClicks.objects.create(
        affiliate=ana, offer=world.offer, link=world.link, day=at.date(), clicks=3, parts=[{"clicks": 3}], counted_at=at
    )


def test_a_transaction_is_found_in_the_case_that_it_was_typed_in(olga: User, ana: Affiliate) -> None:
    world_of(ana).conversion(transaction_id="Order-ABC-1")
    assert "Trace: " in search(olga, "Order-ABC-1")
    assert "/trace/?q=Order-ABC-1" in search(olga, " Order-ABC-1 ")


def test_a_conversion_is_found_by_its_public_id(olga: User, ana: Affiliate) -> None:
    assert "Trace: " in search(olga, world_of(ana).conversion().public_id)


def test_what_looks_like_an_id_and_is_none_says_so_and_a_word_does_not(olga: User) -> None:
    assert "No click, postback or conversion found" in search(olga, "order-4711-x")
    for text in ("affiliates", "abc1", ""):
        assert "No click, postback or conversion found" not in search(olga, text)


def test_what_was_not_there_a_moment_ago_is_found_as_soon_as_it_is(olga: User, ana: Affiliate) -> None:
    assert "No click, postback or conversion found" in search(olga, "order-4711-y")
    world_of(ana).conversion(transaction_id="order-4711-y")
    assert "Trace: " in search(olga, "order-4711-y")


def test_an_id_in_other_capitals_is_another_id(olga: User, ana: Affiliate) -> None:
    world_of(ana).conversion(transaction_id="Order-4711-z")
    assert "Trace: " not in search(olga, "order-4711-z")
    assert "Trace: " in search(olga, "Order-4711-z")


def test_a_right_that_is_taken_away_ends_at_once(ana: Affiliate) -> None:
    user = operator_with("conversions.view_trace")
    row = world_of(ana).conversion()
    assert "Trace: " in search(user, row.public_id)
    user.user_permissions.clear()
    assert "Trace: " not in search(User.objects.get(pk=user.pk), row.public_id)


def test_who_may_not_read_traces_finds_none_nor_learns_that_there_is_one(ana: Affiliate) -> None:
    row = world_of(ana).conversion(transaction_id="order-4711-x")
    page = search(operator_with("affiliates.view_affiliate"), row.transaction_id)
    assert "Trace: " not in page
    assert row.public_id not in page


def test_paid_clicks_are_found_by_who_may_see_them(olga: User, clicks: BilledClicks) -> None:
    assert "Paid clicks: " in search(olga, clicks.public_id)
    assert "Paid clicks: " not in search(operator_with("conversions.view_trace"), clicks.public_id)
    assert "Paid clicks: " in search(operator_with("payouts.view_billedclicks"), clicks.public_id)


def test_what_was_typed_is_shown_as_text(olga: User) -> None:
    page = search(olga, '<script>alert("12345678")</script>')
    assert "<script>alert" not in page


@pytest.mark.parametrize("page", ["x", "0", "99", "-1", "²"])
def test_a_page_that_is_none_is_empty(olga: User, ana: Affiliate, page: str) -> None:
    row = world_of(ana).conversion()
    answer = as_user(olga).get("/admin/search/", {"s": row.public_id, "extended": "1", "page": page})
    assert (answer.status_code, "Trace: " in answer.content.decode()) == (200, False)


@pytest.mark.parametrize("text", ["\x01", "x" * 10_000, "%", "bc_", "bc_" + "2" * 500, "ü1234567890"])
def test_no_text_breaks_it(olga: User, text: str) -> None:
    search(olga, text)


def test_a_stranger_is_asked_to_sign_in(client: Client, ana: Affiliate) -> None:
    assert client.get("/admin/search/", {"s": "x"})["Location"].startswith("/admin/login/")
