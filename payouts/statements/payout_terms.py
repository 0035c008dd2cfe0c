"""An affiliate's terms of payment: from which amount on, less which fee, after which hold, in which currency."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from payouts.models import Payout, PayoutTerms, Statement
from payouts.rates.daily import DailyRate, NoRate, RatesOfDay
from records.money import round_money

ZERO = Decimal(0)


class Terms(NamedTuple):
    """`minimum` and `fee` are in `currency`."""

    minimum: Decimal = ZERO
    fee: Decimal = ZERO
    currency: str = "EUR"
    hold_days: int = 0


def terms_of(affiliate_id: int) -> Terms:
    """The affiliate's own terms, else those for all affiliates; without any, nothing is held back."""
    return terms_of_all([affiliate_id])[affiliate_id]


def terms_of_all(affiliate_ids: Collection[int]) -> dict[int, Terms]:
    """The same for many affiliates at once: one query."""
    rows = PayoutTerms.objects.filter(Q(affiliate__in=affiliate_ids) | Q(affiliate=None))
    found = {row.affiliate_id: Terms(row.minimum, row.fee, row.currency, row.hold_days) for row in rows}
    everybody = found.get(None, Terms())
    return {affiliate_id: found.get(affiliate_id, everybody) for affiliate_id in affiliate_ids}


def last_day(ends_at: datetime) -> date:
    """The day whose rates hold for a period that ends (half-open) at this moment."""
    return (ends_at.astimezone(UTC) - timedelta(days=1)).date()


def in_currency(amount: Decimal, base: str, currency: str, rates: RatesOfDay) -> Decimal:
    """The amount in another currency at the rate of the period's last day; zero where no rate is known.

    A minimum that cannot be compared holds no money back, and no fee is charged by guess.
    """
    if not amount or base == currency:
        return round_money(amount, currency)
    try:
        return rates.exchange(amount, base=base, quote=currency)[0]
    except NoRate:
        return ZERO


def draft_payout(
    statement: Statement, amount: Decimal, terms: Terms, now: datetime, rates: RatesOfDay, vat: Decimal = ZERO
) -> Payout | None:
    """The payout of so much for a statement, not saved; None when the fee or the rounding leaves nothing to send.

    `vat` is the part of the amount that the statement's invoice and credit notes have booked beyond its balance.

    It is sent in the affiliate's own currency at the rate of the period's last day, which stays with it. Without
    a rate it is sent in the currency that it was earned in.
    """
    fee = in_currency(terms.fee, terms.currency, statement.currency, rates)
    sent, currency, used = _sent(statement, amount - fee, rates)
    if fee >= amount or sent <= 0:
        return None
    return Payout(
        affiliate=statement.affiliate,
        statement=statement,
        amount=amount,
        vat=vat,
        currency=statement.currency,
        fee=fee,
        sent_amount=sent,
        sent_currency=currency,
        rate=used.value if used else None,
        rate_day=used.day if used else None,
        rate_source=used.source if used else "",
        created_at=now,
    )


def _sent(statement: Statement, amount: Decimal, rates: RatesOfDay) -> tuple[Decimal, str, DailyRate | None]:
    wanted = statement.affiliate.currency
    if wanted == statement.currency:
        return amount, wanted, None
    try:
        sent, used = rates.exchange(amount, base=statement.currency, quote=wanted)
    except NoRate:
        return amount, statement.currency, None
    return sent, wanted, used
