"""An affiliate's terms of payment: from which amount on, less which fee, after which hold, in which currency."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Q

from affiliates.money import round_money
from payouts.models import Payout, PayoutTerms, Statement
from payouts.rates import NoRate, Rate, exchange

ZERO = Decimal(0)


class Terms(NamedTuple):
    """`minimum` and `fee` are in `currency`."""

    minimum: Decimal = ZERO
    fee: Decimal = ZERO
    currency: str = "EUR"
    hold_days: int = 0


def terms_of(affiliate_id: int) -> Terms:
    """The affiliate's own terms, else those for everybody; without any nothing is held back."""
    rows = PayoutTerms.objects.filter(Q(affiliate=affiliate_id) | Q(affiliate=None))
    found = rows.order_by(F("affiliate").asc(nulls_last=True)).first()
    return Terms(found.minimum, found.fee, found.currency, found.hold_days) if found else Terms()


def in_currency(amount: Decimal, base: str, currency: str, ends_at: datetime) -> Decimal:
    """The amount in another currency at the rate of the period's last day; nothing where no rate is known.

    A minimum that cannot be compared keeps nobody's money back, and no fee is taken by guess.
    """
    if not amount or base == currency:
        return round_money(amount, currency)
    try:
        return exchange(amount, base=base, quote=currency, day=_last_day(ends_at))[0]
    except NoRate:
        return ZERO


def draft_payout(
    statement: Statement, amount: Decimal, terms: Terms, now: datetime, vat: Decimal = ZERO
) -> Payout | None:
    """The payout of so much for a statement, not saved; None when the fee or the rounding leaves nothing to send.

    `vat` is the part of the amount that the statement's invoice and credit notes have booked beyond its balance.

    It is sent in the affiliate's own currency at the rate of the period's last day, which stays with it. Without
    a rate it is sent in the currency that it was earned in.
    """
    fee = in_currency(terms.fee, terms.currency, statement.currency, statement.ends_at)
    sent, currency, used = _sent(statement, amount - fee)
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


def _sent(statement: Statement, amount: Decimal) -> tuple[Decimal, str, Rate | None]:
    wanted = statement.affiliate.currency
    if wanted == statement.currency:
        return amount, wanted, None
    try:
        sent, used = exchange(amount, base=statement.currency, quote=wanted, day=_last_day(statement.ends_at))
    except NoRate:
        return amount, statement.currency, None
    return sent, wanted, used


def _last_day(ends_at: datetime) -> date:
    return (ends_at.astimezone(UTC) - timedelta(days=1)).date()
