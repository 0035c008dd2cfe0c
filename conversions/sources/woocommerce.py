"""WooCommerce: orders, their status and their refunds."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from decimal import Decimal

from conversions.sources.base import BAD, VALID, Event, Read, WebhookSource, signed_with
from conversions.sources.documents import Document, click_in, plain
from records.money import PLACES, round_money
from records.translation import gettext_lazy as _

PAID = frozenset({"processing", "completed", "refunded"})
TAKEN_BACK = frozenset({"cancelled", "failed", "trash"})


class WooCommerce(WebhookSource):
    code, title = "woocommerce", "WooCommerce"
    words = {"order": _("An order that was paid, or that the shop processes")}
    events = ("order.created", "order.updated", "order.restored", "order.deleted")
    steps = (
        _("Let the shop store the click ID with the order, in meta_data as click_id: a few lines in the theme do it."),
        _("In WooCommerce, open Settings, Advanced, Webhooks. Add a webhook with the address above as delivery URL."),
        _("Give it a secret of your own, and paste the same secret here."),
        _(
            "Make one webhook for each event listed below, with the same address and secret. Leave out order.deleted "
            "if a deleted order shall stay counted."
        ),
    )
    signed = "`X-WC-Webhook-Signature`: HMAC-SHA256 of the body, in base64"
    reads = {
        "click_id": "`meta_data`",
        "txid": "`id`",
        "revenue": "the sum of `line_items[].total`: after discounts, without tax and shipping",
        "currency": "`currency`",
        "timestamp": "`date_paid_gmt`, else `date_created_gmt`",
        "customer_id": "`customer_id`; 0 is a guest",
        "coupon": "`coupon_lines[].code`",
        "status": "`cancelled`, `failed` and `trash` take the order back; others count once they are paid",
        "refund": "`refunds[].total`, less its share of tax and shipping",
    }
    tests = "nothing: WooCommerce has no test orders of its own"
    guesses = (
        "Not verified against the live platform. The list of refunds in an order says what went back in all; the share "
        "of tax and shipping in it is taken to be that of the whole order."
    )

    def topic(self, headers: Dictionary[str, str], body: Document) -> str:
        return headers.get("x-wc-webhook-topic", "")

    def check(self, headers: Dictionary[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str:
        sent = headers.get("x-wc-webhook-signature", "").strip()
        return VALID if sent and signed_with(secrets, body, [sent], in_base64=True) else BAD

    def is_ping(self, headers: Dictionary[str, str], body: bytes) -> bool:
        """WooCommerce asks, unsigned, when a webhook is saved."""
        name, _, number = body.strip().partition(b"=")
        return name == b"webhook_id" and number.isdigit()

    def read(self, topic: str, body: Document) -> Read:
        order, status = body.text("id"), body.text("status")
        if topic not in self.events:
            return Read(why_not=f"{topic or 'A webhook without a topic'} is not read here.")
        if topic == "order.deleted" or status in TAKEN_BACK:
            return Read([Event("", {"txid": order, "status": "rejected"})])
        if status not in PAID:
            return Read(why_not=f"The order is {status or 'without a status'}: it counts once it is paid.")
        return Read([_sale(body), *_refunds(body)])


def _revenue(order: Document) -> Decimal:
    lines = [line.amount("total") for line in order.list("line_items")]
    if lines:
        return sum(lines, Decimal(0))
    return order.amount("total") - order.amount("total_tax") - order.amount("shipping_total")


def _sale(order: Document) -> Event:
    customer = order.text("customer_id")
    labels = [(each.text("key"), each.text("value")) for each in order.list("meta_data")]
    values = {
        "click_id": click_in(labels),
        "txid": order.text("id"),
        "revenue": plain(_revenue(order)),
        "currency": order.text("currency").upper(),
        "timestamp": order.text("date_paid_gmt", "date_created_gmt"),
        "customer_id": "" if customer == "0" else customer,
        "coupon": ",".join(filter(None, (each.text("code") for each in order.list("coupon_lines")))),
    }
    return Event("order", values)


def _refunds(order: Document) -> Iterator[Event]:
    """Each refund, without its share of tax and shipping; together exactly the revenue once all is refunded."""
    net, gross, currency = _revenue(order), order.amount("total"), order.text("currency").upper()
    before = back = Decimal(0)
    for each in sorted(order.list("refunds"), key=lambda refund: (len(refund.text("id")), refund.text("id"))):
        back += abs(each.amount("total"))
        after = _share(net, back, gross, currency)
        if after > before:
            values = {"txid": order.text("id"), "currency": currency, "refund_id": each.text("id")}
            yield Event("", {**values, "refund": plain(after - before)})
        before = after


def _share(net: Decimal, back: Decimal, gross: Decimal, currency: str) -> Decimal:
    if back >= gross:
        return net
    share = net * back / gross
    return round_money(share, currency) if currency in PLACES else share


SOURCE = WooCommerce
