"""Stripe: checkouts, subscriptions with their renewals, refunds and disputes."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from decimal import Decimal

from conversions.sources.base import BAD, STALE, TOLERANCE, VALID, Event, Read, WebhookSource, signed_with
from conversions.sources.documents import Document, click_in, places_of, plain
from records.translation import gettext_lazy as _

# Stripe's decimals where they are not those of ISO 4217.
OTHER_PLACES = {"MGA": 0, "UGX": 2, "ISK": 2}
COMPLETED = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
REFUNDS = frozenset({"refund.created", "refund.updated", "charge.refund.updated"})
NOT_ALONE = "It is no payment of a subscription: a checkout counts it."


def whole(amount: str, currency: str) -> str:
    """An amount in Stripe's smallest unit as an amount in whole units."""
    return plain(Document({"amount": amount}).amount("amount").scaleb(-stripe_places(currency)))


def stripe_places(currency: str) -> int:
    return OTHER_PLACES.get(currency.upper(), places_of(currency))


class Stripe(WebhookSource):
    code, title = "stripe", "Stripe"
    words = {
        "checkout": _("A checkout that was paid once"),
        "subscription": _("The first payment of a subscription; 0 while it is on trial"),
        "renewal": _("A later payment of a subscription"),
    }
    later = frozenset({"renewal"})
    events = (
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "invoice.paid",
        "invoice_payment.paid",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "charge.dispute.created",
        "charge.dispute.closed",
    )
    steps = (
        _("Pass the click ID when you create the Checkout Session: as client_reference_id, or as metadata[click_id]."),
        _("In Stripe, open Developers, Webhooks, and add an endpoint with the address above."),
        _("Choose the events listed below."),
        _("Reveal the endpoint's signing secret (whsec_…) and paste it here."),
        _(
            "Let the offer's customer lock be “first” or “last”: renewals name the customer only, and the lock finds "
            "the affiliate."
        ),
    )
    signed = "`Stripe-Signature`: HMAC-SHA256 of the time and the body; the time at most five minutes from ours"
    reads = {
        "click_id": "`client_reference_id`, else `metadata`",
        "txid": "`payment_intent` of a checkout; the invoice of a subscription",
        "revenue": "`amount_total` or `amount_paid`, in Stripe's smallest unit, tax and shipping included",
        "currency": "`currency`",
        "timestamp": "`created` of the event",
        "customer_id": "`customer`",
        "coupon": "`metadata.coupon`",
        "refund": "`amount` of a refund that succeeded, or of a dispute that was lost",
    }
    tests = "`livemode` is false"
    guesses = (
        "Not verified against the live platform. Amounts are what the customer paid, tax and shipping included, since "
        "Stripe's refunds and disputes do not say what part of them is tax. A dispute takes nothing back until it is "
        "closed as lost. A refund that fails after it succeeded is not given back: an operator decides."
    )

    def topic(self, headers: Dictionary[str, str], body: Document) -> str:
        return body.text("type")

    def check(self, headers: Dictionary[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str:
        pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
        sent_at = next((value for name, _, value in pairs if name == "t"), "")
        signatures = [value for name, _, value in pairs if name == "v1"]
        if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 15):
            return BAD
        if not signed_with(secrets, sent_at.encode() + b"." + body, signatures):
            return BAD
        return VALID if abs(now - int(sent_at)) <= TOLERANCE else STALE

    def read(self, topic: str, body: Document) -> Read:
        found = body["data.object"]
        common = {
            "currency": found.text("currency").upper(),
            "timestamp": body.text("created"),
            "test": "1" if body.is_false("livemode") or found.is_false("livemode") else "",
        }
        if topic in COMPLETED:
            return _checkout(found, common)
        if topic == "invoice.paid":
            return _invoice(found, common)
        if topic == "invoice_payment.paid":
            references = _paid_by(found, found.text("invoice"))
            return Read(references=references, why_not="It names the payment of an invoice.")
        if topic == "charge.refunded":
            return _charge(found, common)
        if topic in REFUNDS:
            return _refund(found, common)
        if topic.startswith("charge.dispute."):
            return _dispute(topic, found, common)
        return Read(why_not=f"{topic or 'An event without a type'} is not read here.")


def _labels(*documents: Document) -> list[tuple[str, str]]:
    return [(name, value) for each in documents for name, value in each.value.items() if isinstance(value, str)]


def _checkout(session: Document, common: dict[str, str]) -> Read:
    if session.text("payment_status") == "unpaid":
        return Read(why_not="The payment has not arrived: checkout.session.async_payment_succeeded counts it.")
    mode = session.text("mode")
    if mode == "setup":
        return Read(why_not="A checkout in setup mode takes no payment.")
    is_subscription = mode == "subscription"
    named = ("invoice", "subscription", "id") if is_subscription else ("payment_intent", "id")
    click = session.text("client_reference_id") or click_in(_labels(session["metadata"]))
    values = {
        **common,
        "click_id": click,
        "txid": session.text(*named),
        "revenue": whole(session.text("amount_total") or "0", common["currency"]),
        "customer_id": session.text("customer"),
        "coupon": session.text("metadata.coupon"),
    }
    payment = session.text("payment_intent")
    references = [(payment, session.text("invoice"))] if is_subscription and payment else []
    return Read([Event("subscription" if is_subscription else "checkout", values)], _complete(references))


def _invoice(invoice: Document, common: dict[str, str]) -> Read:
    invoice_id, why = invoice.text("id"), invoice.text("billing_reason")
    references = _complete([*_paid_by(invoice, invoice_id), *_payments(invoice, invoice_id)])
    details = "parent.subscription_details"
    subscription = invoice.text("subscription", f"{details}.subscription")
    is_first = why == "subscription_create"
    amount = whole(invoice.text("amount_paid") or "0", common["currency"])
    if not (subscription or why.startswith("subscription")):
        return Read((), references, NOT_ALONE)
    if not is_first and not Decimal(amount):
        return Read((), references, "Nothing was paid.")
    labels = _labels(invoice[f"{details}.metadata"], invoice["subscription_details.metadata"], invoice["metadata"])
    customer = invoice.text("customer")
    values = {
        **common,
        # A renewal belongs to its customer, however long ago the click was.
        "click_id": click_in(labels) if is_first or not customer else "",
        "txid": invoice_id,
        "revenue": amount,
        "customer_id": customer,
    }
    return Read([Event("subscription" if is_first else "renewal", values)], references)


def _payments(invoice: Document, invoice_id: str) -> Iterator[tuple[str, str]]:
    """The payments of an invoice that lists them."""
    for each in invoice["payments"].list("data"):
        yield from _paid_by(each, invoice_id)


def _paid_by(found: Document, invoice_id: str) -> list[tuple[str, str]]:
    """The payment and the charge that paid an invoice: refunds and disputes name these alone."""
    names = (found.text(path) for path in ("payment_intent", "charge", "payment.payment_intent", "payment.charge"))
    return _complete([(name, invoice_id) for name in names])


def _complete(references: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, transaction) for name, transaction in references if name and transaction and name != transaction]


