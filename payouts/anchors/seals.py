"""The seal of a statement: a hash over every field of it, which continues the affiliate's statement before.

**The canonical form** is that of entries (`payouts.ledger.chain`): a JSON text in UTF-8 by RFC 8785, hashed with
SHA-256, that holds exactly these names. Amounts have eight decimals, moments are UTC with six; a value that does not
exist is `null`.

================ =========================================================================================
`affiliate`      the affiliate's public ID
`number`         the statement's number
`currency`       its currency code
`position`       its place among the affiliate's statements in all currencies, counted from 1
`starts_at`      the first moment of the period
`ends_at`        the first moment after it
`closed_at`      when it was closed
`closed_by`      the number of the operator's account row, or `null` where a command closed it
`first_sequence` the first ledger number that it covers
`last_sequence`  the last one
`chain_hash`     the seal of that last entry: the head of the chain
`opening`, `earned`, `paid`, `closing`  its balances
`held`, `held_until`  what was held back, and until when
`threshold`      the least amount that was paid out
`payout`         the payout that it made due, or `null`: `id`, `affiliate`, `amount`, `currency`, `vat`, `fee`,
                 `sent_amount`, `sent_currency`, `rate` (twelve decimals), `rate_day`, `rate_source`, `created_at`
`previous_hash`  the seal of the affiliate's statement before; 64 zeros for the first
================ =========================================================================================

The seal does not cover what happens to a payout later: its status, reference and times are compared with its payment in
the ledger (`payouts.verification.verify`).
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from payouts.ledger.chain import GENESIS, moment_text
from payouts.models import Payout, Statement, StatementSeal

Facts = dict[str, Any]

AMOUNTS = ("opening", "earned", "paid", "closing", "held", "threshold")
MOMENTS = ("starts_at", "ends_at", "closed_at")
PAYOUT_AMOUNTS = ("amount", "vat", "fee", "sent_amount")
# For `select_related`.
WITH_FACTS = ("affiliate", "payout__affiliate")


def canonical_json(values: object) -> str:
    """JSON by RFC 8785, for what holds no floating-point numbers."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def facts_of(statement: Statement, position: int, previous_hash: str) -> Facts:
    """The fields that the seal covers, as defined in the module's docstring. Needs the related rows in `WITH_FACTS`."""
    return {
        "affiliate": statement.affiliate.public_id,
        "number": statement.number,
        "currency": statement.currency,
        "position": position,
        "first_sequence": statement.first_sequence,
        "last_sequence": statement.last_sequence,
        "chain_hash": statement.chain_hash,
        "closed_by": statement.closed_by_id,
        **{name: f"{getattr(statement, name):.8f}" for name in AMOUNTS},
        **{name: moment_text(getattr(statement, name)) for name in MOMENTS},
        "held_until": moment_text(statement.held_until) if statement.held_until else None,
        "payout": _payout(getattr(statement, "payout", None)),
        "previous_hash": previous_hash,
    }


def _payout(payout: Payout | None) -> Facts | None:
    if payout is None:
        return None
    return {
        "id": payout.public_id,
        "affiliate": payout.affiliate.public_id,
        "currency": payout.currency,
        "sent_currency": payout.sent_currency,
        **{name: f"{getattr(payout, name):.8f}" for name in PAYOUT_AMOUNTS},
        "rate": f"{payout.rate:.12f}" if payout.rate is not None else None,
        "rate_day": payout.rate_day.isoformat() if payout.rate_day else None,
        "rate_source": payout.rate_source,
        "created_at": moment_text(payout.created_at),
    }


def seal_row(statement: Statement) -> StatementSeal:
    """The stored seal. Raise `StatementSeal.DoesNotExist`."""
    seal: StatementSeal = statement.seal
    return seal


def seal_of(facts: Facts) -> str:
    return digest(canonical_json(facts))


def seal_statements(statement_ids: Sequence[int]) -> None:
    """Seal these new statements, in the order of their rows. Three queries for any number.

    Needs the lock on the heads of their affiliates' chains, and their payouts written. The rows are read again, so the
    seal covers the values as stored.
    """
    if not statement_ids:
        return
    statements = Statement.objects.filter(pk__in=statement_ids).select_related(*WITH_FACTS).order_by("pk")
    last = _last_seals({statement.affiliate_id for statement in statements})
    seals = []
    for statement in statements:
        position, previous = last.get(statement.affiliate_id, (0, GENESIS))
        sealed = seal_of(facts_of(statement, position + 1, previous))
        last[statement.affiliate_id] = position + 1, sealed
        seals.append(
            StatementSeal(
                statement=statement,
                affiliate_id=statement.affiliate_id,
                position=position + 1,
                previous_hash=previous,
                hash=sealed,
            )
        )
    StatementSeal.objects.bulk_create(seals)


def _last_seals(affiliate_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    rows = StatementSeal.objects.filter(affiliate__in=affiliate_ids).order_by("affiliate_id", "-position")
    found = rows.distinct("affiliate_id").values_list("affiliate_id", "position", "hash")
    return {affiliate_id: (position, sealed) for affiliate_id, position, sealed in found}
