"""Operators' decisions about affiliates, offers and enrollments, and the statuses that allow each step."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from affiliates.models import Affiliate, Enrollment, Offer, User

_Affiliate, _Offer, _Enrollment = Affiliate.Status, Offer.Status, Enrollment.Status

AFFILIATE_STEPS: dict[str, frozenset[str]] = {
    _Affiliate.ACTIVE: frozenset({_Affiliate.PENDING, _Affiliate.SUSPENDED}),
    _Affiliate.SUSPENDED: frozenset({_Affiliate.ACTIVE}),
    _Affiliate.CLOSED: frozenset({_Affiliate.PENDING, _Affiliate.ACTIVE, _Affiliate.SUSPENDED}),
}
OFFER_STEPS: dict[str, frozenset[str]] = {
    _Offer.ACTIVE: frozenset({_Offer.DRAFT, _Offer.PAUSED}),
    _Offer.PAUSED: frozenset({_Offer.ACTIVE}),
    _Offer.ENDED: frozenset({_Offer.DRAFT, _Offer.ACTIVE, _Offer.PAUSED}),
}
ENROLLMENT_STEPS: dict[str, frozenset[str]] = {
    _Enrollment.APPROVED: frozenset({_Enrollment.PENDING, _Enrollment.REJECTED, _Enrollment.BLOCKED}),
    _Enrollment.REJECTED: frozenset({_Enrollment.PENDING}),
    _Enrollment.BLOCKED: frozenset({_Enrollment.APPROVED}),
}


class StepNotAllowed(ValueError):
    """A row is not in a status that allows this step; nothing was changed."""


def change_affiliates(*, affiliate_ids: Collection[int], to: Affiliate.Status, note: str) -> int:
    """Move affiliates to a status, all or none. Suspending stops their links; return how many changed."""
    return _move(Affiliate.objects.filter(pk__in=affiliate_ids), to, AFFILIATE_STEPS, status_note=note)


def change_offers(*, offer_ids: Collection[int], to: Offer.Status) -> int:
    """Move offers to a status, all or none; return how many changed."""
    return _move(Offer.objects.filter(pk__in=offer_ids), to, OFFER_STEPS)


def decide_enrollments(
    *, enrollment_ids: Collection[int], to: Enrollment.Status, note: str, actor: User, now: datetime
) -> int:
    """Decide affiliates' access to offers, all or none, and store who decided when; return how many changed."""
    rows = Enrollment.objects.filter(pk__in=enrollment_ids)
    return _move(rows, to, ENROLLMENT_STEPS, note=note, decided_by=actor, decided_at=now)


def _move(rows: "QuerySet[Any]", to: str, steps: dict[str, frozenset[str]], **also: Any) -> int:
    """Change the status. Locks the rows in the order of their IDs; rows that have the status already are left alone."""
    with transaction.atomic():
        changing = [row for row in rows.select_for_update().order_by("pk") if row.status != to]
        for row in changing:
            if row.status not in steps[to]:
                label = dict(row._meta.get_field("status").choices)[to]
                raise StepNotAllowed(
                    gettext("{row} is “{status}” and cannot become “{label}”.").format(
                        row=row, status=row.get_status_display(), label=label
                    )
                )
        rows.model._default_manager.filter(pk__in=[row.pk for row in changing]).update(status=to, **also)
    return len(changing)
