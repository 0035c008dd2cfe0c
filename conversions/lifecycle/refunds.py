"""Refunds to customers: stored beside the conversion, whose commission they reduce.

The arithmetic: `Conversion.remaining_revenue`, the revenue less its refunds, is priced again, and
`payouts.ledger.owed` books the difference to what was booked.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, Postback, Refund, StatusChange
from conversions.reasons.codes import Reason
from records.money import format_money, places, round_money

Status = Conversion.Status


class RefundRefused(ValueError):
    """The amount cannot be refunded; nothing was stored. The message says why."""


def refund(
    *,
    conversion: Conversion,
    amount: Decimal,
    occurred_at: datetime,
    now: datetime,
    source: StatusChange.Source,
    refund_id: str = "",
    note: str = "",
    actor: User | None = None,
    postback: Postback | None = None,
) -> Refund:
    """Refund this amount of the conversion's revenue; if nothing is left, the conversion is rejected.

    Raise `RefundRefused` for more than is left, and for a `refund_id` that the conversion already has. `conversion` is
    updated in place.
    """
    with transaction.atomic():
        row = Conversion.objects.select_for_update().get(pk=conversion.pk)
        _check(row, amount, refund_id)
        kept = Refund.objects.create(
            conversion=row,
            amount=amount,
            refund_id=refund_id,
            note=note,
            occurred_at=occurred_at,
            received_at=now,
            actor=actor,
            postback=postback,
        )
        if row.revenue == row.refunded + amount and row.status != Status.REJECTED:
            change_status(
                conversion_ids=[row.pk],
                to=Status.REJECTED,
                reason=Reason.REFUNDED,
                source=source,
                now=now,
                actor=actor,
                note=note,
                postback=postback,
            )
        conversion.refresh_from_db(fields=["refunded", "status", "reason", "booked_at", "approve_at"])
    return kept


def decimals_problem(row: Conversion, amount: Decimal) -> str:
    """The error of a refund with more decimals than the currency has; empty if the revenue has them, too."""
    whole = amount == round_money(amount, row.currency)
    if whole or row.revenue is None or row.revenue != round_money(row.revenue, row.currency):
        return ""
    return gettext("{currency} has {places} decimals; {amount:f} has more.").format(
        currency=row.currency, places=places(row.currency), amount=amount
    )


def _check(row: Conversion, amount: Decimal, refund_id: str) -> None:
    left = row.remaining_revenue
    if left is None:
        raise RefundRefused(
            gettext("Conversion {public_id} has no revenue: reverse it instead.").format(public_id=row.public_id)
        )
    if amount <= 0 or amount > left:
        shown = format_money(left, row.currency)
        raise RefundRefused(
            gettext(
                "Conversion {public_id} has {shown} left; a refund must be above zero and no more than that."
            ).format(public_id=row.public_id, shown=shown)
        )
    if problem := decimals_problem(row, amount):
        raise RefundRefused(problem)
    if refund_id and row.refunds.filter(refund_id=refund_id).exists():
        raise RefundRefused(
            gettext("Conversion {public_id} already has the refund {refund_id}.").format(
                public_id=row.public_id, refund_id=refund_id
            )
        )
