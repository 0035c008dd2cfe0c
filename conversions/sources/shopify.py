"""Shopify: orders, cancellations and refunds."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from decimal import Decimal

from conversions.sources.base import BAD, VALID, Event, Read, WebhookSource, signed_with
from conversions.sources.documents import Document, click_in, click_in_address, plain
from records.translation import gettext_lazy as _

ORDERS = frozenset({"orders/create", "orders/paid", "orders/updated", "orders/cancelled"})
PAID = frozenset({"paid", "partially_refunded", "refunded"})
NEVER_PAID = frozenset({"pending", "authorized", "voided", "expired"})


class Shopify(WebhookSource):
    code, title = "shopify", "Shopify"
    words = {"order": _("An order that was paid")}
    events = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "refunds/create")
    steps = (
        _(
            "Nothing is needed for the click ID where the visitor lands on the shop: Shopify reports the landing page. "
            "Else store it as a cart attribute named click_id."
        ),
        _("In Shopify, open Settings, Notifications, Webhooks, and make one for each event listed below, as JSON."),
        _("Give each the address above."),
        _("Copy the key that Shopify shows below its webhooks and paste it here; of an app it is the client secret."),
    )
    signed = "`X-Shopify-Hmac-Sha256`: HMAC-SHA256 of the body, in base64"
    reads = {
        "click_id": "`note_attributes`, else the query of `landing_site`",
        "txid": "`id`",
        "revenue": "`subtotal_price_set.shop_money`: after discounts, without shipping and tax",
        "currency": "`currency`, the shop's",
        "timestamp": "`processed_at`, else `created_at`",
        "customer_id": "`customer.id`",
        "coupon": "`discount_codes[].code`",
        "status": "a cancellation takes the order back; an order counts once `financial_status` says that it was paid",
        "refund": "`refund_line_items[].subtotal_set.shop_money`, and what was refunded beside the lines",
    }
    tests = "`test` is true"
    guesses = (
        "Not verified against the live platform. Where the shop's prices include tax (`taxes_included`), the tax of "
        "the lines is taken off; a refund's lines do not say so, and their tax rate shows which it is."
    )

    def topic(self, headers: Dictionary[str, str], body: Document) -> str:
        return headers.get("x-shopify-topic", "")

    def check(self, headers: Dictionary[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str:
        sent = headers.get("x-shopify-hmac-sha256", "").strip()
        return VALID if sent and signed_with(secrets, body, [sent], in_base64=True) else BAD

    def read(self, topic: str, body: Document) -> Read:
        if topic == "refunds/create":
            refunds = [*_refund(body, body.text("order_id"))]
            return Read(refunds, why_not="No goods were refunded: shipping and tax do not count.")
        if topic not in ORDERS:
            return Read(why_not=f"{topic or 'A webhook without a topic'} is not read here.")
        return _order(topic, body)


def _order(topic: str, order: Document) -> Read:
    paid = order.text("financial_status")
    is_test = "1" if order.is_true("test") else ""
    if topic == "orders/cancelled" or order.text("cancelled_at"):
        if paid in NEVER_PAID:
            return Read(why_not="The order was cancelled before it was paid.")
        return Read([Event("", {"txid": order.text("id"), "status": "rejected", "test": is_test})])
    if paid not in PAID:
        return Read(why_not=f"The order is {paid or 'not paid'}: it counts once it is paid.")
    refunds = [event for each in order.list("refunds") for event in _refund(each, order.text("id"), is_test)]
    return Read([_sale(order, is_test), *refunds])


def money(found: Document, name: str) -> Decimal:
    """An amount in the shop's currency."""
    return found.amount(f"{name}_set.shop_money.amount", name)


def _sale(order: Document, is_test: str) -> Event:
    revenue = money(order, "subtotal_price")
    if order.is_true("taxes_included"):
        lines = order.list("line_items")
        revenue -= sum((money(tax, "price") for line in lines for tax in line.list("tax_lines")), Decimal(0))
    labels = [(each.text("name"), each.text("value")) for each in order.list("note_attributes")]
    values = {
        "click_id": click_in(labels) or click_in_address(order.text("landing_site")),
        "txid": order.text("id"),
        "revenue": plain(revenue),
        "currency": order.text("subtotal_price_set.shop_money.currency_code", "currency").upper(),
        "timestamp": order.text("processed_at", "created_at"),
        "customer_id": order.text("customer.id"),
        "coupon": ",".join(filter(None, (each.text("code") for each in order.list("discount_codes")))),
        "test": is_test,
    }
    return Event("order", values)


def _refund(refund: Document, order: str, is_test: str = "") -> Iterator[Event]:
    """What was refunded of the goods, if anything."""
    back = sum((_line(each) for each in refund.list("refund_line_items")), Decimal(0))
    # More was refunded than the lines say where the discrepancy is negative.
    adjustments = refund.list("order_adjustments")
    beside = (money(each, "amount") for each in adjustments if each.text("kind") == "refund_discrepancy")
    back -= sum(beside, Decimal(0))
    if back > 0:
        values = {"txid": order, "refund": plain(back), "refund_id": refund.text("id"), "test": is_test}
        yield Event("", {**values, "timestamp": refund.text("processed_at", "created_at")})


def _line(line: Document) -> Decimal:
    """The refund of a line without its tax, which the subtotal includes where the shop's prices do."""
    subtotal, tax = money(line, "subtotal"), money(line, "total_tax")
    rate = sum((each.amount("rate") for each in line["line_item"].list("tax_lines")), Decimal(0))
    if not (tax and rate):
        return subtotal
    on_top, within = subtotal * rate, subtotal * rate / (1 + rate)
    return subtotal - tax if abs(tax - within) < abs(tax - on_top) else subtotal


SOURCE = Shopify
