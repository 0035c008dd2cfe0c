"""The addresses of sources: the answer to each sender, and what is stored."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as project

from conversions.intake import reference_cache
from conversions.models import Postback
from tests.asgi_client import Standing, standing
from tests.conversions.sources.shops import (
    Shop,
    checkout,
    outcome,
    path_of,
    post,
    said,
    sale,
    shopify,
    shopify_order,
    stripe,
    stripe_event,
    stripe_signature,
)

pytestmark = pytest.mark.django_db(transaction=True)
DONE = "checkout.session.completed"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def site(shop: Shop) -> Iterator[Standing]:
    with standing() as application:
        yield application


@pytest.mark.parametrize(
    "path", ["/sources/", "/sources/stripe", "/sources/paypal/afw_x", "/sources/stripe/a/b", "/sources/mt5/afw_x"]
)
def test_an_address_that_is_no_sources_says_what_it_looks_like(site: Standing, path: str) -> None:
    answer = site.request("POST", path, body=b"{}")
    assert (answer.status, said(answer)["problems"][0]["code"]) == (404, "wrong_address")


def test_only_posts_are_taken(shop: Shop, site: Standing) -> None:
    answer = site.request("GET", path_of(shop.connect("stripe")))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_a_wrong_token_is_unauthorized_and_counted_by_address(shop: Shop, site: Standing, settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 3
    shop.connect("stripe")
    statuses = [site.request("POST", "/sources/stripe/afw_guessed_token", body=b"{}").status for _ in range(8)]
    assert statuses[:3] == [401] * 3
    assert set(statuses[3:]) == {429}
    assert Postback.objects.count() == 4
    assert {row.advertiser for row in Postback.objects.all()} == {None}


def test_a_sender_that_signs_is_heard_from_an_address_that_failed(shop: Shop, site: Standing, settings: Any) -> None:
    settings.FAILED_POSTBACKS_PER_MINUTE = 1
    for _ in range(4):
        site.request("POST", "/sources/stripe/afw_guessed_token", body=b"{}")
    assert outcome(stripe(site, shop.connect("stripe"), DONE, checkout(shop.click())))[:2] == (200, "accepted")


def test_a_token_is_good_for_its_own_source_only(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    other = path_of(row).replace("stripe", "shopify")
    assert site.request("POST", other, body=b"{}").status == 401
    token = path_of(row).rpartition("/")[2]
    assert site.request("GET", "/postback", {"token": token, "event_type": "purchase"}).status == 401


def test_the_token_and_the_secret_are_stored_nowhere(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe")
    stripe(site, row, DONE, checkout(shop.click()))
    [stored] = Postback.objects.all()
    assert stored.path == "/sources/stripe/•••"
    assert "afw_" not in json.dumps([stored.parameters, stored.headers, stored.event, stored.path])


def test_one_that_is_switched_off_answers_so(shop: Shop, site: Standing) -> None:
    row = shop.connect("stripe", is_active=False)
    assert stripe(site, row, DONE, checkout(shop.click())).status == 410


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"is_active": False}, (403, "forbidden", "advertiser_inactive")),
        ({"sender_networks": ["192.0.2.0/24"]}, (403, "forbidden", "sender_not_allowed")),
    ],
)
def test_the_advertisers_own_rules_hold(
    shop: Shop, site: Standing, changed: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    row = shop.connect("stripe")
    for name, value in changed.items():
        setattr(shop.advertiser, name, value)
    shop.advertiser.save()
    reference_cache.forget()
    assert outcome(stripe(site, row, DONE, checkout(shop.click()))) == expected


def test_another_advertisers_click_is_refused_and_not_sent_again(shop: Shop, site: Standing) -> None:
    row, theirs = shop.connect("stripe"), Shop("Elsewhere", coupon="OTHER")
    assert outcome(stripe(site, row, DONE, checkout(theirs.click()))) == (200, "forbidden", "wrong_advertiser")


def test_a_body_that_is_too_large_is_refused(shop: Shop, site: Standing) -> None:
    row, body = shop.connect("stripe"), b" " * (1024 * 1024 + 1)
    assert outcome(post(site, row, body, {"stripe-signature": stripe_signature(body)})) == (413, "invalid", "too_large")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"null", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_stored_and_not_sent_again(shop: Shop, site: Standing, body: bytes) -> None:
    answer = post(site, shop.connect("stripe"), body, {"stripe-signature": stripe_signature(body)})
    assert outcome(answer) == (200, "invalid", "unreadable")
    assert Postback.objects.get().advertiser == shop.advertiser


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_total": "a lot"},
        {"amount_total": "1e999999"},
        {"amount_total": "9" * 300},
        {"amount_total": -5},
        {"currency": "zzz"},
        {"currency": None},
        {"client_reference_id": "\x00\ud800"},
        {"client_reference_id": {"a": 1}},
        {"payment_intent": "x" * 5000},
        {"metadata": [1]},
        {"customer": ["a"]},
    ],
)
def test_hostile_values_are_answered_and_count_nothing_wrong(
    shop: Shop, site: Standing, changed: dict[str, Any]
) -> None:
    answer = stripe(site, shop.connect("stripe"), DONE, {**checkout(shop.click()), **changed})
    assert answer.status == 200
    assert said(answer)["outcome"] in {"accepted", "invalid", "unknown_click"}


def test_each_process_hears_of_a_change_at_once(shop: Shop, site: Standing) -> None:
    """A new secret counts for the next webhook, without a restart."""
    row = shop.connect("stripe")
    assert outcome(stripe(site, row, DONE, checkout(shop.click())))[0] == 200
    changed = shop.connect("stripe", secrets=("whsec_other",))
    body = stripe_event(DONE, checkout(shop.click()))
    signed = {"stripe-signature": stripe_signature(body, secret="whsec_other")}
    assert outcome(post(site, changed, body, signed))[0] == 200


def test_the_answer_names_every_decision(shop: Shop, site: Standing) -> None:
    row = shop.connect("shopify")
    back = [{"id": 5, "refund_line_items": [{"subtotal": "10.00"}]}]
    order = shopify_order(shop.click(), refunds=back, financial_status="partially_refunded")
    found = said(shopify(site, row, "orders/updated", order))
    assert [each["outcome"] for each in found["decisions"]] == ["accepted", "updated"]


def test_the_moment_is_the_platforms(shop: Shop, site: Standing) -> None:
    at = int(datetime.now(UTC).timestamp()) - 3600
    paid = checkout(shop.click())
    stripe(site, shop.connect("stripe"), DONE, paid, created=at)
    assert int(sale(paid["payment_intent"]).occurred_at.timestamp()) == at


def test_https_is_required_where_the_setting_says_so(shop: Shop, site: Standing, settings: Any) -> None:
    settings.REQUIRE_HTTPS = True
    answer = stripe(site, shop.connect("stripe"), DONE, checkout(shop.click()))
    assert outcome(answer) == (403, "forbidden", "https_required")
    assert project.REQUIRE_HTTPS
