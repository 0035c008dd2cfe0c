"""The meaning of banks' and wallets' statuses for a payout. A status is final only where its sender documents it so.

PayPal: statuses of payout items (developer.paypal.com, "Track payout item status"). Unclaimed money has left the
account and can be claimed for 30 days; then it is Returned. PayPal may still release held or blocked items. Wise:
statuses of transfers (docs.wise.com, "Tracking transfers"). A transfer that bounced back may be sent again; it is over
with `funds_refunded`. Banks: ISO 20022 codes of payment status reports.
"""

PAID, IN_FLIGHT, RETURNED, FAILED = "paid", "in flight", "returned", "failed"

_OURS = {
    PAID: "paid done",
    IN_FLIGHT: "sent submitted created scheduled in_transit in_flight",
    RETURNED: "returned",
    FAILED: "failed rejected",
}
_PAYPAL = {
    PAID: "completed success successful",
    IN_FLIGHT: "unclaimed pending on_hold onhold held processing processed in_progress in_process new blocked "
    "under_review",
    RETURNED: "refunded reversed",
    FAILED: "denied canceled cancelled",
}
_WISE = {
    PAID: "outgoing_payment_sent",
    IN_FLIGHT: "incoming_payment_waiting incoming_payment_initiated funds_converted bounced_back",
    RETURNED: "funds_refunded charged_back",
    FAILED: "",
}
_BANKS = {
    PAID: "acsc accc",
    IN_FLIGHT: "accepted rcvd pdng part actc accp acsp acwc acwp acfc",
    RETURNED: "",
    FAILED: "rjct canc",
}
WORDS = {
    meaning: tuple(word for table in (_OURS, _PAYPAL, _WISE, _BANKS) for word in table[meaning].split())
    for meaning in (PAID, IN_FLIGHT, RETURNED, FAILED)
}
MEANING = {word: meaning for meaning, words in WORDS.items() for word in words}


def status_word(text: str) -> str:
    """A status or the name of a column as it is looked up: `On Hold`, `on-hold` and `ON_HOLD` are one."""
    return "_".join(text.lower().replace("-", " ").replace("_", " ").split())
