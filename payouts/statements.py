"""Closing a period: an immutable statement per affiliate and currency, and the payout that it makes due."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from affiliates.models import User
from payouts.chain import lock_heads
from payouts.invoicing.issue import issue_invoices
from payouts.models import LedgerEntry, LedgerHead, Payout, Statement
from payouts.terms import Terms, draft_payout, in_currency, terms_of

ZERO = Decimal(0)
PAYMENT = LedgerEntry.Kind.PAYMENT


class PeriodRefused(ValueError):
    """The period cannot be closed at this moment; nothing was. The message says what to mend."""


class Movement(NamedTuple):
    """What a currency's entries of a period add up to."""

    earned: Decimal = ZERO
    paid: Decimal = ZERO
    first_booked_at: datetime | None = None


def close_period(
    *,
    ends_at: datetime,
    now: datetime,
    actor: User | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Statement]:
    """Close every affiliate's account up to `ends_at` (half-open, midnight UTC) and return the new statements.

    A statement covers the ledger numbers after the last statement's up to the last entry booked before
    `ends_at`: opening balance, earned, paid, closing balance. What the closing balance holds beyond
    payouts already made and commission still on hold becomes a payout that is due, if it reaches the
    affiliate's minimum (`payouts.terms`), together with the VAT of the invoices that are written for the
    statements (`payouts.invoicing`). One transaction per affiliate under the lock of its chain, so it
    may run twice, at once, or again after a crash: what is closed stays as it is. An affiliate without new
    entries gets a statement only when a hold has ended since its last one. `progress` is told how many
    affiliates are closed, after each one is committed, and of how many. Raise `PeriodRefused` when
    `ends_at` lies ahead of `now` or is not a midnight in UTC.
    """
    check_period(ends_at, now)
    statements: list[Statement] = []
    affiliates = to_close(ends_at)
    for done, affiliate_id in enumerate(affiliates, start=1):
        statements += close_affiliate(affiliate_id, ends_at.astimezone(UTC), now, actor)
        progress(done, len(affiliates))
    return statements


def check_period(ends_at: datetime, now: datetime) -> None:
    """Raise `PeriodRefused` when `ends_at` lies ahead of `now` or is not a midnight in UTC."""
    if ends_at.utcoffset() is None or ends_at.astimezone(UTC).time() != datetime.min.time():
        raise PeriodRefused(f"A period ends at a midnight in UTC, such as 2026-11-01T00:00Z; {ends_at} is none.")
    if ends_at > now:
        raise PeriodRefused(f"The period is not over: it ends at {ends_at:%Y-%m-%d %H:%M %Z}, in the future.")


def to_close(ends_at: datetime) -> list[int]:
    """The affiliates that need a statement up to `ends_at`, by ID."""
    covered = Statement.objects.filter(affiliate=OuterRef("affiliate")).order_by("-last_sequence")
    new = LedgerEntry.objects.filter(
        affiliate=OuterRef("affiliate"),
        sequence__gt=Coalesce(Subquery(covered.values("last_sequence")[:1]), 0),
        booked_at__lt=ends_at,
    )
    released = Statement.objects.filter(affiliate=OuterRef("affiliate"), held_until__lte=ends_at).exclude(
        Exists(
            Statement.objects.filter(
                affiliate=OuterRef("affiliate"), currency=OuterRef("currency"), ends_at__gt=OuterRef("ends_at")
            )
        )
    )
    heads = LedgerHead.objects.filter(Exists(new) | Exists(released))
    return list(heads.order_by("affiliate_id").values_list("affiliate_id", flat=True))


@transaction.atomic
def close_affiliate(affiliate_id: int, ends_at: datetime, now: datetime, actor: User | None) -> list[Statement]:
    """Close one affiliate's account; the currencies with new entries, and those where a hold has ended."""
    [head] = lock_heads([affiliate_id])
    previous = _last_statements(affiliate_id)
    covered = max((statement.last_sequence for statement in previous.values()), default=0)
    entries = LedgerEntry.objects.filter(affiliate=affiliate_id, sequence__gt=covered, booked_at__lt=ends_at)
    movements = _movements(entries)
    released = {
        currency: Movement()
        for currency, statement in previous.items()
        if statement.held_until and statement.held_until <= ends_at and statement.ends_at < ends_at
    }
    last = (
        entries.order_by("-sequence").first()
        or LedgerEntry.objects.filter(affiliate=affiliate_id, sequence=covered).first()
    )
    if last is None:
        return []
    terms = terms_of(affiliate_id)
    statements = [
        _statement(head, currency, movement, previous.get(currency), last, ends_at, now, actor, terms)
        for currency, movement in sorted({**released, **movements}.items())
    ]
    Statement.objects.bulk_create(statements)
    vat = issue_invoices(statements, now=now, actor=actor)
    _make_payouts(statements, now, terms, vat)
    return statements


