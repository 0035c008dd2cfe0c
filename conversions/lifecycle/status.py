"""The status of a conversion: pending, approved or rejected; each change is appended with who, when and why."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from conversions.models import Conversion, Postback, StatusChange
from conversions.reasons.codes import Reason

Status = Conversion.Status

ALLOWED: dict[str, frozenset[str]] = {
    Status.PENDING: frozenset({Status.APPROVED, Status.REJECTED}),
    Status.APPROVED: frozenset({Status.REJECTED}),
    Status.REJECTED: frozenset({Status.APPROVED}),
}


class StatusNotAllowed(ValueError):
    """The conversion is not in a status that allows this change; nothing was changed."""


def change_status(
    *,
    conversion_ids: Collection[int],
    to: Conversion.Status,
    reason: Reason,
    source: StatusChange.Source,
    now: datetime,
    actor: User | None = None,
    note: str = "",
    postback: Postback | None = None,
) -> int:
    """Move conversions to a status, all of them or none, and set them as due for booking.

    Locks the rows in the order of their IDs. Conversions that have the status already are left alone. Return how many
    changed; raise `StatusNotAllowed` naming the first that cannot.
    """
    with transaction.atomic():
        rows = list(Conversion.objects.select_for_update().filter(pk__in=conversion_ids).order_by("pk"))
        changing = [row for row in rows if row.status != to]
        for row in changing:
            if to not in ALLOWED[row.status]:
                raise StatusNotAllowed(
                    gettext("Conversion {public_id} is {status} and cannot become {to}.").format(
                        public_id=row.public_id, status=row.status, to=to
                    )
                )
        StatusChange.objects.bulk_create(
            StatusChange(
                conversion=row,
                from_status=row.status,
                to_status=to,
                reason=reason,
                note=note,
                source=source,
                actor=actor,
                postback=postback,
                at=now,
            )
            for row in changing
        )
        Conversion.objects.filter(pk__in=[row.pk for row in changing]).update(
            status=to, reason=reason, approve_at=None, booked_at=None
        )
    return len(changing)


def approve_due(*, now: datetime, limit: int = 1000) -> int:
    """Approve conversions whose delay has passed. Safe to run from any number of workers at once."""
    with transaction.atomic():
        due = (
            Conversion.objects.select_for_update(skip_locked=True)
            .filter(approve_at__lte=now)
            .order_by("pk")
            .values_list("pk", flat=True)[:limit]
        )
        return change_status(
            conversion_ids=list(due),
            to=Status.APPROVED,
            reason=Reason.DELAY_PASSED,
            source=StatusChange.Source.AUTOMATIC,
            now=now,
        )
