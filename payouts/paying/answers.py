"""Answers of banks and wallets: a file applied row by row, each row once.

A row belongs to a line of a file that was released (`SentLine`), not to the payout alone: an answer to one attempt
never affects the next. Rows for payouts that were never sent, rows with another amount or with a status that is not in
the table (`answer_statuses`), and rows that contradict each other book nothing and are reported.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from affiliates.models import User
from payouts.models import AnswerRow, Payout, PayoutBatch, SentLine
from payouts.paying.answer_statuses import FAILED, IN_FLIGHT, PAID, RETURNED, WORDS, status_word
from payouts.paying.answer_statuses import MEANING as MEANING
from payouts.paying.bank_files import BatchRefused
from payouts.paying.payments import (
    AlreadyPaid,
    NotPaid,
    ReferenceRefused,
    mark_failed,
    mark_in_flight,
    mark_paid,
    mark_returned,
)
from payouts.pricing import exact
from records.csv_files import FileRefused, read_table

Status = PayoutBatch.Status
MAX_ANSWERS = 50_000

ID_COLUMNS = ("payout", "payout_id", "end_to_end_id", "endtoendid", "unique_id", "sender_item_id", "reference_id",
              "paymentreference", "payment_reference")  # fmt: skip
STATUS_COLUMNS = ("status", "transaction_status")
REFERENCE_COLUMNS = ("reference", "transaction_id", "transfer_id", "transferid")
REASON_COLUMNS = ("reason", "error", "error_message")
AMOUNT_COLUMNS = ("amount", "gross_amount", "payment_amount", "target_amount")
CURRENCY_COLUMNS = ("currency", "target_currency", "targetcurrency", "payment_currency")


@dataclass
class BankAnswerResult:
    """The result of a file: counts, and the rows that could not be applied, each with its reason."""

    paid: int = 0
    failed: int = 0
    returned: int = 0
    unchanged: int = 0
    in_flight: int = 0
    problems: list[str] = field(default_factory=list)


class BankAnswerRow(NamedTuple):
    line: int
    payout: str
    status: str
    reference: str
    reason: str
    amount: str
    currency: str
    batch: str
    sha256: str


class RowRefused(ValueError):
    """The row cannot be applied; nothing was booked for it."""


def import_result(*, content: bytes, actor: User, now: datetime) -> BankAnswerResult:
    """Apply an answer: CSV with a payout's ID and a status in each row, found by the columns' names.

    A row that was applied before changes nothing. A row that cannot be applied is named; the others are applied.
    Raise `BatchRefused` when the file as a whole cannot be read.
    """
    result = BankAnswerResult()
    for row, line in _once(_rows(content), result):
        try:
            with transaction.atomic():
                outcome = _apply(row, line, actor, now)
        except (RowRefused, AlreadyPaid, NotPaid, ReferenceRefused) as error:
            result.problems.append(gettext("Line {line}: {error}").format(line=row.line, error=error))
        except IntegrityError as error:
            if "answer_row_once" not in str(error):
                raise
            result.unchanged += 1
        else:
            setattr(result, outcome, getattr(result, outcome) + 1)
    return result


def _once(rows: list[BankAnswerRow], result: BankAnswerResult) -> list[tuple[BankAnswerRow, SentLine]]:
    """One row for each line that was sent. A repeated row is reported; rows that contradict each other are left out."""
    by_line: dict[int, list[tuple[BankAnswerRow, SentLine]]] = defaultdict(list)
    for row in rows:
        try:
            line = _line_of(row)
        except RowRefused as error:
            result.problems.append(gettext("Line {line}: {error}").format(line=row.line, error=error))
        else:
            by_line[line.pk].append((row, line))
    found = []
    for same in by_line.values():
        (first, line), numbers = same[0], ", ".join(str(row.line) for row, _ in same)
        if len({(MEANING.get(row.status), row.amount, row.currency) for row, _ in same}) > 1:
            result.problems.append(
                gettext("Lines {numbers}: they contradict each other about {line}; none of them is applied.").format(
                    numbers=numbers, line=line
                )
            )
            continue
        if len(same) > 1:
            result.problems.append(
                gettext("Lines {numbers}: {line} is in the file more than once; line {line_2} counts.").format(
                    numbers=numbers, line=line, line_2=first.line
                )
            )
        found.append((first, line))
    return sorted(found, key=lambda each: each[0].line)


def _line_of(row: BankAnswerRow) -> SentLine:
    """The line that the row answers to: by the reference in the file, or by the payout's ID where that is plain."""
    lines = SentLine.objects.select_related("batch", "payout")
    line = lines.filter(reference=row.payout).first() if row.payout else None
    payout = line.payout if line else Payout.objects.filter(public_id=row.payout.replace("-", "_", 1)).first()
    if payout is None:
        raise RowRefused(gettext("there is no payout {payout}.").format(payout=row.payout or "(empty)"))
    if row.batch:
        line = lines.filter(payout=payout, batch__public_id=row.batch).first()
        if line is None and payout.batch and payout.batch.public_id != row.batch:
            raise RowRefused(
                gettext("{payout} is in batch {batch}, not in {batch_2}.").format(
                    payout=payout, batch=payout.batch, batch_2=row.batch
                )
            )
    elif line is None:
        sent = list(lines.filter(payout=payout)[:2])
        if len(sent) > 1:
            raise RowRefused(
                gettext("{payout} was sent more than once; name the batch in a column batch.").format(payout=payout)
            )
        line = sent[0] if sent else None
    if line is None:
        raise RowRefused(_never_sent(payout))
    return line


