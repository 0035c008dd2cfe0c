"""Numbers as the arithmetic of a line writes them."""

from decimal import Decimal

from records.money import PLACES
from records.words import plain


def exact(amount: Decimal, currency: str) -> str:
    """`80.00 EUR`: at least the currency's own places, and more when the amount has more."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(PLACES.get(currency, 0), "0")
    return f"{whole}{'.' if decimals else ''}{decimals} {currency}"
