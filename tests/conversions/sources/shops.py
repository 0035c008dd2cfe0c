"""A shop with Ana's and Ben's links and its connections, and signed webhooks in the form of each platform."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from affiliates.models import Advertiser, Affiliate, Offer
from conversions.models import Conversion, SourceConnection
from conversions.sources.connections import address_of, new_connection, set_secrets
from tests.asgi_client import Answer, Standing
from tests.factories import (
    AdvertiserFactory,
    AffiliateFactory,
    ClickFactory,
    CouponCodeFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tracking.click_id import codec
from tracking.models import TrackingLink

SECRET = "whsec_of_the_shop"
GOALS = {
    "stripe": {"checkout": "purchase", "subscription": "subscription", "renewal": "renewal"},
    "woocommerce": {"order": "purchase"},
    "shopify": {"order": "purchase"},
    "mt5": {"trade": "trade", "opening": "", "deposit": "deposit"},
    "daily_activity": {
        "registration": "registration", "ftd": "", "deposit": "deposit", "net_revenue": "net_revenue",
    },
}  # fmt: skip
_numbers = itertools.count(1)


class Shop:
    """Casa Verbena, which sells through every platform."""

    def __init__(self, name: str = "Casa Verbena", *, coupon: str = "VERBENA10", **offer: Any) -> None:
        self.advertiser: Advertiser = AdvertiserFactory(name=name)
        given = {"customer_lock": Offer.CustomerLock.FIRST, "attribution_window": timedelta(days=30), **offer}
        self.offer: Offer = OfferFactory(advertiser=self.advertiser, **given)
        self.ana, self.ana_link = self._enroll("Ana")
        self.ben, self.ben_link = self._enroll("Ben")
        for code in ("purchase", "subscription", "renewal", "registration", "trade", "deposit", "net_revenue"):
            GoalFactory(offer=self.offer, code=code, name=code.capitalize())
        CouponCodeFactory(code=coupon, enrollment=self.ana_link.enrollment)

    def _enroll(self, name: str) -> tuple[Affiliate, TrackingLink]:
        affiliate = AffiliateFactory(name=name)
        return affiliate, TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=affiliate, offer=self.offer))

    def connect(self, source: str, *, secrets: tuple[str, ...] = (SECRET,), **fields: Any) -> SourceConnection:
        row = new_connection(advertiser=self.advertiser, source=source)
        set_secrets(row, secrets)
        row.goals = GOALS[source]
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
        return row

    def click(self, link: TrackingLink | None = None, *, ago: timedelta = timedelta(hours=3)) -> str:
        clicked_at = datetime.now(UTC) - ago
        return codec.text_of(ClickFactory(link=link or self.ana_link, clicked_at=clicked_at).id)


def new(prefix: str = "") -> str:
    return f"{prefix}{10_000 + next(_numbers)}"


def path_of(row: SourceConnection) -> str:
    return "/sources/" + address_of(row).partition("/sources/")[2]


def post(site: Standing, row: SourceConnection, body: bytes, headers: dict[str, str], **kwargs: Any) -> Answer:
    given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    answer: Answer = site.request("POST", path_of(row), body=body, headers=given, **kwargs)
    return answer


def said(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


def outcome(answer: Answer) -> tuple[int, str, str]:
    body = said(answer)
    return answer.status, body["outcome"], body["reason"]


def sale(transaction: str) -> Conversion:
    found: Conversion = Conversion.objects.get(transaction_id=transaction)
    return found


def amounts(transaction: str) -> tuple[str, Decimal, Decimal]:
    """Status, revenue and what was refunded of a sale."""
    row = sale(transaction)
    assert row.revenue is not None
    return row.status, row.revenue, row.refunded


# Stripe


def stripe_event(kind: str, found: dict[str, Any], **fields: Any) -> bytes:
    event = {
        "id": new("evt_"),
        "object": "event",
        "type": kind,
        "created": int(datetime.now(UTC).timestamp()),
        "livemode": True,
        "data": {"object": found},
        **fields,
    }
    return json.dumps(event).encode()


def stripe_signature(body: bytes, *, secret: str = SECRET, at: float | None = None, before: str = "") -> str:
    sent_at = int(datetime.now(UTC).timestamp() if at is None else at)
    made = hmac.new(secret.encode(), b"%d." % sent_at + body, hashlib.sha256).hexdigest()
    return f"t={sent_at},{before}v1={made},v0=ignored"


def stripe(site: Standing, row: SourceConnection, kind: str, found: dict[str, Any], **fields: Any) -> Answer:
    body = stripe_event(kind, found, **fields)
    return post(site, row, body, {"stripe-signature": stripe_signature(body)})


def checkout(click: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "id": new("cs_"),
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": "paid",
        "amount_total": 5990,
        "currency": "eur",
        "client_reference_id": click or None,
        "customer": None,
        "payment_intent": new("pi_"),
        "invoice": None,
        "subscription": None,
        "metadata": {},
        **fields,
    }


def invoice(**fields: Any) -> dict[str, Any]:
    """An invoice in the form since 2025, without the payment in it."""
    return {
        "id": new("in_"),
        "object": "invoice",
        "amount_paid": 2900,
        "currency": "eur",
        "billing_reason": "subscription_cycle",
        "customer": "cus_1",
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {}}},
        **fields,
    }


def refund(payment: str, amount: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": new("re_"),
        "object": "refund",
        "amount": amount,
        "currency": "eur",
        "status": "succeeded",
        "payment_intent": payment,
        "charge": new("ch_"),
        **fields,
    }


def charge(payment: str, amount: int, refunded: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": new("ch_"),
        "object": "charge",
        "amount": amount,
        "amount_refunded": refunded,
        "currency": "eur",
        "payment_intent": payment,
        **fields,
    }


# WooCommerce and Shopify


def in_base64(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def woo(site: Standing, row: SourceConnection, topic: str, order: dict[str, Any]) -> Answer:
    body = json.dumps(order).encode()
    return post(site, row, body, {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": in_base64(body)})


def woo_order(click: str = "", **fields: Any) -> dict[str, Any]:
    """Two lines of 100.00 net, with tax of 19 and shipping of 5: 124.00 paid."""
    return {
        "id": int(new()),
        "status": "processing",
        "currency": "EUR",
        "total": "124.00",
        "total_tax": "19.00",
        "shipping_total": "5.00",
        "customer_id": 0,
        "date_created_gmt": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "date_paid_gmt": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "billing": {"email": "ana@shopper.example", "first_name": "Ana"},
        "line_items": [{"id": 1, "total": "70.00", "total_tax": "13.30"}, {"id": 2, "total": "30.00"}],
        "coupon_lines": [],
        "refunds": [],
        "meta_data": [{"id": 9, "key": "click_id", "value": click}] if click else [],
        **fields,
    }


def shopify(site: Standing, row: SourceConnection, topic: str, order: dict[str, Any], **headers: str) -> Answer:
    body = json.dumps(order).encode()
    sent = {"x-shopify-topic": topic, "x-shopify-hmac-sha256": in_base64(body), **headers}
    return post(site, row, body, sent)


def money_set(amount: str, presented: str = "") -> dict[str, Any]:
    shown = {"amount": presented or amount, "currency_code": "CHF"}
    return {"shop_money": {"amount": amount, "currency_code": "EUR"}, "presentment_money": shown}


def shopify_order(click: str = "", **fields: Any) -> dict[str, Any]:
    """100.00 after discounts, paid in francs."""
    return {
        "id": int(new()),
        "financial_status": "paid",
        "currency": "EUR",
        "presentment_currency": "CHF",
        "subtotal_price": "100.00",
        "subtotal_price_set": money_set("100.00", "95.00"),
        "total_price": "124.00",
        "taxes_included": False,
        "processed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "test": False,
        "customer": {"id": 77, "email": "ana@shopper.example"},
        "discount_codes": [],
        "landing_site": "/",
        "note_attributes": [{"name": "click_id", "value": click}] if click else [],
        "line_items": [],
        "refunds": [],
        **fields,
    }


def shopify_refund(order: int, subtotal: str, tax: str = "0.00", rate: str = "0", **fields: Any) -> dict[str, Any]:
    line = {
        "subtotal": subtotal,
        "subtotal_set": money_set(subtotal),
        "total_tax": tax,
        "total_tax_set": money_set(tax),
        "line_item": {"tax_lines": [{"rate": float(rate)}]},
    }
    return {
        "id": int(new()),
        "order_id": order,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "refund_line_items": [line],
        "order_adjustments": [],
        **fields,
    }