def _never_sent(payout: Payout) -> str:
    batch = payout.batch
    if batch is None:
        return gettext("{payout} is in no batch that was sent; nothing is booked for it.").format(payout=payout)
    status = batch.get_status_display().lower()
    return gettext("{payout} was never sent: batch {batch} is {status} and no file was released.").format(
        payout=payout, batch=batch, status=status
    )


def _apply(row: BankAnswerRow, line: SentLine, actor: User, now: datetime) -> str:
    """Apply a row under the locks of its batch, then of its payout; return which count goes up."""
    meaning = MEANING.get(row.status)
    if meaning is None:
        known = "; ".join(f"{each}: {', '.join(words)}" for each, words in WORDS.items())
        raise RowRefused(
            gettext("the status {status} of {line} is not known. Known are {known}.").format(
                status=row.status[:40] or "(empty)", line=line, known=known
            )
        )
    batch = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=line.batch_id)
    payout = Payout.objects.select_for_update(of=("self",)).get(pk=line.payout_id)
    _check_amount(row, line)
    if _known(row, line, payout, meaning):
        return "unchanged"
    _refuse_misfits(row, line, batch, payout, meaning)
    AnswerRow.objects.create(payout=payout, batch=batch, sha256=row.sha256, meaning=meaning, at=now, by=actor)
    return _book(row, payout, meaning, actor, now)


def _known(row: BankAnswerRow, line: SentLine, payout: Payout, meaning: str) -> bool:
    """Whether the row was applied before, or reports the current state."""
    is_here = payout.batch_id == line.batch_id
    if is_here and payout.status == meaning:
        return True
    before = AnswerRow.objects.filter(payout=payout, batch=line.batch_id)
    # A final status is applied once, even if another file repeats it; one that is not final may come back.
    same = Q(sha256=row.sha256) if meaning == IN_FLIGHT else Q(sha256=row.sha256) | Q(meaning=meaning)
    if not before.filter(same).exists():
        return False
    if payout.batch_id and not is_here and not row.batch:
        raise RowRefused(
            gettext(
                "this row is about {payout} in batch {batch}, and was applied; it is in batch {batch_2} now. "
                "If the row is about the new batch, name it in a column batch."
            ).format(payout=payout, batch=line.batch, batch_2=payout.batch)
        )
    return True


def _refuse_misfits(row: BankAnswerRow, line: SentLine, batch: PayoutBatch, payout: Payout, meaning: str) -> None:
    """Raise for an answer that comes too late for its payout, or that contradicts the ledger."""
    if batch.status != Status.SENT:
        raise RowRefused(
            gettext(
                "{line} was sent with batch {batch}, which is {status}, and the file has "
                "{status_2}. Nothing is booked: check with the bank whether money left."
            ).format(line=line, batch=batch, status=batch.get_status_display().lower(), status_2=row.status)
        )
    if payout.batch_id != line.batch_id:
        place = (
            gettext("it is in batch {batch} now").format(batch=payout.batch)
            if payout.batch_id
            else gettext("it has left that batch")
        )
        why = f" ({payout.failure})" if payout.failure else ""
        raise RowRefused(
            gettext(
                "{line} was sent with batch {batch}; {place}{why}, and the file has {status}. Nothing is booked: "
                "unless this file is an older one, check with the bank before the payout is sent again."
            ).format(line=line, batch=batch, place=place, why=why, status=row.status)
        )
    settled = payout.status != Payout.Status.DUE
    if settled and not (payout.status == Payout.Status.PAID and meaning == RETURNED):
        raise RowRefused(
            gettext(
                "{line} is {status} here, and the file has {status_2}. Nothing is booked: "
                "an older file is harmless; a newer one has to be settled by hand on the payout's page."
            ).format(line=line, status=payout.get_status_display().lower(), status_2=row.status)
        )


