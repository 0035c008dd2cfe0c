"""Closing a period: an immutable statement per affiliate and currency, and the payout that it makes due."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from affiliates.models import Affiliate, User
from payouts.anchors.seals import seal_statements
from payouts.invoicing.issue import issue_invoices
from payouts.ledger.chain import lock_heads
from payouts.models import LedgerEntry, LedgerHead, Payout, Statement
from payouts.rates.daily import RatesOfDay
from payouts.statements.payout_terms import draft_payout, in_currency, last_day
from payouts.statements.period_facts import ZERO, AccountStanding, HeldCommission, standings

# Accounts in one transaction: few enough that booking and paying do not wait long for the ends of their chains.
BLOCK = 200

Failed = Callable[[int, Exception], None]


class PeriodRefused(ValueError):
    """The period cannot be closed at this moment; nothing was. The message says how to fix it."""


def close_period(
    *,
    ends_at: datetime,
    now: datetime,
    actor: User | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Statement]:
    """Close every affiliate's account up to `ends_at` (half-open, midnight UTC) and return the new statements.

    A statement covers the ledger numbers after the last statement's up to the last entry booked before `ends_at`:
    opening balance, earned, paid, closing balance. The closing balance less payouts already made and commission still
    on hold becomes a payout that is due, if it reaches the affiliate's minimum (`payouts.statements.payout_terms`),
    together with the VAT of the invoices that are written for the statements (`payouts.invoicing`). An affiliate
    without new entries gets a statement only when a hold has ended since its last one. It may run twice, concurrently,
    or again after a crash: closed accounts do not change. `progress` is called after each committed block with the
    number of affiliates closed and their total. Raise `PeriodRefused` when `ends_at` is after `now` or is not a
    midnight in UTC. If some accounts cannot be closed, the others are; then the first failure is raised.
    """
    check_period(ends_at, now)
    statements: list[Statement] = []
    failures: list[Exception] = []
    affiliates, done = to_close(ends_at), 0
    job = CloseJob(ends_at.astimezone(UTC), now, actor, failed=lambda affiliate_id, error: failures.append(error))
    for block, made in job.close(affiliates):
        statements += made
        done += len(block)
        progress(done, len(affiliates))
    if failures:
        raise failures[0]
    return statements


def check_period(ends_at: datetime, now: datetime) -> None:
    """Raise `PeriodRefused` when `ends_at` is after `now` or is not a midnight in UTC."""
    if ends_at.utcoffset() is None or ends_at.astimezone(UTC).time() != datetime.min.time():
        raise PeriodRefused(
            gettext("A period ends at a midnight in UTC, such as 2026-11-01T00:00Z; {ends_at} is none.").format(
                ends_at=ends_at
            )
        )
    if ends_at > now:
        raise PeriodRefused(
            gettext("The period is not over: it ends at {ends_at:%Y-%m-%d %H:%M %Z}, in the future.").format(
                ends_at=ends_at
            )
        )


def to_close(ends_at: datetime) -> list[int]:
    """The affiliates that need a statement up to `ends_at`, by ID."""
    mine = Statement.objects.filter(affiliate=OuterRef("affiliate"))
    covered = Coalesce(Subquery(mine.order_by("-last_sequence").values("last_sequence")[:1]), 0)
    # Entries are booked one after the other, so checking the first new one is enough.
    new = LedgerEntry.objects.filter(affiliate=OuterRef("affiliate"), sequence__gt=OuterRef("covered"))
    first_new = Subquery(new.order_by("sequence").values("booked_at")[:1])
    later = Statement.objects.filter(
        affiliate=OuterRef("affiliate"), currency=OuterRef("currency"), ends_at__gt=OuterRef("ends_at")
    )
    released = mine.filter(held_until__lte=ends_at, ends_at__lt=ends_at).exclude(Exists(later))
    heads = LedgerHead.objects.annotate(covered=covered).annotate(first_new=first_new)
    found = heads.filter(Q(first_new__lt=ends_at) | Exists(released)).order_by("affiliate_id")
    return list(found.values_list("affiliate_id", flat=True))


@dataclass(frozen=True)
class CloseJob:
    """Closing accounts up to one moment, in blocks.

    `failed` is called with an account that cannot be closed and the error; the others are closed all the same.
    `counted` is called within the transaction of each block, with its affiliates: its writes are committed with the
    block.
    """

    ends_at: datetime
    now: datetime
    actor: User | None
    failed: Failed
    counted: Callable[[list[int]], None] = lambda affiliate_ids: None

    def close(self, affiliate_ids: Sequence[int]) -> Iterator[tuple[list[int], list[Statement]]]:
        """Give each block when it is committed: its affiliates, and their new statements.

        A block that fails leaves nothing behind and is tried again in halves, until what cannot be closed stands
        alone. Raise only when the database itself is gone.
        """
        connection.ensure_connection()
        line = connection.connection
        waiting = [list(affiliate_ids[start : start + BLOCK]) for start in range(0, len(affiliate_ids), BLOCK)][::-1]
        while waiting:
            block = waiting.pop()
            try:
                with transaction.atomic():
                    made = close_block(block, self.ends_at, self.now, self.actor)
                    self.counted(block)
            except Exception as error:
                # Django may have opened a new connection by itself: the old one's state, such as locks, is lost.
                if connection.connection is not line or not connection.is_usable():
                    raise
                middle = len(block) // 2
                if middle:
                    waiting += [block[middle:], block[:middle]]
                else:
                    self.failed(block[0], error)
            else:
                yield block, made


def close_block(affiliate_ids: list[int], ends_at: datetime, now: datetime, actor: User | None) -> list[Statement]:
    """Close these accounts, in the order of their IDs; needs a transaction.

    The heads of their chains are locked first, in the same order as by every writer of the ledger. Everything is read
    after that, so accounts that were closed meanwhile are left unchanged. Fifteen queries and those of
    `issue_invoices`, for any number of accounts.
    """
    heads = lock_heads(affiliate_ids)
    standing = standings(affiliate_ids, ends_at)
    rates = RatesOfDay(last_day(ends_at))
    statements = [
        _statement(head.affiliate, standing[head.pk], currency, ends_at, now, actor, rates)
        for head in heads
        if head.pk in standing
        for currency in sorted(standing[head.pk].movements)
    ]
    Statement.objects.bulk_create(statements)
    vat = issue_invoices(statements, now=now, actor=actor)
    payouts = [
        _payout(statement, standing[statement.affiliate_id], vat.get(statement.pk, ZERO), now, rates)
        for statement in statements
    ]
    Payout.objects.bulk_create([payout for payout in payouts if payout])
    seal_statements([statement.pk for statement in statements])
    return statements


def _statement(
    affiliate: Affiliate,
    standing: AccountStanding,
    currency: str,
    ends_at: datetime,
    now: datetime,
    actor: User | None,
    rates: RatesOfDay,
) -> Statement:
    previous, movement = standing.previous.get(currency), standing.movements[currency]
    held, terms = standing.held.get(currency, HeldCommission()), standing.terms
    opening = previous.closing if previous else ZERO
    first_at = (movement.first_booked_at or ends_at).astimezone(UTC)
    first_day = first_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Statement(
        affiliate=affiliate,
        number=statement_number(affiliate.public_id, currency, ends_at),
        currency=currency,
        starts_at=previous.ends_at if previous else first_day,
        ends_at=ends_at,
        first_sequence=previous.last_sequence + 1 if previous else 1,
        last_sequence=standing.last_sequence,
        opening=opening,
        earned=movement.earned,
        paid=movement.paid,
        closing=opening + movement.earned + movement.paid,
        held=held.amount,
        held_until=held.until,
        threshold=in_currency(terms.minimum, terms.currency, currency, rates),
        closed_at=now,
        closed_by=actor,
        chain_hash=standing.last_hash,
    )


def _payout(
    statement: Statement, standing: AccountStanding, vat: Decimal, now: datetime, rates: RatesOfDay
) -> Payout | None:
    """The statement's payout, not saved. `vat` was booked by its invoices after the lines that it covers."""
    amount = statement.closing - statement.held - standing.on_their_way.get(statement.currency, ZERO) + vat
    if amount <= 0 or amount < statement.threshold:
        return None
    return draft_payout(statement, amount, standing.terms, now, rates, vat)


def statement_number(affiliate_public_id: str, currency: str, ends_at: datetime) -> str:
    """`2026-10-af_k3n8d2xw-EUR`; a period that does not end with a month is named by its last day, `2026-10-15-…`."""
    last_day = (ends_at - timedelta(days=1)).date()
    period = f"{last_day:%Y-%m}" if ends_at.day == 1 else f"{last_day:%Y-%m-%d}"
    return f"{period}-{affiliate_public_id}-{currency}"
