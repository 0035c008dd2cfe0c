"""Batches: payouts sent together, made by one operator and approved by another, and the bank's answers.

A payout is in one batch at a time and a batch's rows are locked in the order of their IDs, so two operators at
once cannot put one payout into two batches, and nothing that is paid or in another batch is taken along.
"""

import hashlib
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext

from affiliates.models import User
from payouts.models import Payout, PayoutBatch, PayoutFile, PayoutMethod, SentLine
from payouts.paying.bank_files import BatchRefused as BatchRefused
from payouts.paying.bank_files import account_problem, check_own_account, payment_file, reference_of, why_not_written
from payouts.paying.concerns import Concern, concerns_of
from payouts.paying.payments import AlreadyPaid, mark_paid

Status = PayoutBatch.Status
# A payment file larger than this is refused by many banks; several batches go as well.
MAX_PAYOUTS = 10_000


class Made(NamedTuple):
    """The result of `make_batches`: the batches, and the payouts left out, each with its reason."""

    batches: list[PayoutBatch]
    left_out: list[tuple[Payout, str]]


class Released(NamedTuple):
    """A batch's stored file, and payouts that could not be written, each with its reason."""

    file: PayoutFile
    left_out: list[tuple[Payout, str]]


def make_batches(*, payout_ids: Collection[int], actor: User, now: datetime, include: Collection[Concern] = ()) -> Made:
    """Put due payouts into batches, one for each method and currency. Payouts that cannot be sent are left out and
    named.

    Payouts that finance should check first (`payouts.paying.concerns`) are left out too, unless their kind is in
    `include`.
    """
    with transaction.atomic():
        rows = Payout.objects.select_for_update(of=("self",)).select_related("affiliate", "statement", "batch")
        rows = rows.filter(pk__in=payout_ids)
        payouts = list(rows.order_by("pk"))
        methods = methods_of(payouts)
        concerns = concerns_of(payouts)
        left_out: list[tuple[Payout, str]] = []
        groups: dict[tuple[str, str], list[Payout]] = {}
        for payout in payouts:
            method = methods.get(payout.affiliate_id)
            left = [words for kind, words in concerns.get(payout.pk, {}).items() if kind not in include]
            why = why_not(payout, method) or " and ".join(left)
            if why or method is None:
                left_out.append((payout, why))
            else:
                payout.method = method
                groups.setdefault((method.kind, payout.sent_currency), []).append(payout)
        batches = [_make(kind, currency, members, actor, now) for (kind, currency), members in sorted(groups.items())]
    return Made(batches, left_out)


def methods_of(payouts: Collection[Payout]) -> dict[int, PayoutMethod]:
    """By affiliate, the method in force."""
    affiliates = {payout.affiliate_id for payout in payouts}
    return {row.affiliate_id: row for row in PayoutMethod.objects.filter(affiliate__in=affiliates, replaced_at=None)}


def why_not(payout: Payout, method: PayoutMethod | None) -> str:
    """Why a payout cannot be put into a batch, in words that follow its ID; empty when it can."""
    if payout.status != Payout.Status.DUE:
        return f"is {payout.get_status_display().lower()}"
    if payout.batch_id:
        return f"is in batch {payout.batch}"
    if method is None:
        return f"{payout.affiliate} has not said where to send it"
    payout.method = method
    if why := why_not_written(method.kind, payout):
        return why
    if method.kind == PayoutMethod.Kind.SEPA and payout.sent_currency != "EUR":
        return f"is in {payout.sent_currency}; SEPA moves euros only"
    return ""


def _make(kind: str, currency: str, members: list[Payout], actor: User, now: datetime) -> PayoutBatch:
    if len(members) > MAX_PAYOUTS:
        raise BatchRefused(
            gettext("{number_of_members:,} payouts are too many for one file; choose at most {max_payouts:,}.").format(
                number_of_members=len(members), max_payouts=MAX_PAYOUTS
            )
        )
    batch = PayoutBatch.objects.create(kind=kind, currency=currency, created_at=now, created_by=actor)
    for payout in members:
        payout.batch, payout.failure = batch, ""
    Payout.objects.bulk_update(members, ["batch", "method", "failure"], batch_size=1000)
    return batch


def _locked(batch: PayoutBatch) -> PayoutBatch:
    return PayoutBatch.objects.select_for_update(of=("self",)).select_related("created_by").get(pk=batch.pk)


@transaction.atomic
def approve_batch(*, batch: PayoutBatch, actor: User, now: datetime) -> None:
    """Release a batch for sending. Its maker may not approve it; a database constraint enforces this too."""
    row = _locked(batch)
    if row.status != Status.DRAFT:
        raise BatchRefused(
            gettext("Batch {row} is {status}; only a new one is approved.").format(
                row=row, status=row.get_status_display().lower()
            )
        )
    if row.created_by_id == actor.pk:
        raise BatchRefused(gettext("Batch {row} was made by you: another operator has to approve it.").format(row=row))
    if not row.payouts.exists():
        raise BatchRefused(gettext("Batch {row} has no payouts any more; cancel it.").format(row=row))
    check_own_account(row.kind)
    row.status, row.approved_by, row.approved_at = Status.APPROVED, actor, now
    row.save(update_fields=["status", "approved_by", "approved_at"])


