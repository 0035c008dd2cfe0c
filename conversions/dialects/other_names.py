"""The names that senders use for our fields: the one table of them, and what a name means.

A name is compared in small letters, without signs: `Order-ID`, `orderId` and `order_id[]` are one name. Four lists:

- `READ_AS`: names that mean one field wherever they are used. Where the field is empty they are read, with a warning.
- `TWO_FIELDS`: names of one field on some platforms and of another on others. Where one of them is empty the request is
  refused: a guess would book a click as a transaction.
- `ALSO_LABELS`: names that may mean a field, or the sender's own label. They stay labels, with a warning where the
  field is empty; they explain a missing click ID, though.
- Names that differ by one character from one of these are taken for a typing mistake, with a warning.
"""

from functools import lru_cache
from typing import NamedTuple

from conversions.dialects.mapping import NAMES
from web.characters import visible

READ_AS: dict[str, str] = {
    "click_id": "click_id clickid reqid ckm_request_id",
    "txid": """
        tx_id txn txn_id trans_id transid transaction transaction_id transaction_number order order_id order_number
        order_no order_ref order_reference invoice invoice_id invoice_number sale_id purchase_id payment_id charge_id
        action_id conversion_unique_id unique_id event_id deal_id deposit_id
    """,
    "event_type": """
        event event_name event_code goal goal_id goal_code goal_name goal_value et conversion_type conv_type
    """,
    "payout": "payout_amount commission commission_amount",
    "revenue": """
        amount amt sum sale sale_amount sale_value order_amount order_total order_value total_amount total_cost
        transaction_amount transaction_value revenue_amount gross_amount net_amount cart_total cart_value
    """,
    "currency": """
        cur curr ccy currency_code currency_iso iso_currency currency_id sale_currency order_currency cnv_currency
        revenue_currency amount_currency payout_currency
    """,
    "status": "conv_status cnv_status conversion_status action_status event_status",
    "timestamp": """
        event_time event_date event_timestamp conversion_time conversion_date conversion_timestamp transaction_time
        transaction_date occurred_at happened_at datetime date_time
    """,
    "customer_id": """
        user_id player_id customer_id trader_id buyer_id member_id external_user_id customer_external_id
        external_customer_id
    """,
    "coupon": "coupon_code promo_code voucher voucher_code discount_code",
    "refund": "refund_amount refunded_amount amount_refunded",
    "refund_id": "refund_id refund_reference",
    "volume": "traded_volume trade_volume",
}
# The fields, and a word for what else it is.
TWO_FIELDS: dict[str, tuple[str, ...]] = {
    "tid": ("txid", "click_id"),
    "cnv_id": ("click_id", "txid"),
    "conversion_id": ("txid", "click_id"),
}
ALSO_LABELS: dict[str, dict[str, str]] = {
    "click_id": {
        "cid": "a campaign or a customer", "subid": "a label", "sub_id": "a label", "s2": "a label", "sub2": "a label",
        "aff_click_id": "the affiliate's own click ID", "click": "a label",
    },
    "txid": {"oid": "an offer", "reference": "a label", "ref_id": "a label", "external_id": "a label", "id": "a label"},
    "event_type": {"type": "a label", "action": "a label"},
    "revenue": {
        "price": "the price of one piece", "value": "a label", "total": "a label", "subtotal": "a label",
        "turnover": "a label", "income": "a label", "ngr": "a label", "ggr": "a label",
    },
    "status": {
        "state": "a region", "order_status": "the shop's own status", "payment_status": "the shop's own status",
        "lead_status": "a list of words",
    },
    "timestamp": {"time": "a label", "date": "a label", "created_at": "a label", "order_date": "a label"},
    "customer_id": {"customer": "a name", "client_id": "a browser", "uid": "a label", "account_id": "an account"},
    "coupon": {"promo": "a campaign", "discount": "an amount"},
    "refund": {"refunded": "a yes or no", "is_refund": "a yes or no"},
}  # fmt: skip

OWN, ALIAS, AMBIGUOUS, LABEL, NEAR, TEST, UNKNOWN = "own", "alias", "ambiguous", "label", "near", "test", "unknown"
# The test flag in its usual spellings; `livemode=false` is Stripe's.
TEST_NAMES = frozenset(
    {"test", "istest", "testmode", "testevent", "testorder", "testconversion", "sandbox", "issandbox", "sandboxmode"}
)
LIVE_NAMES = frozenset({"livemode", "islive"})
# A shorter name is too near to too many others.
SHORTEST_NEAR = 5


class Meaning(NamedTuple):
    """What a name means: its kind, the fields, our name for the first, and what else it may be."""

    kind: str
    fields: tuple[str, ...] = ()
    name: str = ""
    otherwise: str = ""


def squashed(name: str) -> str:
    """The letters and digits of a name, in small letters; a list's brackets are left out."""
    head, bracket, index = name.strip().partition("[")
    if bracket and index.rstrip("]").isdigit() or index == "]":
        name = head
    return "".join(character for character in name.lower() if character.isalnum())


def _keys(text: str) -> list[str]:
    return [squashed(name) for name in text.split()]


_OWN = {name: field for field, names in NAMES.items() for name in names}
_READ = {key: field for field, names in READ_AS.items() for key in _keys(names)} | {
    squashed(name): field for name, field in _OWN.items()
}
_TWO = {squashed(name): fields for name, fields in TWO_FIELDS.items()}
_LABELS = {
    squashed(name): (field, otherwise) for field, names in ALSO_LABELS.items() for name, otherwise in names.items()
}


def _shorter(word: str) -> set[str]:
    """The word, and the word without each of its characters."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


_NEAR: dict[str, str] = {
    part: field for key, field in sorted(_READ.items()) if len(key) >= SHORTEST_NEAR for part in sorted(_shorter(key))
}


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> Meaning:
    """What a parameter's name means to an endpoint that reads our names."""
    plain = visible(name).lower()
    if plain in _OWN:
        return Meaning(OWN, (_OWN[plain],), plain)
    key = squashed(plain)
    if key in TEST_NAMES or key in LIVE_NAMES:
        return Meaning(TEST)
    if key in _TWO:
        return Meaning(AMBIGUOUS, _TWO[key])
    if key in _READ:
        return Meaning(ALIAS, (_READ[key],), NAMES[_READ[key]][0])
    if key in _LABELS:
        field, otherwise = _LABELS[key]
        return Meaning(LABEL, (field,), NAMES[field][0], otherwise)
    near = _near(key)
    return Meaning(NEAR, (near,), NAMES[near][0]) if near else Meaning(UNKNOWN)


def _near(key: str) -> str:
    """The field whose name differs from this one by a character; numbered names are labels."""
    if len(key) < SHORTEST_NEAR or key[-1].isdigit() or not key.isascii():
        return ""
    return next((_NEAR[part] for part in sorted(_shorter(key), key=len, reverse=True) if part in _NEAR), "")


def is_test_name(name: str) -> bool:
    return meaning_of(name).kind == TEST


def is_live_name(name: str) -> bool:
    return squashed(name) in LIVE_NAMES