def _last_statements(affiliate_id: int) -> dict[str, Statement]:
    """The affiliate's newest statement in each currency."""
    newest = Statement.objects.filter(affiliate=affiliate_id).order_by("currency", "-last_sequence")
    return {statement.currency: statement for statement in newest.distinct("currency")}


def _movements(entries: QuerySet[LedgerEntry]) -> dict[str, Movement]:
    """What each currency's new entries add up to. The ledger holds rounded amounts, so the sums are exact."""
    rows = (
        entries.order_by()
        .values_list("currency")
        .annotate(
            earned=Coalesce(Sum("amount", filter=~Q(kind__in=LedgerEntry.PAYING)), ZERO),
            paid=Coalesce(Sum("amount", filter=Q(kind__in=LedgerEntry.PAYING)), ZERO),
            first_booked_at=Min("booked_at"),
        )
    )
    return {currency: Movement(*sums) for currency, *sums in rows}


def _statement(
    head: LedgerHead,
    currency: str,
    movement: Movement,
    previous: Statement | None,
    last: LedgerEntry,
    ends_at: datetime,
    now: datetime,
    actor: User | None,
    terms: Terms,
) -> Statement:
    opening = previous.closing if previous else ZERO
    first_at = (movement.first_booked_at or ends_at).astimezone(UTC)
    first_day = first_at.replace(hour=0, minute=0, second=0, microsecond=0)
    held, held_until = _held(head.affiliate_id, currency, last.sequence, ends_at, terms)
    return Statement(
        affiliate=head.affiliate,
        number=statement_number(head.affiliate.public_id, currency, ends_at),
        currency=currency,
        starts_at=previous.ends_at if previous else first_day,
        ends_at=ends_at,
        first_sequence=previous.last_sequence + 1 if previous else 1,
        last_sequence=last.sequence,
        opening=opening,
        earned=movement.earned,
        paid=movement.paid,
        closing=opening + movement.earned + movement.paid,
        held=held,
        held_until=held_until,
        threshold=in_currency(terms.minimum, terms.currency, currency, ends_at),
        closed_at=now,
        closed_by=actor,
        chain_hash=last.hash,
    )


def statement_number(affiliate_public_id: str, currency: str, ends_at: datetime) -> str:
    """`2026-10-af_k3n8d2xw-EUR`; a period that does not end with a month is named by its last day, `2026-10-15-…`."""
    last_day = (ends_at - timedelta(days=1)).date()
    period = f"{last_day:%Y-%m}" if ends_at.day == 1 else f"{last_day:%Y-%m-%d}"
    return f"{period}-{affiliate_public_id}-{currency}"


def _held(
    affiliate_id: int, currency: str, last: int, ends_at: datetime, terms: Terms
) -> tuple[Decimal, datetime | None]:
    """Commission whose hold still runs at the end of the period, and until when; reversals reduce it."""
    if not terms.hold_days:
        return ZERO, None
    hold = timedelta(days=terms.hold_days)
    running = LedgerEntry.objects.filter(
        affiliate=affiliate_id,
        currency=currency,
        sequence__lte=last,
        kind__in=[LedgerEntry.Kind.COMMISSION, LedgerEntry.Kind.REVERSAL],
        occurred_at__gt=ends_at - hold,
    ).aggregate(total=Sum("amount"), last=Max("occurred_at"))
    total = running["total"] or ZERO
    return (total, running["last"] + hold) if total > 0 else (ZERO, None)


def _make_payouts(statements: list[Statement], now: datetime, terms: Terms, vat: Mapping[int, Decimal]) -> None:
    """`vat` was booked for the statements by their invoices, after the lines that they cover; it is paid with them."""
    for statement in statements:
        tax = vat.get(statement.pk, ZERO)
        amount = statement.closing - statement.held - _on_its_way(statement) + tax
        if amount > 0 and amount >= statement.threshold:
            payout = draft_payout(statement, amount, terms, now, tax)
            if payout:
                payout.save()


def _on_its_way(statement: Statement) -> Decimal:
    """Payouts that the closing balance still contains: due ones, and those paid after the period's last entry."""
    deducted = LedgerEntry.objects.filter(payout=OuterRef("pk"), kind=PAYMENT, sequence__lte=statement.last_sequence)
    payouts = Payout.objects.filter(~Exists(deducted), affiliate=statement.affiliate, currency=statement.currency)
    return payouts.aggregate(total=Sum("amount"))["total"] or ZERO
