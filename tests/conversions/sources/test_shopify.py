"""Shopify's webhooks: HTTP in, answers and sales out."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.asgi_client import Standing, standing
from tests.conversions.sources.shops import (
    Shop,
    amounts,
    in_base64,
    money_set,
    new,
    outcome,
    post,
    sale,
    shopify,
    shopify_order,
    shopify_refund,
)

pytestmark = pytest.mark.django_db(transaction=True)
NEW, PAID, CHANGED = "orders/create", "orders/paid", "orders/updated"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def site(shop: Shop) -> Iterator[Standing]:
    with standing() as application:
        yield application


def test_an_order_counts_in_the_shops_currency(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    assert outcome(shopify(site, row, NEW, order)) == (200, "accepted", "ok")
    found = sale(str(order["id"]))
    assert (found.affiliate, found.revenue, found.currency) == (shop.ana, Decimal("100.00"), "EUR")
    assert found.customer.customer_id == "77"


def test_one_order_is_one_sale_whatever_the_event(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    answers = [outcome(shopify(site, row, topic, order))[1] for topic in (NEW, PAID, CHANGED, NEW)]
    assert answers == ["accepted", "duplicate", "duplicate", "duplicate"]


@pytest.mark.parametrize("address", ["/products/lamp?x=1&click_id={}", "https://shop.example/?ref={}#top"])
def test_the_landing_page_has_the_click(shop: Shop, site: Standing, address: str) -> None:
    row, order = shop.connect("shopify"), shopify_order(landing_site=address.format(shop.click(shop.ben_link)))
    shopify(site, row, NEW, order)
    assert sale(str(order["id"])).affiliate == shop.ben


@pytest.mark.parametrize("address", ["http://[", "?" + "a=1&" * 300, None, 7, {"a": 1}])
def test_an_odd_landing_page_is_no_error(shop: Shop, site: Standing, address: Any) -> None:
    row, order = shop.connect("shopify"), shopify_order(landing_site=address)
    assert outcome(shopify(site, row, NEW, order)) == (200, "unknown_click", "no_affiliate")


def test_an_order_counts_once_it_is_paid(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click(), financial_status="pending")
    assert outcome(shopify(site, row, NEW, order))[:2] == (200, "ignored")
    assert outcome(shopify(site, row, PAID, {**order, "financial_status": "paid"}))[1] == "accepted"


def test_prices_with_tax_count_without_it(shop: Shop, site: Standing) -> None:
    row = shop.connect("shopify")
    lines = [{"tax_lines": [{"price_set": money_set("15.97", "15.00"), "rate": 0.19}]}]
    order = shopify_order(shop.click(), taxes_included=True, line_items=lines)
    shopify(site, row, NEW, order)
    assert amounts(str(order["id"]))[1] == Decimal("84.03")


@pytest.mark.parametrize(
    ("subtotal", "tax", "expected"), [("50.00", "9.50", "50.00"), ("59.50", "9.50", "50.00"), ("50.00", "0", "50.00")]
)
def test_a_refund_takes_back_the_goods_without_tax(
    shop: Shop, site: Standing, subtotal: str, tax: str, expected: str
) -> None:
    """The tax is on top, within the prices, or there is none."""
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    shopify(site, row, NEW, order)
    back = shopify_refund(order["id"], subtotal, tax, "0.19" if tax != "0" else "0")
    assert outcome(shopify(site, row, "refunds/create", back)) == (200, "updated", "partly_refunded")
    again = shopify(site, row, CHANGED, {**order, "financial_status": "partially_refunded", "refunds": [back]})
    assert outcome(again)[1] == "duplicate"
    assert amounts(str(order["id"])) == ("approved", Decimal("100.00"), Decimal(expected))


def test_an_amount_refunded_beside_the_lines_counts_too(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    shopify(site, row, NEW, order)
    extra = [{"kind": "refund_discrepancy", "amount": "-7.50"}, {"kind": "shipping_refund", "amount": "-5.00"}]
    shopify(site, row, "refunds/create", shopify_refund(order["id"], "0.00", order_adjustments=extra))
    assert amounts(str(order["id"]))[2] == Decimal("7.50")


def test_a_refund_of_shipping_alone_changes_nothing(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    shopify(site, row, NEW, order)
    back = shopify_refund(order["id"], "0.00", order_adjustments=[{"kind": "shipping_refund", "amount": "-5.00"}])
    assert outcome(shopify(site, row, "refunds/create", back))[:2] == (200, "ignored")


def test_a_refund_before_its_order_waits_for_it(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    back = shopify_refund(order["id"], "10.00")
    assert outcome(shopify(site, row, "refunds/create", back)) == (200, "held", "waiting_for_sale")
    shopify(site, row, NEW, order)
    assert amounts(str(order["id"]))[2] == Decimal("10.00")


def test_a_cancellation_takes_the_order_back(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    shopify(site, row, NEW, order)
    cancelled = {**order, "cancelled_at": "2026-11-29T10:00:00Z", "financial_status": "refunded"}
    assert outcome(shopify(site, row, "orders/cancelled", cancelled))[1] == "updated"
    assert sale(str(order["id"])).status == "rejected"


def test_one_that_was_never_paid_does_not_wait(shop: Shop, site: Standing) -> None:
    row = shop.connect("shopify")
    cancelled = shopify_order(shop.click(), cancelled_at="2026-11-29T10:00:00Z", financial_status="voided")
    assert outcome(shopify(site, row, "orders/cancelled", cancelled))[:2] == (200, "ignored")


def test_a_test_order_never_pays(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click(), test=True)
    shopify(site, row, NEW, order)
    shopify(site, row, "refunds/create", shopify_refund(order["id"], "10.00"))
    assert (sale(str(order["id"])).is_test, amounts(str(order["id"]))[2]) == (True, Decimal("10.00"))


def test_discount_codes_are_coupons(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(customer=None, discount_codes=[{"code": "VERBENA10"}])
    shopify(site, row, NEW, order)
    assert sale(str(order["id"])).affiliate == shop.ana


def test_a_delivery_that_is_repeated_is_a_duplicate(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("shopify"), shopify_order(shop.click())
    ids = {"x-shopify-webhook-id": new(), "x-shopify-event-id": new()}
    assert [outcome(shopify(site, row, NEW, order, **ids))[1] for _ in range(2)] == ["accepted", "duplicate"]


@pytest.mark.parametrize("signature", ["", "AAAA", in_base64(b"another")])
def test_a_wrong_signature_is_refused(shop: Shop, site: Standing, signature: str) -> None:
    row, body = shop.connect("shopify"), json.dumps(shopify_order(shop.click())).encode()
    headers = {"x-shopify-topic": NEW, "x-shopify-hmac-sha256": signature}
    assert outcome(post(site, row, body, headers)) == (401, "unauthorized", "bad_signature")


def test_lists_that_are_none_are_read_as_empty(shop: Shop, site: Standing) -> None:
    row = shop.connect("shopify")
    order = shopify_order(shop.click(), refunds=None, discount_codes="x", note_attributes=[None, 1], line_items={})
    order["note_attributes"].append({"name": "click_id", "value": shop.click()})
    assert outcome(shopify(site, row, NEW, order))[1] == "accepted"
