"""WooCommerce's webhooks: HTTP in, answers and sales out."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from conversions.models import Conversion, ParkedPostback, Postback
from tests.asgi_client import Standing, standing
from tests.conversions.sources.shops import Shop, amounts, in_base64, outcome, post, said, sale, woo, woo_order

pytestmark = pytest.mark.django_db(transaction=True)
NEW, CHANGED = "order.created", "order.updated"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def site(shop: Shop) -> Iterator[Standing]:
    with standing() as application:
        yield application


def test_an_order_counts_without_tax_and_shipping(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click(), customer_id=42)
    assert outcome(woo(site, row, NEW, order)) == (200, "accepted", "ok")
    found = sale(str(order["id"]))
    assert (found.affiliate, found.revenue, found.currency) == (shop.ana, Decimal("100.00"), "EUR")
    assert found.customer.customer_id == "42"


def test_nothing_of_the_customers_address_is_stored(shop: Shop, site: Standing) -> None:
    woo(site, shop.connect("woocommerce"), NEW, woo_order(shop.click()))
    stored = Postback.objects.get()
    assert "shopper" not in json.dumps([stored.parameters, stored.body, stored.headers, stored.event])


def test_guests_are_not_one_customer(shop: Shop, site: Standing) -> None:
    row = shop.connect("woocommerce")
    for link in (shop.ana_link, shop.ben_link):
        order = woo_order(shop.click(link), customer_id=0)
        woo(site, row, NEW, order)
        assert sale(str(order["id"])).affiliate == link.enrollment.affiliate


def test_an_order_counts_once_it_is_paid(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click(), status="on-hold")
    assert outcome(woo(site, row, NEW, order))[:2] == (200, "ignored")
    assert outcome(woo(site, row, CHANGED, {**order, "status": "processing"}))[1] == "accepted"
    assert outcome(woo(site, row, CHANGED, {**order, "status": "completed"}))[1] == "duplicate"


@pytest.mark.parametrize("status", ["cancelled", "failed", "trash"])
def test_a_status_takes_it_back(shop: Shop, site: Standing, status: str) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click())
    woo(site, row, NEW, order)
    assert outcome(woo(site, row, CHANGED, {**order, "status": status})) == (200, "updated", "status_updated")
    assert sale(str(order["id"])).status == "rejected"


def test_a_deleted_order_is_taken_back(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click())
    woo(site, row, NEW, order)
    assert outcome(woo(site, row, "order.deleted", {"id": order["id"]}))[1] == "updated"
    assert sale(str(order["id"])).status == "rejected"


def test_refunds_take_back_their_share_and_all_of_them_all(shop: Shop, site: Standing) -> None:
    """31.00 and 31.01 of 124.00 are 25.00 and 25.01 of 100.00; the last one is what is left."""
    row, order = shop.connect("woocommerce"), woo_order(shop.click())
    woo(site, row, NEW, order)
    refunds = [{"id": 9, "total": "-31.00"}]
    answer = woo(site, row, CHANGED, {**order, "refunds": refunds})
    assert (outcome(answer)[1], said(answer)["events"]) == ("updated", 2)
    assert amounts(str(order["id"]))[2] == Decimal("25.00")
    refunds = [{"id": 11, "total": "-31.01"}, *refunds]
    woo(site, row, CHANGED, {**order, "refunds": refunds})
    assert amounts(str(order["id"]))[2] == Decimal("50.01")
    refunds.append({"id": 12, "total": "-61.99"})
    for _ in range(2):
        woo(site, row, CHANGED, {**order, "status": "refunded", "refunds": refunds})
    assert amounts(str(order["id"])) == ("rejected", Decimal("100.00"), Decimal("100.00"))


def test_an_order_that_arrives_with_its_refund_has_both(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click(), refunds=[{"id": 3, "total": "-62.00"}])
    woo(site, row, CHANGED, order)
    assert amounts(str(order["id"])) == ("approved", Decimal("100.00"), Decimal("50.00"))


def test_a_cancellation_before_its_order_waits_for_it(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click())
    cancelled = woo(site, row, CHANGED, {**order, "status": "cancelled"})
    assert outcome(cancelled) == (200, "held", "waiting_for_sale")
    woo(site, row, NEW, order)
    assert sale(str(order["id"])).status == "rejected"
    assert not ParkedPostback.objects.exists()


def test_a_coupon_credits_its_affiliate(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(coupon_lines=[{"code": "verbena10"}, {"code": "free"}])
    assert outcome(woo(site, row, NEW, order))[1] == "accepted"
    assert sale(str(order["id"])).affiliate == shop.ana


def test_the_ping_is_answered(shop: Shop, site: Standing) -> None:
    row = shop.connect("woocommerce")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert post(site, row, b"webhook_id=12", form).status == 200
    assert not Postback.objects.exists()


@pytest.mark.parametrize("signature", ["", "AAAA", "é", in_base64(b"another"), in_base64(b"{}", "another secret")])
def test_a_wrong_signature_is_refused(shop: Shop, site: Standing, signature: str) -> None:
    row, body = shop.connect("woocommerce"), json.dumps(woo_order(shop.click())).encode()
    headers = {"x-wc-webhook-topic": NEW, "x-wc-webhook-signature": signature}
    assert outcome(post(site, row, body, headers)) == (401, "unauthorized", "bad_signature")
    assert Postback.objects.get().advertiser == shop.advertiser
    assert not Conversion.objects.exists()


def test_other_amounts_for_a_known_order_are_a_conflict_for_a_person(shop: Shop, site: Standing) -> None:
    row, order = shop.connect("woocommerce"), woo_order(shop.click())
    woo(site, row, NEW, order)
    edited = {**order, "line_items": [{"id": 1, "total": "60.00"}]}
    assert outcome(woo(site, row, CHANGED, edited)) == (200, "conflict", "transaction_conflict")
    assert amounts(str(order["id"]))[1] == Decimal("100.00")
