"""Numbers as the arithmetic of a line writes them."""

from decimal import Decimal

from records.money import PLACES


def plain(number: Decimal) -> str:
    """A number without trailing zeros or exponent: 12.500000 is 12.5, 100 stays 100."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(amount: Decimal, currency: str) -> str:
    """`80.00 EUR`: at least the currency's own places, and more when the amount has more."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(PLACES.get(currency, 0), "0")
    return f"{whole}{'.' if decimals else ''}{decimals} {currency}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
