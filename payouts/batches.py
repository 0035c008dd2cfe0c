"""Batches: payouts sent together, made by one operator, approved by another, and what the bank answered.

A payout is in one batch at a time and a batch's rows are locked in the order of their IDs, so two operators at
once cannot put one payout into two batches, and nothing that is paid or in another batch is taken along.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Sum

from affiliates.models import User
from conversions.csv_files import FileRefused, Row, read_table
from payouts.models import Payout, PayoutBatch, PayoutMethod
from payouts.payments import AlreadyPaid, NotPaid, ReferenceRefused, mark_failed, mark_paid, mark_returned

Status = PayoutBatch.Status
# A payment file larger than this is refused by many banks; several batches go as well.
MAX_PAYOUTS = 10_000
# Of a bank's answer: each may be reported on more than once.
MAX_ANSWERS = 5 * MAX_PAYOUTS


class BatchRefused(ValueError):
    """The batch cannot be made, approved, sent or cancelled as it stands; nothing was changed."""


class Made(NamedTuple):
    """What `make_batches` did: the batches, and payouts that were left out with the reason."""

    batches: list[PayoutBatch]
    left_out: list[tuple[Payout, str]]


def make_batches(*, payout_ids: Collection[int], actor: User, now: datetime) -> Made:
    """Put due payouts into batches, one for each method and currency. What cannot go is left out and named."""
    with transaction.atomic():
        rows = Payout.objects.select_for_update(of=("self",)).select_related("affiliate").filter(pk__in=payout_ids)
        payouts = list(rows.order_by("pk"))
        methods = {
            method.affiliate_id: method
            for method in PayoutMethod.objects.filter(
                affiliate__in={payout.affiliate_id for payout in payouts}, replaced_at=None
            )
        }
        left_out: list[tuple[Payout, str]] = []
        groups: dict[tuple[str, str], list[Payout]] = {}
        for payout in payouts:
            method = methods.get(payout.affiliate_id)
            why = _why_not(payout, method)
            if why or method is None:
                left_out.append((payout, why))
            else:
                payout.method = method
                groups.setdefault((method.kind, payout.sent_currency), []).append(payout)
        batches = [_make(kind, currency, members, actor, now) for (kind, currency), members in sorted(groups.items())]
    return Made(batches, left_out)


def _why_not(payout: Payout, method: PayoutMethod | None) -> str:
    if payout.status != Payout.Status.DUE:
        return f"is {payout.get_status_display().lower()}"
    if payout.batch_id:
        return f"is in batch {payout.batch}"
    if method is None:
        return f"{payout.affiliate} has not said where to send it"
    if method.kind == PayoutMethod.Kind.SEPA and payout.sent_currency != "EUR":
        return f"is in {payout.sent_currency}; SEPA moves euros only"
    return ""


def _make(kind: str, currency: str, members: list[Payout], actor: User, now: datetime) -> PayoutBatch:
    if len(members) > MAX_PAYOUTS:
        raise BatchRefused(f"{len(members):,} payouts are too many for one file; choose at most {MAX_PAYOUTS:,}.")
    batch = PayoutBatch.objects.create(kind=kind, currency=currency, created_at=now, created_by=actor)
    for payout in members:
        payout.batch, payout.failure = batch, ""
    Payout.objects.bulk_update(members, ["batch", "method", "failure"], batch_size=1000)
    return batch


def _locked(batch: PayoutBatch) -> PayoutBatch:
    return PayoutBatch.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=batch.pk)


@transaction.atomic
def approve_batch(*, batch: PayoutBatch, actor: User, now: datetime) -> None:
    """Release a batch for sending. Somebody else than its maker has to; the database, too, refuses it otherwise."""
    row = _locked(batch)
    if row.status != Status.DRAFT:
        raise BatchRefused(f"Batch {row} is {row.get_status_display().lower()}; only a new one is approved.")
    if row.created_by_id == actor.pk:
        raise BatchRefused(f"Batch {row} was made by you: another operator has to approve it.")
    if not row.payouts.exists():
        raise BatchRefused(f"Batch {row} has no payouts any more; cancel it.")
    row.status, row.approved_by, row.approved_at = Status.APPROVED, actor, now
    row.save(update_fields=["status", "approved_by", "approved_at"])


@transaction.atomic
def cancel_batch(*, batch: PayoutBatch, actor: User, note: str, now: datetime) -> int:
    """Dissolve a batch; its unpaid payouts are due again and free for another one. Return how many.

    One that was sent may be cancelled, too: the bank may have refused the whole file. What is paid stays paid.
    """
    row = _locked(batch)
    if row.status == Status.CANCELLED:
        raise BatchRefused(f"Batch {row} is cancelled already.")
    row.status, row.note = Status.CANCELLED, f"{note} (by {actor}, {now:%Y-%m-%d})"[:250]
    row.save(update_fields=["status", "note"])
    unpaid = row.payouts.filter(status=Payout.Status.DUE).order_by("pk").select_for_update(of=("self",))
    return Payout.objects.filter(pk__in=[payout.pk for payout in unpaid]).update(batch=None)


@transaction.atomic
def mark_sent(*, batch: PayoutBatch, now: datetime) -> None:
    """Note that the batch's file was taken out. Again for a sent one: nothing changes."""
    row = _locked(batch)
    if row.status == Status.APPROVED:
        row.status, row.sent_at = Status.SENT, now
        row.save(update_fields=["status", "sent_at"])
    elif row.status != Status.SENT:
        raise BatchRefused(f"Batch {row} is {row.get_status_display().lower()}; only an approved one has a file.")


