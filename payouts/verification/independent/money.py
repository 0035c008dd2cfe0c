"""Rounding to a currency's decimals, and amounts in words."""

from collections.abc import Sequence
from fractions import Fraction

ZERO = Fraction(0)
# ISO 4217 gives most currencies two decimals; these have others. Crypto currencies as programs pay them.
_OTHERS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    6: "USDC USDT",
    8: "BCH BNB BTC DOGE ETH LTC SOL TRX XRP",
}
DECIMALS = {currency: number for number, currencies in _OTHERS.items() for currency in currencies.split()}
# The ledger's column has 24 digits, eight of them decimals.
LARGEST = 10**16


def decimals(currency: str) -> int:
    return DECIMALS.get(currency, 2)


def rounded(amount: Fraction, currency: str) -> Fraction:
    """To the currency's decimals, the half away from zero."""
    return Fraction(_whole_units(amount, currency), _units(currency))


def rounded_together(amounts: Sequence[Fraction], currency: str) -> list[Fraction]:
    """Parts that add up to their sum, rounded: each loses its fraction, and the units that are then missing go to the
    parts that lost most, the first of equals first.
    """
    units = _units(currency)
    exact = [abs(amount) * units for amount in amounts]
    whole = [int(each) for each in exact]
    missing = abs(_whole_units(sum(amounts, ZERO), currency)) - sum(whole)
    by_loss = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    for place in by_loss[:missing]:
        whole[place] += 1
    return [Fraction(number if amount >= 0 else -number, units) for number, amount in zip(whole, amounts, strict=True)]


def shown(amount: Fraction, currency: str) -> str:
    """`80.00 EUR`; an amount between two units is shown to the nearest."""
    number = _whole_units(amount, currency)
    digits = f"{abs(number):0{decimals(currency) + 1}d}"
    whole, part = digits[: len(digits) - decimals(currency)], digits[len(digits) - decimals(currency) :]
    return f"{'-' if number < 0 else ''}{whole}{'.' if part else ''}{part} {currency}"


def _units(currency: str) -> int:
    return int(10 ** decimals(currency))


def _whole_units(amount: Fraction, currency: str) -> int:
    """The amount in the currency's smallest units: half a unit more, then without what is left over."""
    top, bottom = abs(amount.numerator), amount.denominator
    number = (2 * top * _units(currency) + bottom) // (2 * bottom)
    return -number if amount < 0 else number
