"""Whether payouts in another currency were exchanged at the rate of their period's last day, as it was known then."""

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


class StoredRate(NamedTuple):
    currency: str
    day: date
    per_euro: Decimal
    created_at: datetime


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
        base, quote = (_known(each, rates_around(day), made_at) for each in (currency, sent_currency))
        if base is None or quote is None:
            problem = f"was exchanged at {rate.normalize():f}, but no rate of {currency} or {sent_currency} is stored"
            yield ChainProblem(f"Payout {public_id}", f"{problem} for {day} or the week before it.")
            continue
        right = cross_rate(Fraction(base.per_euro), Fraction(quote.per_euro))
        right_day = min(each.day for each in (base, quote) if each.currency != "EUR")
        makes = exchanged(Fraction(amount - fee), right, sent_currency)
        if (Fraction(rate), rate_day, Fraction(sent)) != (right, right_day, makes):
            problem = f"sends {shown(Fraction(sent), sent_currency)} at {rate.normalize():f} of {rate_day}"
            should = f"{shown(makes, sent_currency)} at {float(right):.12g} of {right_day}"
            yield ChainProblem(f"Payout {public_id}", f"{problem}; by the rates of {day} it is {should}.")


def _rates_around(day: date) -> list[StoredRate]:
    """The newest day last, and of a day the newest row last."""
    rows = ExchangeRate.objects.filter(day__lte=day, day__gte=day - FRESH).order_by("day", "pk")
    return [StoredRate(*row) for row in rows.values_list("currency", "day", "per_euro", "created_at")]


def _known(currency: str, rates: list[StoredRate], made_at: datetime) -> StoredRate | None:
    """The currency's rate as it was known when the payout was made; a later correction changes no payout."""
    if currency == "EUR":
        return StoredRate("EUR", date.max, Decimal(1), made_at)
    mine = [row for row in rates if row.currency == currency]
    then = [row for row in mine if row.created_at <= made_at]
    known = then or mine
    return known[-1] if known else None
