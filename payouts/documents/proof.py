"""A statement, or a whole account, as JSON that anyone can check offline: every entry with its seal.

`static/tools/verify_statement.py` checks it with nothing but Python's standard library. The form of an
entry and its seal is defined in `payouts.ledger.chain`, that of a statement in `payouts.anchors.seals`. Every other
value is bound too: `account` is the hash of `salt` and `affiliate` under which anchors name the account, `head` is
the last entry, `statements_end` the seal of the last statement. Beside the entries of the statement's own currency the
chain has those of other currencies that stand between them: without them it could not be followed.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from affiliates.models import Affiliate
from payouts.anchors.records import account_name
from payouts.anchors.seals import WITH_FACTS, Facts, facts_of, seal_row
from payouts.ledger.chain import COLUMNS, GENESIS, canonical_text
from payouts.ledger.chain import EntryFacts as EntryFacts
from payouts.models import AnchorAccount, LedgerEntry, LedgerHead, Statement, StatementSeal

FORMAT = "affidavit-account/2"
CHUNK = 2000


class NotSealed(LookupError):
    """The statement has no seal, so nothing proves it: a process of an older version closed it."""


def statement_proof(statement: Statement) -> Iterator[str]:
    """The statement, the entries of the chain from its first to its last, and the seal before them; in chunks.

    Raise `NotSealed`; `verify_ledger` names such statements.
    """
    if not StatementSeal.objects.filter(statement=statement).exists():
        raise NotSealed(f"Statement {statement.number} has no seal, so there is no proof of it.")
    entries = LedgerEntry.objects.filter(
        affiliate=statement.affiliate_id, sequence__range=(statement.first_sequence, statement.last_sequence)
    )
    head = {"sequence": statement.last_sequence, "hash": statement.chain_hash}
    return _document(statement.affiliate, _sealed(pk=statement.pk), entries, statement.first_sequence, head)


def account_proof(affiliate: Affiliate) -> Iterator[str]:
    """The whole chain from its first entry on, with every statement that was closed over it; in chunks."""
    # The head is read first, so entries booked meanwhile are left for the next download.
    end = LedgerHead.objects.filter(affiliate=affiliate).first() or LedgerHead(affiliate=affiliate)
    head = {"sequence": end.sequence, "hash": end.hash}
    entries = LedgerEntry.objects.filter(affiliate=affiliate, sequence__lte=end.sequence)
    statements = _sealed(affiliate=affiliate, last_sequence__lte=end.sequence)
    return _document(affiliate, statements, entries, 1, head)


def _sealed(**which: Any) -> QuerySet[Statement]:
    rows = Statement.objects.filter(seal__isnull=False, **which).select_related(*WITH_FACTS, "seal")
    return rows.order_by("seal__position")


def _document(
    affiliate: Affiliate, statements: Iterable[Statement], entries: QuerySet[LedgerEntry], first: int, head: Facts
) -> Iterator[str]:
    listed = [_statement(statement) for statement in statements]
    # Who has no statement yet has no salt: no anchor names the account.
    salt = AnchorAccount.objects.filter(affiliate=affiliate).values_list("salt", flat=True).first()
    start = {
        "format": FORMAT,
        "affiliate": affiliate.public_id,
        "salt": salt,
        "account": account_name(affiliate.public_id, salt) if salt else None,
        "head": head,
        "statements_end": listed[-1]["hash"] if listed else GENESIS,
        "statements": listed,
        "previous_hash": _seal_before(affiliate, first),
    }
    yield json.dumps(start, ensure_ascii=False, indent=1)[:-2] + ',\n "entries": ['
    comma = ""
    rows = entries.order_by("sequence").values_list(*COLUMNS, "hash")
    for *facts, seal in rows.iterator(chunk_size=CHUNK):
        text = canonical_text(EntryFacts(*facts))
        yield f'{comma}\n  {text[:-1]},"hash":"{seal}"}}'
        comma = ","
    yield "\n ]\n}\n"


def _seal_before(affiliate: Affiliate, first: int) -> str:
    before = LedgerEntry.objects.filter(affiliate=affiliate, sequence=first - 1).values_list("hash", flat=True)
    return GENESIS if first == 1 else before.get()


def _statement(statement: Statement) -> Facts:
    seal = seal_row(statement)
    return {**facts_of(statement, seal.position, seal.previous_hash), "hash": seal.hash}
