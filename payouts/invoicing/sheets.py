"""The documents for a statement: one invoice, credit notes, both, or none. Pure.

The rule puts every unit of commission on exactly one document: corrections of invoiced amounts go on credit notes to
those invoices, everything else on the statement's invoice. A negative amount is credited against the account's newest
invoices; the rest is carried into the account's next invoice.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from payouts.invoicing.basis import ZERO, Open, StatementPart
from payouts.models import Statement


class DocumentLine(NamedTuple):
    """A line of a document: its description, the number of ledger lines it sums up, and the amount before VAT."""

    text: str
    entries: int
    net: Decimal


class Sheet(NamedTuple):
    """A document to be written; with an `original` it is a credit note to that invoice."""

    statement: Statement
    original: Open | None
    lines: list[DocumentLine]

    @property
    def net(self) -> Decimal:
        return _sum(self.lines)


def sheets_of(
    statement: Statement, parts: Sequence[StatementPart], carry: Decimal, opens: Sequence[Open]
) -> list[Sheet]:
    """The documents of a statement, the invoice first.

    `carry` is what earlier statements left undocumented (zero or below), `opens` are the account's invoices of which
    something is left, the newest first. Their nets add up to the parts and `carry`, unless `opens` cannot take what
    is below zero.
    """
    left = {each.invoice.pk: each.net for each in opens}
    own = [_line(part) for part in parts if part.original is None]
    credits: dict[int, list[DocumentLine]] = {}
    for original, lines in _corrections(parts).items():
        net = _sum(lines)
        take = min(-net, left.get(original, ZERO))
        if take <= 0:
            own += lines
            continue
        beyond = -net - take
        credits[original] = (
            [*lines, DocumentLine("Beyond what was left of the invoice", 0, beyond)] if beyond else lines
        )
        own += [DocumentLine("Corrections beyond the corrected invoice", 0, -beyond)] if beyond else []
        left[original] -= take
    if carry:
        own.append(DocumentLine("Carried over from earlier statements", 0, carry))
    total = _sum(own)
    for each in opens if total < 0 else ():
        take = min(-total, left[each.invoice.pk])
        if take > 0:
            words = f"Commission below zero in statement {statement.number}"
            credits.setdefault(each.invoice.pk, []).append(DocumentLine(words, 0, -take))
            total += take
    known = {each.invoice.pk: each for each in opens}
    invoice = [Sheet(statement, None, own)] if total > 0 else []
    return invoice + [Sheet(statement, known[pk], lines) for pk, lines in credits.items()]


def _corrections(parts: Sequence[StatementPart]) -> dict[int, list[DocumentLine]]:
    found: dict[int, list[DocumentLine]] = defaultdict(list)
    for part in parts:
        if part.original is not None:
            found[part.original].append(_line(part))
    return found


def _line(part: StatementPart) -> DocumentLine:
    text = part.text if part.original is None else f"{part.text} (correction)"
    return DocumentLine(text, part.entries, part.net)


def _sum(lines: Sequence[DocumentLine]) -> Decimal:
    return sum((line.net for line in lines), ZERO)
