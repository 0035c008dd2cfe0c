"""Closing an affiliate's account as an ordinary function: one ORM statement after the other, one transaction."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, Sum

from payouts.anchors.seals import seal_statements
from payouts.models import LedgerEntry, LedgerHead, Payout, PayoutTerms, Statement
from payouts.rates.daily import DailyRate, NoRate, rate
from payouts.statements.statements import statement_number
from records.money import round_money

ZERO = Decimal(0)


class Movement(NamedTuple):
    """The new entries of a currency."""

    earned: Decimal = ZERO
    paid: Decimal = ZERO
    first_booked_at: datetime | None = None


@transaction.atomic
def close_one(affiliate_id: int, ends_at: datetime, now: datetime) -> list[Statement]:
    """Make the statements of an affiliate up to `ends_at` (UTC), and their payouts."""
    head = LedgerHead.objects.select_for_update(of=("self",)).select_related("affiliate").get(pk=affiliate_id)
    mine = LedgerEntry.objects.filter(affiliate=affiliate_id)
    newest = Statement.objects.filter(affiliate=affiliate_id).order_by("currency", "-last_sequence", "-ends_at")
    previous = {statement.currency: statement for statement in newest.distinct("currency")}
    covered = max((statement.last_sequence for statement in previous.values()), default=0)
    new = mine.filter(sequence__gt=covered, booked_at__lt=ends_at)
    due = {currency: Movement() for currency, row in previous.items() if _has_ended(row, ends_at)}
    for currency in set(new.values_list("currency", flat=True)):
        rows = new.filter(currency=currency).order_by()
        paying = Q(kind__in=LedgerEntry.PAYING)
        sums = rows.aggregate(earned=Sum("amount", filter=~paying), paid=Sum("amount", filter=paying))
        first_booked_at = rows.aggregate(first=Min("booked_at"))["first"]
        due[currency] = Movement(sums["earned"] or ZERO, sums["paid"] or ZERO, first_booked_at)
    last = new.order_by("-sequence").first() or mine.filter(sequence=covered).first()
    if last is None:
        return []
    terms = (
        PayoutTerms.objects.filter(affiliate=affiliate_id).first() or PayoutTerms.objects.filter(affiliate=None).first()
    )
    made = []
    for currency in sorted(due):
        statement = _statement(head, currency, due[currency], previous.get(currency), last, ends_at, now, terms)
        statement.save()
        _pay(statement, terms, now)
        made.append(statement)
        seal_statements([statement.pk])
    return made


def _has_ended(row: Statement, ends_at: datetime) -> bool:
    return bool(row.held_until and row.held_until <= ends_at and row.ends_at < ends_at)


def _statement(
    head: LedgerHead,
    currency: str,
    movement: Movement,
    previous: Statement | None,
    last: LedgerEntry,
    ends_at: datetime,
    now: datetime,
    terms: PayoutTerms | None,
) -> Statement:
    opening = previous.closing if previous else ZERO
    first_at = (movement.first_booked_at or ends_at).astimezone(UTC)
    held, held_until = _held(head.affiliate_id, currency, last.sequence, ends_at, terms)
    return Statement(
        affiliate=head.affiliate,
        number=statement_number(head.affiliate.public_id, currency, ends_at),
        currency=currency,
        starts_at=previous.ends_at if previous else first_at.replace(hour=0, minute=0, second=0, microsecond=0),
        ends_at=ends_at,
        first_sequence=previous.last_sequence + 1 if previous else 1,
        last_sequence=last.sequence,
        opening=opening,
        earned=movement.earned,
        paid=movement.paid,
        closing=opening + movement.earned + movement.paid,
        held=held,
        held_until=held_until,
        threshold=_converted(terms.minimum, terms.currency, currency, ends_at) if terms else ZERO,
        closed_at=now,
        chain_hash=last.hash,
    )


def _held(
    affiliate_id: int, currency: str, last: int, ends_at: datetime, terms: PayoutTerms | None
) -> tuple[Decimal, datetime | None]:
    if terms is None or not terms.hold_days:
        return ZERO, None
    hold = timedelta(days=terms.hold_days)
    running = LedgerEntry.objects.filter(
        affiliate=affiliate_id, currency=currency, sequence__lte=last, kind__in=["commission", "reversal"],
        occurred_at__gt=ends_at - hold,
    ).aggregate(total=Sum("amount"), last=Max("occurred_at"))  # fmt: skip
    total = running["total"] or ZERO
    return (total, running["last"] + hold) if total > 0 else (ZERO, None)


def _pay(statement: Statement, terms: PayoutTerms | None, now: datetime) -> None:
    """Make the payout that the statement makes due, if any."""
    paid = LedgerEntry.objects.filter(payout=OuterRef("pk"), kind="payment", sequence__lte=statement.last_sequence)
    open_ones = Payout.objects.filter(~Exists(paid), affiliate=statement.affiliate, currency=statement.currency)
    on_its_way = open_ones.aggregate(total=Sum("amount"))["total"] or ZERO
    amount = statement.closing - statement.held - on_its_way
    if amount <= 0 or amount < statement.threshold:
        return
    fee = _converted(terms.fee, terms.currency, statement.currency, statement.ends_at) if terms else ZERO
    sent, currency, used = _sent(statement, amount - fee)
    if fee < amount and sent > 0:
        Payout.objects.create(
            affiliate=statement.affiliate,
            statement=statement,
            amount=amount,
            currency=statement.currency,
            fee=fee,
            sent_amount=sent,
            sent_currency=currency,
            rate=used.value if used else None,
            rate_day=used.day if used else None,
            rate_source=used.source if used else "",
            created_at=now,
        )


def _sent(statement: Statement, amount: Decimal) -> tuple[Decimal, str, DailyRate | None]:
    wanted, day = statement.affiliate.currency, (statement.ends_at - timedelta(days=1)).date()
    if wanted == statement.currency:
        return amount, wanted, None
    try:
        used = rate(base=statement.currency, quote=wanted, day=day)
    except NoRate:
        return amount, statement.currency, None
    return round_money(amount * used.value, wanted), wanted, used


def _converted(amount: Decimal, base: str, currency: str, ends_at: datetime) -> Decimal:
    if not amount or base == currency:
        return round_money(amount, currency)
    try:
        used = rate(base=base, quote=currency, day=(ends_at - timedelta(days=1)).date())
    except NoRate:
        return ZERO
    return round_money(amount * used.value, currency)
