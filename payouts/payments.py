"""Paying: a payout that was sent is marked once, and the ledger carries it from then on."""

from datetime import datetime

from django.db import IntegrityError, transaction

from affiliates.models import User
from payouts.chain import Draft, append
from payouts.models import LedgerEntry, Payout
from payouts.pricing import exact


class AlreadyPaid(ValueError):
    """The payout was paid before; nothing was changed."""


class ReferenceRefused(ValueError):
    """The payment's reference is missing or too long; nothing was changed."""


def mark_paid(*, payout: Payout, reference: str, actor: User, now: datetime) -> LedgerEntry:
    """Record that a payout was sent: the payout becomes paid and the ledger gets the payment, together or not at all.

    `reference` is the bank's or wallet's own. The payout's row is locked, then the end of the affiliate's
    chain; beside the locks a unique index lets a payout have one payment only. Return the entry; raise
    `AlreadyPaid` the second time, `ReferenceRefused` when the payment could not be found again by it.
    """
    reference = " ".join(reference.split())
    if not reference or len(reference) > 80 or not reference.isprintable():
        raise ReferenceRefused("Give the bank's or wallet's own reference of the payment, at most 80 characters.")
    try:
        with transaction.atomic():
            return _pay(payout.pk, reference, actor, now)
    except IntegrityError as error:
        if "payout_paid_once" not in str(error):
            raise
        raise AlreadyPaid(f"Payout {payout.public_id} has a payment in the ledger already.") from error


def _pay(payout_id: int, reference: str, actor: User, now: datetime) -> LedgerEntry:
    row = Payout.objects.select_for_update(of=("self",)).select_related("statement").get(pk=payout_id)
    if row.status == Payout.Status.PAID:
        raise AlreadyPaid(
            f"Payout {row.public_id} was paid on {row.paid_at:%Y-%m-%d} with the reference {row.reference}."
        )
    row.status, row.reference, row.paid_at, row.paid_by = Payout.Status.PAID, reference, now, actor
    row.save(update_fields=["status", "reference", "paid_at", "paid_by"])
    words = f"paid {exact(row.amount, row.currency)} for statement {row.statement.number}, reference {reference}"
    draft = Draft(
        affiliate_id=row.affiliate_id,
        kind=LedgerEntry.Kind.PAYMENT,
        amount=-row.amount,
        currency=row.currency,
        arithmetic=words,
        occurred_at=now,
        payout=(row.pk, row.public_id),
    )
    return append([draft], now=now)[0]
