"""The figures of accounts at the end of a period, read for many at once: five or six queries for any number."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from payouts.models import LedgerEntry, Statement
from payouts.statements.payout_terms import Terms, terms_of_all

ZERO = Decimal(0)
PAYING = [str(kind) for kind in LedgerEntry.PAYING]
Value = TypeVar("Value")

# Each works on a table of accounts that is given with it, along the index of the ledger's numbers.
_MOVEMENTS = """
SELECT entry.affiliate_id, entry.currency,
       coalesce(sum(entry.amount) FILTER (WHERE entry.kind <> ALL (%s)), 0),
       coalesce(sum(entry.amount) FILTER (WHERE entry.kind = ANY (%s)), 0),
       min(entry.booked_at)
FROM unnest(%s::bigint[], %s::bigint[]) AS account (affiliate_id, covered)
JOIN payouts_ledgerentry entry ON entry.affiliate_id = account.affiliate_id AND entry.sequence > account.covered
WHERE entry.booked_at < %s
GROUP BY 1, 2
"""
_LAST_ENTRIES = """
SELECT account.affiliate_id, found.sequence, found.hash
FROM unnest(%s::bigint[], %s::bigint[]) AS account (affiliate_id, covered)
CROSS JOIN LATERAL (
    SELECT entry.sequence, entry.hash FROM payouts_ledgerentry entry
    WHERE entry.affiliate_id = account.affiliate_id AND entry.sequence >= account.covered
        AND (entry.booked_at < %s OR entry.sequence = account.covered)
    ORDER BY entry.sequence DESC LIMIT 1
) found
"""
_HELD = """
SELECT entry.affiliate_id, entry.currency, sum(entry.amount), max(entry.occurred_at)
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS account (affiliate_id, last, since)
JOIN payouts_ledgerentry entry ON entry.affiliate_id = account.affiliate_id AND entry.sequence <= account.last
WHERE entry.kind IN ('commission', 'reversal') AND entry.occurred_at > account.since
GROUP BY 1, 2
"""
_ON_THEIR_WAY = """
SELECT payout.affiliate_id, payout.currency, sum(payout.amount)
FROM unnest(%s::bigint[], %s::bigint[]) AS account (affiliate_id, last)
JOIN payouts_payout payout ON payout.affiliate_id = account.affiliate_id
WHERE NOT EXISTS (
    SELECT FROM payouts_ledgerentry entry
    WHERE entry.payout_id = payout.id AND entry.kind = 'payment' AND entry.sequence <= account.last
)
GROUP BY 1, 2
"""


class Movement(NamedTuple):
    """The sums of a currency's entries in a period. The ledger holds rounded amounts, so the sums are exact."""

    earned: Decimal = ZERO
    paid: Decimal = ZERO
    first_booked_at: datetime | None = None


class HeldCommission(NamedTuple):
    """Commission whose hold still runs at the end of the period, and until when."""

    amount: Decimal = ZERO
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """An account that needs statements: the head of its chain at the end of the period, and the figures by currency.

    `movements` names the currencies that get a statement: those with new entries, and those where a hold has ended,
    which may not have moved. `on_their_way` are payouts that the closing balance still contains: due ones, and those
    paid after `last_sequence`.
    """

    last_sequence: int
    last_hash: str
    terms: Terms
    movements: dict[str, Movement]
    previous: dict[str, Statement]
    held: dict[str, HeldCommission]
    on_their_way: dict[str, Decimal]


def standings(affiliate_ids: Sequence[int], ends_at: datetime) -> dict[int, AccountStanding]:
    """The accounts among these that need statements up to `ends_at`, by affiliate. Their chains' ends are locked."""
    previous = _last_statements(affiliate_ids)
    covered = [max((row.last_sequence for row in previous[pk].values()), default=0) for pk in affiliate_ids]
    accounts = [list(affiliate_ids), covered]
    moved = _by_account(_ask(_MOVEMENTS, [PAYING, PAYING, *accounts, ends_at]), Movement)
    due = {pk: {**_released(previous[pk], ends_at), **moved[pk]} for pk in affiliate_ids}
    ends = {pk: (number, seal) for pk, number, seal in _ask(_LAST_ENTRIES, [*accounts, ends_at]) if due[pk]}
    terms = terms_of_all(ends)
    held = _held({pk: number for pk, (number, _) in ends.items()}, terms, ends_at)
    numbers = [number for number, _ in ends.values()]
    waiting = _by_account(_ask(_ON_THEIR_WAY, [list(ends), numbers]), Decimal)
    return {
        pk: AccountStanding(*end, terms[pk], due[pk], previous[pk], held[pk], waiting[pk]) for pk, end in ends.items()
    }


def _last_statements(affiliate_ids: Sequence[int]) -> dict[int, dict[str, Statement]]:
    """The newest statement in each currency; one that only a hold's end made ends with the same entry as the last."""
    rows = Statement.objects.filter(affiliate__in=affiliate_ids)
    newest = rows.order_by("affiliate_id", "currency", "-last_sequence", "-ends_at")
    found: dict[int, dict[str, Statement]] = defaultdict(dict)
    for statement in newest.distinct("affiliate_id", "currency"):
        found[statement.affiliate_id][statement.currency] = statement
    return found


def _released(previous: Mapping[str, Statement], ends_at: datetime) -> dict[str, Movement]:
    return {
        currency: Movement()
        for currency, statement in previous.items()
        if statement.held_until and statement.held_until <= ends_at and statement.ends_at < ends_at
    }


def _held(
    last: Mapping[int, int], terms: Mapping[int, Terms], ends_at: datetime
) -> dict[int, dict[str, HeldCommission]]:
    """The amounts on hold by the payout terms, up to each account's last entry; reversals reduce them."""
    holds = {pk: timedelta(days=terms[pk].hold_days) for pk in last if terms[pk].hold_days}
    found: dict[int, dict[str, HeldCommission]] = defaultdict(dict)
    if holds:
        accounts = [list(holds), [last[pk] for pk in holds], [ends_at - hold for hold in holds.values()]]
        for pk, currency, amount, newest in _ask(_HELD, accounts):
            if amount > 0:
                found[pk][currency] = HeldCommission(amount, newest + holds[pk])
    return found


def _by_account(rows: Iterable[Sequence[Any]], value: Callable[..., Value]) -> dict[int, dict[str, Value]]:
    found: dict[int, dict[str, Value]] = defaultdict(dict)
    for affiliate_id, currency, *values in rows:
        found[affiliate_id][currency] = value(*values)
    return found


def _ask(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
