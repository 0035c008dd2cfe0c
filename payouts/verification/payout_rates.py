"""Whether payouts in another currency were exchanged at the rate of their period's last day.

A rate that is corrected later changes no payout, so any rate that is stored for that day will do.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from django.db.models import Q

from payouts.ledger.chain_walk import ChainProblem
from payouts.models import ExchangeRate, Payout
from payouts.verification.independent.money import shown
from payouts.verification.independent.rates import cross_rate, exchanged

CHUNK = 2000
# A weekend or a holiday goes by the last day before it, at most a week back.
FRESH = timedelta(days=7)


EURO = "EUR"


class StoredRate(NamedTuple):
    currency: str
    day: date
    per_euro: Decimal
    created_at: datetime


class Exchange(NamedTuple):
    rate: Fraction
    day: date | None
    sent: Fraction


def payout_rate_findings(scope: Q) -> Iterator[ChainProblem]:
    rates_around = lru_cache(maxsize=100)(_rates_around)
    rows = Payout.objects.filter(scope, rate__isnull=False).order_by("statement__ends_at", "pk").values_list(
        "public_id", "statement__ends_at", "created_at", "amount", "fee", "currency", "sent_amount", "sent_currency",
        "rate", "rate_day",
    )  # fmt: skip
    for public_id, ends_at, made_at, amount, fee, currency, sent, sent_currency, rate, rate_day in rows.iterator(
        chunk_size=CHUNK
    ):
        assert rate is not None  # by the filter above
        day = (ends_at.astimezone(UTC) - timedelta(days=1)).date()
        bases, quotes = (_rates_of(each, rates_around(day), made_at) for each in (currency, sent_currency))
        right = [_exchange(amount - fee, base, quote) for base in bases for quote in quotes]
        if not right:
            problem = f"was exchanged at {rate.normalize():f}, but no rate of {currency} or {sent_currency} is stored"
            yield ChainProblem(f"Payout {public_id}", f"{problem} for {day} or the week before it.")
        elif Exchange(Fraction(rate), rate_day, Fraction(sent)) not in right:
            problem = f"sends {shown(Fraction(sent), sent_currency)} at {rate.normalize():f} of {rate_day}"
            should = f"{shown(right[-1].sent, sent_currency)} at {float(right[-1].rate):.12g} of {right[-1].day}"
            yield ChainProblem(f"Payout {public_id}", f"{problem}; by the rates of {day} it is {should}.")


def _exchange(amount: Decimal, base: StoredRate, quote: StoredRate) -> Exchange:
    rate = cross_rate(Fraction(base.per_euro), Fraction(quote.per_euro))
    day = min(each.day for each in (base, quote) if each.currency != EURO)
    return Exchange(rate, day, exchanged(Fraction(amount), rate, quote.currency))


def _rates_around(day: date) -> list[StoredRate]:
    """The newest day last, and of a day the newest row last."""
    rows = ExchangeRate.objects.filter(day__lte=day, day__gte=day - FRESH).order_by("day", "pk")
    return [StoredRate(*row) for row in rows.values_list("currency", "day", "per_euro", "created_at")]


def _rates_of(currency: str, rates: list[StoredRate], made_at: datetime) -> list[StoredRate]:
    """All rates of the newest day that was known when the payout was made."""
    if currency == EURO:
        return [StoredRate(EURO, date.max, Decimal(1), made_at)]
    mine = [row for row in rates if row.currency == currency]
    then = [row for row in mine if row.created_at <= made_at] or mine
    return [row for row in mine if row.day == then[-1].day] if then else []
