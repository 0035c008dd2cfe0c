"""Amounts in the smallest unit are the right amounts, in every currency of ISO 4217 that has an account here."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.sources.base import parsed
from conversions.sources.documents import Document
from conversions.sources.errors import Unreadable
from conversions.sources.stripe import Stripe, whole
from conversions.sources.woocommerce import WooCommerce
from records.money import PLACES

# As Stripe's documentation lists them; all others have two decimals.
STRIPE = {
    0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
    3: "BHD JOD KWD OMR TND",
    # Two in the interface, although the currency has none.
    2: "ISK UGX HUF TWD",
}
LISTED = {code: places for places, codes in STRIPE.items() for code in codes.split()}
# Stripe has none of these: they follow ISO 4217.
ELSEWHERE = frozenset({"IQD", "LYD", "UYI", "CLF", "UYW"})
ISO = sorted(code for code, places in PLACES.items() if places <= 4)


def decimals_of(currency: str) -> int:
    return LISTED.get(currency, PLACES[currency] if currency in ELSEWHERE else 2)


@given(currency=st.sampled_from(ISO), units=st.integers(0, 10**12), lower=st.booleans())
def test_stripes_smallest_unit_is_read_rightly(currency: str, units: int, lower: bool) -> None:
    found = whole(str(units), currency.lower() if lower else currency)
    assert Decimal(found) == Decimal(units) / 10 ** decimals_of(currency)
    assert "E" not in found


@given(currency=st.sampled_from(ISO), units=st.integers(1, 10**9))
def test_a_checkout_carries_it_to_the_event(currency: str, units: int) -> None:
    text = (
        '{"type":"checkout.session.completed","created":1,"livemode":true,"data":{"object":{"mode":"payment",'
        f'"payment_status":"paid","payment_intent":"pi_1","amount_total":{units},"currency":"{currency.lower()}"}}}}}}'
    )
    [event] = Stripe().read("checkout.session.completed", parsed(text.encode())).events
    assert Decimal(event.values["revenue"]) == Decimal(units) / 10 ** decimals_of(currency)
    assert event.values["currency"] == currency


_cents = st.integers(0, 100_000)


@given(
    net=st.lists(st.integers(1, 100_000), min_size=1, max_size=5),
    more=_cents,
    parts=st.lists(_cents, min_size=1, max_size=6),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_refunds_of_an_order_are_never_more_than_it_and_all_of_them_all(
    net: list[int], more: int, parts: list[int], currency: str
) -> None:
    """WooCommerce says what went back with tax and shipping: each refund takes its share."""
    unit = Decimal(1).scaleb(-PLACES[currency])
    goods, gross = sum(net) * unit, (sum(net) + more) * unit
    order = {
        "id": "1",
        "status": "completed",
        "currency": currency,
        "total": str(gross),
        "line_items": [{"total": str(each * unit)} for each in net],
        "refunds": [{"id": str(n), "total": f"-{part * unit}"} for n, part in enumerate(parts)],
    }
    sale, *refunds = WooCommerce().read("order.updated", Document(order)).events
    back = [Decimal(each.values["refund"]) for each in refunds]
    assert Decimal(sale.values["revenue"]) == goods
    assert all(each > 0 and each % unit == 0 for each in back)
    assert sum(back) <= goods
    assert (sum(back) == goods) >= (sum(parts) * unit >= gross)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999999", "-", "1,5", "9" * 41, "0x10"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        whole(text, "EUR")
