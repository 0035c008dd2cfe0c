"""Amounts before they are rounded: exact products, and the words for them."""

from decimal import Context, Decimal
from typing import NamedTuple

from payouts.pricing.facts import PricedConversion
from payouts.pricing.words import exact
from records.words import plain

# NUMERIC(24, 8) times NUMERIC(9, 6) has up to 33 digits: exact here, so that rounding happens once.
EXACT = Context(prec=60)
ZERO = Decimal(0)


class Share(NamedTuple):
    """An amount before it is rounded, its currency, and how it comes about."""

    amount: Decimal
    currency: str
    words: str


def percent_of(base: Decimal, percent: Decimal) -> Decimal:
    return EXACT.scaleb(EXACT.multiply(base, percent), -2)


def percent_share(event: PricedConversion, percent: Decimal) -> Share | str:
    """So many percent of the event's revenue, or why that is nothing."""
    if event.revenue is None:
        return f"{plain(percent)} % of the revenue, but the event came without revenue."
    words = f"{plain(percent)} % of {exact(event.revenue, event.currency)}"
    return Share(percent_of(event.revenue, percent), event.currency, words)
