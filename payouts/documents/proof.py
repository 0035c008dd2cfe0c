"""A statement, or a whole account, as JSON that anybody can check offline: every entry with its seal.

`static/tools/verify_statement.py` checks it with nothing but Python's standard library. The form of an
entry and its seal is defined in `payouts.ledger.chain`. Beside the entries of the statement's own currency the
chain has those of other currencies that stand between them: without them it could not be followed.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from affiliates.models import Affiliate
from payouts.ledger.chain import COLUMNS, GENESIS, Facts, canonical_text, moment_text
from payouts.models import LedgerEntry, Statement

FORMAT = "affidavit-account/1"
CHUNK = 2000


def statement_proof(statement: Statement) -> Iterator[str]:
    """The statement, the entries of the chain from its first to its last, and the seal before them; in chunks."""
    entries = LedgerEntry.objects.filter(
        affiliate=statement.affiliate_id, sequence__range=(statement.first_sequence, statement.last_sequence)
    )
    return _document(statement.affiliate, [statement], entries, statement.first_sequence)


def account_proof(affiliate: Affiliate) -> Iterator[str]:
    """The whole chain from its first entry on, with every statement that was closed over it; in chunks."""
    statements = Statement.objects.filter(affiliate=affiliate).order_by("last_sequence", "ends_at", "currency")
    return _document(affiliate, statements, LedgerEntry.objects.filter(affiliate=affiliate), 1)


def _document(
    affiliate: Affiliate, statements: Iterable[Statement], entries: QuerySet[LedgerEntry], first: int
) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "affiliate": affiliate.public_id,
        "name": affiliate.name,
        "statements": [_statement(statement) for statement in statements],
        "previous_hash": _seal_before(affiliate, first),
    }
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "entries": ['
    comma = ""
    rows = entries.order_by("sequence").values_list(*COLUMNS, "hash")
    for *facts, seal in rows.iterator(chunk_size=CHUNK):
        text = canonical_text(Facts(*facts))
        yield f'{comma}\n  {text[:-1]},"hash":"{seal}"}}'
        comma = ","
    yield "\n ]\n}\n"


def _seal_before(affiliate: Affiliate, first: int) -> str:
    before = LedgerEntry.objects.filter(affiliate=affiliate, sequence=first - 1).values_list("hash", flat=True)
    return GENESIS if first == 1 else before.get()


def _statement(statement: Statement) -> dict[str, Any]:
    amounts = {name: f"{getattr(statement, name):.8f}" for name in ("opening", "earned", "paid", "closing")}
    moments = {name: moment_text(getattr(statement, name)) for name in ("starts_at", "ends_at", "closed_at")}
    return {
        "number": statement.number,
        "currency": statement.currency,
        "first_sequence": statement.first_sequence,
        "last_sequence": statement.last_sequence,
        "chain_hash": statement.chain_hash,
        **amounts,
        **moments,
    }
