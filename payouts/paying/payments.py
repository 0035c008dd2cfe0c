"""Paying: a payout that was sent is marked once, and the ledger carries it from then on."""

from datetime import datetime
from decimal import Decimal

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from affiliates.models import User
from payouts.ledger.chain import Draft, append
from payouts.models import LedgerEntry, Payout, PayoutBatch
from payouts.pricing import exact, plain

Kind = LedgerEntry.Kind
MOST_WORDS = 300
_REFERENCE = ", reference "

log = structlog.get_logger(__name__)


class AlreadyPaid(ValueError):
    """The payout was paid before; nothing was changed."""


class NotPaid(ValueError):
    """The payout was not paid, so nothing can come back; nothing was changed."""


class ReferenceRefused(ValueError):
    """The payment's reference is missing or too long; nothing was changed."""


def mark_paid(
    *, payout: Payout, reference: str, actor: User, now: datetime, of_batch: PayoutBatch | None = None
) -> LedgerEntry:
    """Record that a payout was sent: the payout becomes paid and the ledger gets the payment, together or not at all.

    `reference` is the bank's or wallet's own. The payout's row is locked, then the end of the affiliate's
    chain; beside the locks a unique index lets a payout have one payment only. With `of_batch` it is paid only while
    it is in that batch and not on its way. Return the entry; raise `AlreadyPaid` the second time, `ReferenceRefused`
    when the payment could not be found again by it.
    """
    reference = " ".join(reference.split())
    if not reference or len(reference) > 80 or not reference.isprintable():
        raise ReferenceRefused(
            gettext("Give the bank's or wallet's own reference of the payment, at most 80 characters.")
        )
    try:
        with transaction.atomic():
            return _pay(payout.pk, reference, actor, now, of_batch)
    except IntegrityError as error:
        if "payout_paid_once" not in str(error):
            raise
        raise AlreadyPaid(
            gettext("Payout {payout} has a payment in the ledger already.").format(payout=payout.public_id)
        ) from error


def _pay(payout_id: int, reference: str, actor: User, now: datetime, of_batch: PayoutBatch | None) -> LedgerEntry:
    row = Payout.objects.select_for_update(of=("self",)).select_related("statement").get(pk=payout_id)
    if row.status == Payout.Status.PAID:
        raise AlreadyPaid(
            gettext("Payout {public_id} was paid on {paid_at:%Y-%m-%d} with the reference {reference}.").format(
                public_id=row.public_id, paid_at=row.paid_at, reference=row.reference
            )
        )
    if row.status == Payout.Status.RETURNED:
        raise AlreadyPaid(
            gettext("Payout {public_id} came back; it has a payment, and the next statement pays it again.").format(
                public_id=row.public_id
            )
        )
    if of_batch and (row.batch_id != of_batch.pk or row.in_flight):
        raise AlreadyPaid(
            gettext("Payout {public_id} can no longer be paid with batch {of_batch}.").format(
                public_id=row.public_id, of_batch=of_batch
            )
        )
    row.status, row.reference, row.paid_at, row.paid_by, row.failure = Payout.Status.PAID, reference, now, actor, ""
    row.in_flight, row.in_flight_at = "", None
    row.save(update_fields=["status", "reference", "paid_at", "paid_by", "failure", "in_flight", "in_flight_at"])
    words = f"paid {_sent_words(row)} for statement {row.statement.number}{_REFERENCE}{reference}"
    drafts = [_draft(row, Kind.PAYMENT, row.fee - row.amount, words, now)]
    if row.fee:
        words = f"fee of {exact(row.fee, row.currency)} for payout {row.public_id}"
        drafts.append(_draft(row, Kind.FEE, -row.fee, words, now))
    return append(drafts, now=now)[0]