@transaction.atomic
def cancel_batch(*, batch: PayoutBatch, actor: User, note: str, now: datetime) -> int:
    """Dissolve a batch; its unpaid payouts are due again and free for another one. Return how many.

    A sent batch may be cancelled too, as the bank may have refused the whole file. Paid payouts stay paid. Raise
    `BatchRefused` while one of its payouts is on its way.
    """
    row = _locked(batch)
    if row.status == Status.CANCELLED:
        raise BatchRefused(gettext("Batch {row} is cancelled already.").format(row=row))
    unpaid = list(row.payouts.filter(status=Payout.Status.DUE).order_by("pk").select_for_update(of=("self",)))
    if away := [payout for payout in unpaid if payout.in_flight]:
        names = ", ".join(f"{payout} ({payout.in_flight})" for payout in away[:10])
        raise BatchRefused(
            gettext(
                "Batch {row} is not cancelled: {number_of_away} of its payouts are on their way by the bank's or "
                "wallet's own "
                "answer and would be sent twice: {names}. Import the next answer first."
            ).format(row=row, number_of_away=len(away), names=names)
        )
    row.status, row.note = Status.CANCELLED, f"{note} (by {actor}, {now:%Y-%m-%d})"[:250]
    row.save(update_fields=["status", "note"])
    return Payout.objects.filter(pk__in=[payout.pk for payout in unpaid]).update(batch=None)


@transaction.atomic
def release_batch(*, batch: PayoutBatch, actor: User, now: datetime) -> Released:
    """Make and store the batch's file, and mark the batch as sent. Payouts that cannot be written leave the batch.

    This also makes the file of a batch that was sent before files were stored.
    """
    row = _locked(batch)
    if row.status not in (Status.APPROVED, Status.SENT):
        raise BatchRefused(
            gettext("Batch {row} is {status}; only an approved one has a file.").format(
                row=row, status=row.get_status_display().lower()
            )
        )
    if has_file(row):
        raise BatchRefused(gettext("Batch {row} is released already; download its file.").format(row=row))
    due = _due_of(row)
    references = _references(row, due)
    made = payment_file(row, due, references, now=now)
    for payout, why in made.left_out:
        payout.batch, payout.failure = None, why[:250]
        payout.save(update_fields=["batch", "failure"])
    left_out = {payout.pk for payout, _ in made.left_out}
    SentLine.objects.bulk_create(
        SentLine(
            batch=row, payout=payout, reference=references[payout.pk], amount=payout.sent_amount,
            currency=payout.sent_currency,
        )
        for payout in due
        if payout.pk not in left_out
    )  # fmt: skip
    digest = hashlib.sha256(made.content).hexdigest()
    file = PayoutFile.objects.create(
        batch=row, name=made.name, content_type=made.content_type, content=made.content, sha256=digest,
        made_at=now, made_by=actor,
    )  # fmt: skip
    row.status, row.sent_at = Status.SENT, row.sent_at or now
    row.save(update_fields=["status", "sent_at"])
    return Released(file, made.left_out)


def has_file(batch: PayoutBatch) -> bool:
    return PayoutFile.objects.filter(batch=batch).exists()


def _references(batch: PayoutBatch, payouts: Collection[Payout]) -> dict[int, str]:
    """By payout, the reference of this attempt: an answer to an earlier one never has it."""
    before = Counter(SentLine.objects.filter(payout__in=payouts).values_list("payout", flat=True))
    return {payout.pk: reference_of(batch.kind, payout, before[payout.pk]) for payout in payouts}


def _due_of(batch: PayoutBatch) -> list[Payout]:
    rows = batch.payouts.filter(status=Payout.Status.DUE).select_related("affiliate", "statement", "method")
    return list(rows.order_by("pk").select_for_update(of=("self",)))


@transaction.atomic
def pay_batch(*, batch: PayoutBatch, reference: str, actor: User, now: datetime) -> int:
    """Mark every payout of a released batch that is still due as paid. Return how many; again: none.

    What is on its way by the bank's or wallet's own answer is left to the next answer.
    """
    row = _locked(batch)
    if row.status != Status.SENT or not has_file(row):
        raise BatchRefused(
            gettext("Batch {row} was not sent yet: approve it and release its file first.").format(row=row)
        )
    done = 0
    for payout in row.payouts.filter(status=Payout.Status.DUE, in_flight="").order_by("pk"):
        try:
            mark_paid(payout=payout, reference=reference, actor=actor, now=now, of_batch=row)
            done += 1
        except AlreadyPaid:
            continue  # Settled, or reported to be on its way, meanwhile.
    return done


class BatchFigures(NamedTuple):
    payouts: int
    total: Decimal
    paid: int


def figures_of(batch: PayoutBatch) -> BatchFigures:
    """The number of payouts in a batch, their sum in its currency, and how many are settled."""
    sums = batch.payouts.aggregate(count=Count("pk"), total=Sum("sent_amount"))
    settled = batch.payouts.exclude(status=Payout.Status.DUE).count()
    return BatchFigures(sums["count"], sums["total"] or Decimal(0), settled)


def problems_of(batch: PayoutBatch) -> list[tuple[str, list[Payout]]]:
    """Problems to check before the batch is sent, each with its payouts, or with none if it concerns the whole file."""
    if batch.status not in (Status.DRAFT, Status.APPROVED):
        return []
    payouts = list(batch.payouts.filter(status=Payout.Status.DUE).select_related("affiliate", "statement", "method"))
    found: dict[str, list[Payout]] = {}
    if problem := account_problem(batch.kind):
        found[problem] = []
    concerns = concerns_of(payouts)
    for payout in payouts:
        for words in [*concerns.get(payout.pk, {}).values(), why_not_written(batch.kind, payout)]:
            if words:
                found.setdefault(words, []).append(payout)
    return list(found.items())
