"""What banks and wallets answer: one table of their words, and a file applied row by row, each row once.

A row books only for a payout whose batch was released with a file, for the amount that was in it. What is under way
books nothing, and a word that is not in the table books nothing and is reported.
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

from affiliates.models import User
from payouts.models import AnswerRow, Payout, PayoutBatch
from payouts.paying.files import WISE_REFERENCE, BatchRefused
from payouts.paying.payments import AlreadyPaid, NotPaid, ReferenceRefused, mark_failed, mark_paid, mark_returned
from records.csv_files import FileRefused, read_table

Status = PayoutBatch.Status
MAX_ANSWERS = 50_000
PAID, IN_FLIGHT, RETURNED, FAILED = "paid", "in flight", "returned", "failed"

# The words of PayPal's reports and API, of Wise, of ISO 20022 (pain.002), and plain ones. A word is paid only where
# its source says that the money has arrived, returned only where it is back: all between is in flight.
WORDS = {
    PAID: ("paid", "completed", "success", "successful", "acsc", "accc", "done", "outgoing_payment_sent"),
    IN_FLIGHT: (
        *("unclaimed", "pending", "on_hold", "onhold", "held", "new", "created", "sent", "submitted", "in_progress"),
        *("processing", "in_process", "in_flight", "in_transit", "scheduled", "under_review", "accepted"),
        *("incoming_payment_waiting", "incoming_payment_initiated", "funds_converted", "bounced_back"),
        *("rcvd", "pdng", "accp", "actc", "acsp", "acwc", "acwp"),
    ),
    RETURNED: ("returned", "refunded", "reversed", "funds_refunded"),
    FAILED: ("failed", "rejected", "rjct", "denied", "cancelled", "canceled", "canc", "blocked"),
}  # fmt: skip
MEANING = {word: meaning for meaning, words in WORDS.items() for word in words}

ID_COLUMNS = ("payout", "payout_id", "end_to_end_id", "endtoendid", "unique_id", "sender_item_id", "reference_id",
              "paymentreference", "payment_reference")  # fmt: skip
STATUS_COLUMNS = ("status", "transaction_status")
REFERENCE_COLUMNS = ("reference", "transaction_id", "transfer_id", "transferid")
REASON_COLUMNS = ("reason", "error", "error_message")
AMOUNT_COLUMNS = ("amount", "gross_amount", "payment_amount", "target_amount")
CURRENCY_COLUMNS = ("currency", "target_currency", "targetcurrency", "payment_currency")


@dataclass
class Result:
    """What an answer came to: counts, and the rows that could not be applied, each with its reason."""

    paid: int = 0
    failed: int = 0
    returned: int = 0
    unchanged: int = 0
    in_flight: int = 0
    faults: list[str] = field(default_factory=list)


class Row(NamedTuple):
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


def import_result(*, content: bytes, actor: User, now: datetime) -> Result:
    """Apply an answer: CSV with a payout's ID and a status in each row, found by the columns' names.

    A row that was applied before changes nothing. A row that cannot be applied is named; the others are applied.
    Raise `BatchRefused` when the file as a whole cannot be read.
    """
    result = Result()
    for row in _once(_rows(content), result):
        try:
            with transaction.atomic():
                outcome = _apply(row, actor, now)
        except (RowRefused, AlreadyPaid, NotPaid, ReferenceRefused) as fault:
            result.faults.append(f"Line {row.line}: {fault}")
        except IntegrityError as error:
            if "answer_row_once" not in str(error):
                raise
            result.unchanged += 1
        else:
            setattr(result, outcome, getattr(result, outcome) + 1)
    return result


def _once(rows: list[Row], result: Result) -> list[Row]:
    """One row for each payout. A repeated row is reported; rows that contradict each other are all left out."""
    by_payout: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_payout[row.payout].append(row)
    found = []
    for payout, same in by_payout.items():
        if not payout or len(same) == 1:
            found += same
            continue
        lines = ", ".join(str(row.line) for row in same)
        meanings = {(MEANING.get(row.status), row.amount, row.currency) for row in same}
        if len(meanings) > 1:
            result.faults.append(f"Lines {lines}: they contradict each other about {payout}; none of them is applied.")
            continue
        result.faults.append(f"Lines {lines}: {payout} stands in the file more than once; line {same[0].line} counts.")
        found.append(same[0])
    return sorted(found)


def _apply(row: Row, actor: User, now: datetime) -> str:
    """Apply a row under the locks of its batch, then of its payout; return which count goes up."""
    meaning = MEANING.get(row.status)
    found = _named(row.payout)
    if found is None:
        raise RowRefused(f"there is no payout {row.payout or '(empty)'}.")
    if meaning is None:
        known = "; ".join(f"{each}: {', '.join(words)}" for each, words in WORDS.items())
        raise RowRefused(f"the status {row.status or '(empty)'} of {found} is not known. Known are {known}.")
    batch = None
    if found.batch_id:
        batch = PayoutBatch.objects.select_for_update(of=("self",)).get(pk=found.batch_id)
    payout = Payout.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if payout.batch_id != found.batch_id:
        raise RowRefused(f"{payout} moved to another batch meanwhile; import the file again.")
    _check_amount(row, payout)
    if _known(row, payout, batch, meaning):
        return "unchanged"
    batch = _sent(row, payout, batch)
    if meaning == IN_FLIGHT:
        return "in_flight"
    AnswerRow.objects.create(payout=payout, batch=batch, sha256=row.sha256, meaning=meaning, at=now, by=actor)
    return _book(row, payout, meaning, actor, now)


def _named(name: str) -> Payout | None:
    """By its ID, or by the reference that Wise was given."""
    if len(name) == WISE_REFERENCE:
        same = list(Payout.objects.filter(public_id__startswith=f"po_{name}")[:2])
        return same[0] if len(same) == 1 else None
    return Payout.objects.filter(public_id=name).first()


def _known(row: Row, payout: Payout, batch: PayoutBatch | None, meaning: str) -> bool:
    """Whether the row says what is so already."""
    if payout.status == meaning:
        return True
    before = AnswerRow.objects.filter(payout=payout, sha256=row.sha256).select_related("batch").last()
    if before is None:
        return False
    if before.batch != batch and batch is not None and not row.batch:
        raise RowRefused(
            f"this row was applied for {payout} in batch {before.batch}, and it is in batch {batch} now. "
            f"If the row is about the new batch, name it in a column batch."
        )
    return True


def _sent(row: Row, payout: Payout, batch: PayoutBatch | None) -> PayoutBatch:
    if batch is None:
        raise RowRefused(f"{payout} is in no batch that was sent; nothing is booked for it.")
    if row.batch and row.batch != batch.public_id:
        raise RowRefused(f"{payout} is in batch {batch}, not in {row.batch}.")
    if batch.status != Status.SENT or not hasattr(batch, "file"):
        status = batch.get_status_display().lower()
        raise RowRefused(f"{payout} was never sent: batch {batch} is {status} and no file was released.")
    return batch


def _check_amount(row: Row, payout: Payout) -> None:
    sent = f"{payout.sent_amount.normalize():f} {payout.sent_currency}"
    if row.currency and row.currency.upper() != payout.sent_currency:
        raise RowRefused(f"{payout} was for {sent}, and the row is in {row.currency}.")
    if not row.amount:
        return
    amount = _number(row.amount)
    if amount is None or abs(amount) != payout.sent_amount:
        raise RowRefused(f"{payout} was for {sent}, and the row is for {row.amount}.")


def _number(text: str) -> Decimal | None:
    """`1,234.56`, `1.234,56`, `-200.00`; None for what is no number."""
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


def _book(row: Row, payout: Payout, meaning: str, actor: User, now: datetime) -> str:
    reference, reason = row.reference or payout.public_id, row.reason or "the bank gave no reason"
    if meaning == FAILED:
        mark_failed(payout=payout, why=reason, actor=actor, now=now)
        return "failed"
    if payout.status == Payout.Status.DUE:
        mark_paid(payout=payout, reference=reference, actor=actor, now=now)
    elif meaning == PAID:
        raise AlreadyPaid(f"{payout} is {payout.get_status_display().lower()}; it cannot be paid any more.")
    if meaning == PAID:
        return "paid"
    mark_returned(payout=payout, why=reason, actor=actor, now=now)
    return "returned"


def _rows(content: bytes) -> list[Row]:
    try:
        columns, rows = read_table(content)
        heads = {_word(name): name for name in columns}
        if not _head(heads, ID_COLUMNS) or not _head(heads, STATUS_COLUMNS):
            raise BatchRefused(
                "The first line must name the columns; needed are payout (our ID, po_…) and status, "
                "useful are reference, reason, amount, currency and batch."
            )
        return [_row(line, heads, dict(values)) for line, values in islice(rows, MAX_ANSWERS)]
    except FileRefused as error:
        raise BatchRefused(str(error)) from error


def _row(line: int, heads: dict[str, str], values: Mapping[str, str | None]) -> Row:
    def cell(*names: str) -> str:
        head = _head(heads, names)
        return (values.get(head) or "").strip() if head else ""

    cells = [f"{name}={cell(name)}" for name in sorted(heads) if name]
    return Row(
        line=line,
        payout=cell(*ID_COLUMNS),
        status=_word(cell(*STATUS_COLUMNS)),
        reference=cell(*REFERENCE_COLUMNS),
        reason=cell(*REASON_COLUMNS),
        amount=cell(*AMOUNT_COLUMNS),
        currency=cell(*CURRENCY_COLUMNS),
        batch=cell("batch"),
        sha256=hashlib.sha256("\n".join(cells).encode()).hexdigest(),
    )


def _head(heads: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((heads[name] for name in names if name in heads), None)


def _word(text: str) -> str:
    return "_".join(text.strip().lower().replace("-", " ").split())