def says_reference(arithmetic: str, reference: str) -> bool:
    """Whether a payment's words end with this reference, as far as there was room for it."""
    words, found, given = arithmetic.partition(_REFERENCE)
    return bool(found) and (given == reference or (len(arithmetic) == MOST_WORDS and reference.startswith(given)))


def _draft(row: Payout, kind: LedgerEntry.Kind, amount: Decimal, words: str, now: datetime) -> Draft:
    return Draft(
        affiliate_id=row.affiliate_id,
        kind=kind,
        amount=amount,
        currency=row.currency,
        arithmetic=words[:MOST_WORDS],
        occurred_at=now,
        payout=(row.pk, row.public_id),
    )


def _sent_words(row: Payout) -> str:
    """`100.00 EUR`, or `92.31 EUR for 100.00 USD at 0.9231 (ecb, 2026-10-30)`."""
    owed = exact(row.amount - row.fee, row.currency)
    if row.rate is None:
        return owed
    source = f"{row.rate_source}, {row.rate_day}"
    return f"{exact(row.sent_amount, row.sent_currency)} for {owed} at {plain(row.rate)} ({source})"


def mark_returned(*, payout: Payout, why: str, actor: User, now: datetime) -> LedgerEntry:
    """Record that a paid payout came back: the account gets the money again, and the next statement pays it again.

    The fee stays taken. Raise `NotPaid` when there is nothing that could come back, `ReferenceRefused` without a
    reason.
    """
    why = _reason(why)
    with transaction.atomic():
        row = Payout.objects.select_for_update(of=("self",)).select_related("statement").get(pk=payout.pk)
        if row.status != Payout.Status.PAID:
            status = row.get_status_display().lower()
            raise NotPaid(
                gettext("Payout {public_id} is {status}; only a paid one can come back.").format(
                    public_id=row.public_id, status=status
                )
            )
        row.status, row.failure = Payout.Status.RETURNED, why
        row.save(update_fields=["status", "failure"])
        words = f"payment {row.reference} of {exact(row.amount - row.fee, row.currency)} came back: {why}"
        return append([_draft(row, Kind.RETURNED, row.amount - row.fee, words, now)], now=now)[0]


def mark_failed(*, payout: Payout, why: str, actor: User, now: datetime) -> None:
    """Record that sending a payout failed: it leaves its batch and is due again, with the reason stored.

    Raise `AlreadyPaid` when it was paid meanwhile.
    """
    why = _reason(why)
    with transaction.atomic():
        row = Payout.objects.select_for_update(of=("self",)).get(pk=payout.pk)
        if row.status != Payout.Status.DUE:
            raise AlreadyPaid(
                gettext("Payout {public_id} is {status}; it cannot fail any more.").format(
                    public_id=row.public_id, status=row.get_status_display().lower()
                )
            )
        row.batch, row.failure, row.in_flight, row.in_flight_at = None, why, "", None
        row.save(update_fields=["batch", "failure", "in_flight", "in_flight_at"])
        log.info("payout_failed", payout=row.public_id, why=why, actor=str(actor), at=now.isoformat())


def mark_in_flight(*, payout: Payout, status: str, now: datetime) -> None:
    """Store a status that is not final on a due payout: it stays in its batch and nothing is booked.

    Raise `AlreadyPaid` when it was settled meanwhile.
    """
    with transaction.atomic():
        row = Payout.objects.select_for_update(of=("self",)).get(pk=payout.pk)
        if row.status != Payout.Status.DUE:
            raise AlreadyPaid(
                gettext("Payout {public_id} is {status} already.").format(
                    public_id=row.public_id, status=row.get_status_display().lower()
                )
            )
        row.in_flight, row.in_flight_at = status, now
        row.save(update_fields=["in_flight", "in_flight_at"])


def _reason(why: str) -> str:
    words = " ".join(why.split())
    if not words or len(words) > 200 or not words.isprintable():
        raise ReferenceRefused(gettext("Say why, in at most 200 characters: the affiliate reads it."))
    return words