def _check_amount(row: BankAnswerRow, line: SentLine) -> None:
    sent = exact(line.amount, line.currency)
    if row.currency and row.currency.upper() != line.currency:
        raise RowRefused(
            gettext("{line} was for {sent}, and the row is in {currency}.").format(
                line=line, sent=sent, currency=row.currency[:10]
            )
        )
    if row.amount and abs(_number(row.amount) or Decimal(0)) != line.amount:
        raise RowRefused(
            gettext("{line} was for {sent}, and the row is for {amount}.").format(
                line=line, sent=sent, amount=row.amount[:30]
            )
        )


def _number(text: str) -> Decimal | None:
    """`1,234.56`, `1.234,56`, `-200.00`; None for text that is not a number."""
    text = text.replace(" ", "").replace("\u00a0", "")
    whole, point, rest = text.rpartition("," if text.rfind(",") > text.rfind(".") else ".")
    if point == "," and len(rest) == 3 and "." not in whole:
        whole, point, rest = text.replace(",", ""), "", ""  # Thousands, as in 1,234.
        text = whole
    elif point:
        text = f"{whole.replace(',', '').replace('.', '')}.{rest}"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _book(row: BankAnswerRow, payout: Payout, meaning: str, actor: User, now: datetime) -> str:
    if meaning == IN_FLIGHT:
        mark_in_flight(payout=payout, status=row.status.replace("_", " "), now=now)
        return "in_flight"
    if meaning == FAILED:
        mark_failed(payout=payout, why=_why(row), actor=actor, now=now)
        return "failed"
    if payout.status == Payout.Status.DUE:
        mark_paid(payout=payout, reference=row.reference or payout.public_id, actor=actor, now=now)
    if meaning == PAID:
        return "paid"
    mark_returned(payout=payout, why=_why(row), actor=actor, now=now)
    return "returned"


def _why(row: BankAnswerRow) -> str:
    """The reason as the affiliate reads it."""
    text = " ".join("".join(each if each.isprintable() else " " for each in row.reason).split())
    return text[:200] or gettext("the bank gave no reason")


def _rows(content: bytes) -> list[BankAnswerRow]:
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise BatchRefused(
            gettext(
                "This is an XML message (such as pain.002 or camt), which is not read here. Nothing was booked. Export "
                "the payments as CSV with the columns payout (the EndToEndId) and status, or mark them one by one."
            )
        )
    try:
        columns, rows = read_table(content)
        heads = {status_word(name): name for name in columns}
        if not _head(heads, ID_COLUMNS) or not _head(heads, STATUS_COLUMNS):
            raise BatchRefused(
                gettext(
                    "The first line must name the columns; needed are payout (our ID, po_…) and status, "
                    "useful are reference, reason, amount, currency and batch."
                )
            )
        listed = [_row(line, heads, dict(values)) for line, values in islice(rows, MAX_ANSWERS + 1)]
    except FileRefused as error:
        raise BatchRefused(str(error)) from error
    if len(listed) > MAX_ANSWERS:
        raise BatchRefused(
            gettext("The file has more than {max_answers:,} rows; split it.").format(max_answers=MAX_ANSWERS)
        )
    return listed


def _row(line: int, heads: dict[str, str], values: Mapping[str, str | None]) -> BankAnswerRow:
    def cell(*names: str) -> str:
        head = _head(heads, names)
        return (values.get(head) or "").strip() if head else ""

    cells = [f"{name}={cell(name)}" for name in sorted(heads) if name]
    return BankAnswerRow(
        line=line,
        payout=cell(*ID_COLUMNS),
        status=status_word(cell(*STATUS_COLUMNS)),
        reference=cell(*REFERENCE_COLUMNS),
        reason=cell(*REASON_COLUMNS),
        amount=cell(*AMOUNT_COLUMNS),
        currency=cell(*CURRENCY_COLUMNS),
        batch=cell("batch"),
        sha256=hashlib.sha256("\n".join(cells).encode()).hexdigest(),
    )


def _head(heads: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((heads[name] for name in names if name in heads), None)