def pay_batch(*, batch: PayoutBatch, reference: str, actor: User, now: datetime) -> int:
    """Mark every payout of a sent batch that is still due as paid. Return how many; again: none."""
    if PayoutBatch.objects.get(pk=batch.pk).status != Status.SENT:
        raise BatchRefused(f"Batch {batch} was not sent yet: approve it and download its file first.")
    done = 0
    for payout in batch.payouts.filter(status=Payout.Status.DUE).order_by("pk"):
        try:
            mark_paid(payout=payout, reference=reference, actor=actor, now=now)
            done += 1
        except AlreadyPaid:
            continue  # Somebody else was faster.
    return done


class Figures(NamedTuple):
    payouts: int
    total: Decimal
    paid: int


def figures_of(batch: PayoutBatch) -> Figures:
    """How many payouts a batch has, what they come to in its currency, and how many are settled."""
    sums = batch.payouts.aggregate(count=Count("pk"), total=Sum("sent_amount"))
    settled = batch.payouts.exclude(status=Payout.Status.DUE).count()
    return Figures(sums["count"], sums["total"] or Decimal(0), settled)


@dataclass
class Result:
    """What a bank's answer came to: counts, and the lines that could not be applied, each with its reason."""

    paid: int = 0
    failed: int = 0
    returned: int = 0
    unchanged: int = 0
    faults: list[str] = field(default_factory=list)


WORDS = {
    "paid": ("paid", "completed", "success", "accepted", "acsc", "accc", "done", "outgoing_payment_sent"),
    "failed": ("failed", "rejected", "rjct", "denied", "cancelled", "blocked"),
    "returned": ("returned", "refunded", "reversed", "unclaimed", "bounced_back"),
}
STATUS_OF = {word: status for status, words in WORDS.items() for word in words}
ID_COLUMNS = ("payout", "payout_id", "end_to_end_id", "endtoendid", "unique_id", "reference_id", "paymentreference")


def import_result(*, content: bytes, actor: User, now: datetime) -> Result:
    """Apply a bank's or wallet's answer: CSV with a payout ID, a status, a reference or a reason per line.

    Columns are found by name (payout or end_to_end_id, status, reference, reason), whatever their order. A line
    that was applied before changes nothing. A line that cannot be applied is named; the others are applied.
    Raise `BatchRefused` when the file as a whole cannot be read.
    """
    result = Result()
    for number, public_id, status, reference, reason in _lines(content):
        payout = Payout.objects.filter(public_id=public_id).first()
        if payout is None:
            result.faults.append(f"Line {number}: there is no payout {public_id or '(empty)'}.")
        elif status not in STATUS_OF:
            known = ", ".join(WORDS)
            result.faults.append(f"Line {number}: the status {status or '(empty)'} of {public_id} is none of {known}.")
        else:
            try:
                _apply(result, payout, STATUS_OF[status], reference, reason, actor, now)
            except (AlreadyPaid, NotPaid, ReferenceRefused) as fault:
                result.faults.append(f"Line {number}: {fault}")
    return result


def _apply(
    result: Result, payout: Payout, status: str, reference: str, reason: str, actor: User, now: datetime
) -> None:
    if payout.status == status or (status == "failed" and payout.batch_id is None and payout.failure):
        result.unchanged += 1
    elif status == "paid":
        mark_paid(payout=payout, reference=reference or payout.public_id, actor=actor, now=now)
        result.paid += 1
    elif status == "failed":
        mark_failed(payout=payout, why=reason or "the bank gave no reason", actor=actor, now=now)
        result.failed += 1
    else:
        if payout.status == Payout.Status.DUE:
            mark_paid(payout=payout, reference=reference or payout.public_id, actor=actor, now=now)
        mark_returned(payout=payout, why=reason or "the bank gave no reason", actor=actor, now=now)
        result.returned += 1


Answered = tuple[int, str, str, str, str]


def _lines(content: bytes) -> list[Answered]:
    try:
        columns, rows = read_table(content)
        return _read_lines(columns, rows)
    except FileRefused as error:
        raise BatchRefused(str(error)) from error


def _read_lines(columns: list[str], rows: Iterable[Row]) -> list[Answered]:
    """Line, payout, status, reference and reason of each row."""
    heads = {name.replace(" ", "_"): name for name in columns}
    id_head = next((heads[name] for name in ID_COLUMNS if name in heads), None)
    if id_head is None or "status" not in heads:
        raise BatchRefused(
            "The first line must name the columns; needed are payout (our ID, po_…) and status, "
            "useful are reference and reason."
        )
    read = list(islice(rows, MAX_ANSWERS + 1))
    if len(read) > MAX_ANSWERS:
        raise BatchRefused(f"The file has more than {MAX_ANSWERS:,} rows; split it.")
    return [
        (
            line,
            row.get(id_head, ""),
            row.get(heads["status"], "").lower().replace(" ", "_"),
            row.get(heads.get("reference", ""), ""),
            row.get(heads.get("reason", ""), ""),
        )
        for line, row in read
    ]