def _charge(charge: Document, common: dict[str, str]) -> Read:
    """The refunds of a charge: each by its ID where they are listed, else all together."""
    invoice = charge.text("invoice")
    names = (charge.text("payment_intent"), charge.text("id"))
    references = _complete([(name, invoice) for name in names])
    txid = names[0] or names[1]
    listed = [each for each in charge["refunds"].list("data") if each.text("status") in ("succeeded", "")]
    if listed:
        return Read([_taken_back(each, txid, common) for each in listed], references)
    total = whole(charge.text("amount_refunded") or "0", common["currency"])
    return Read([Event("", {**common, "txid": txid, "refund": total, "refund_total": "1"})], references)


def _refund(refund: Document, common: dict[str, str]) -> Read:
    status = refund.text("status")
    if status != "succeeded":
        return Read(why_not=f"The refund is {status or 'without a status'}: it counts once it has succeeded.")
    return Read([_taken_back(refund, refund.text("payment_intent", "charge"), common)])


def _dispute(topic: str, dispute: Document, common: dict[str, str]) -> Read:
    status = dispute.text("status")
    if topic != "charge.dispute.closed" or status != "lost":
        return Read(why_not=f"The dispute is {status or 'open'}: it takes the sale back once it is closed as lost.")
    return Read([_taken_back(dispute, dispute.text("payment_intent", "charge"), common)])


def _taken_back(found: Document, txid: str, common: dict[str, str]) -> Event:
    amount = whole(found.text("amount") or "0", common["currency"])
    return Event("", {**common, "txid": txid, "refund": amount, "refund_id": found.text("id")})


SOURCE = Stripe
