"""Exchanging an amount at the rates of a day: each rate is stored as units for one euro."""

from fractions import Fraction

from payouts.verification.independent.money import rounded

# Rates are kept with twelve decimals.
RATE_UNITS = 10**12


def cross_rate(base_per_euro: Fraction, quote_per_euro: Fraction) -> Fraction:
    """Units of the quoted currency for one of the base, half up."""
    return Fraction(int(quote_per_euro / base_per_euro * RATE_UNITS + Fraction(1, 2)), RATE_UNITS)


def exchanged(amount: Fraction, rate: Fraction, currency: str) -> Fraction:
    return rounded(amount * rate, currency)
