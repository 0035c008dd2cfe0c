"""Operators' decisions on a conversion: the reasons, the statuses each one fits, and when a note is required."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, StatusChange
from conversions.reasons.codes import Reason

Status = Conversion.Status

# By reason, the statuses that it fits.
APPROVALS: dict[Reason, frozenset[str]] = {
    Reason.OPERATOR_APPROVED: frozenset({Status.PENDING}),
    Reason.APPEAL: frozenset({Status.REJECTED}),
}
REJECTIONS: dict[Reason, frozenset[str]] = {
    Reason.OPERATOR_REJECTED: frozenset({Status.PENDING, Status.APPROVED}),
    Reason.FRAUD: frozenset({Status.PENDING, Status.APPROVED}),
    Reason.REVERSED: frozenset({Status.APPROVED}),
    Reason.TEST_EVENT: frozenset({Status.PENDING, Status.APPROVED}),
}


class DecisionRefused(ValueError):
    """The decision does not fit the conversion's status; nothing was changed. The message says how to fix it."""


def approve(*, conversion_id: int, actor: User, now: datetime, note: str = "") -> bool:
    """Approve a pending conversion, or on appeal a rejected one, which needs a note. Return whether it changed."""
    with transaction.atomic():
        row = Conversion.objects.select_for_update().get(pk=conversion_id)
        reason = Reason.APPEAL if row.status == Status.REJECTED else Reason.OPERATOR_APPROVED
        if reason == Reason.APPEAL and not note:
            raise DecisionRefused(
                gettext(
                    "Conversion {public_id} was rejected. To approve it on appeal give a `note` that says why."
                ).format(public_id=row.public_id)
            )
        return _decide(row, Status.APPROVED, reason, note, actor, now)


def reject(*, conversion_id: int, reason: Reason, note: str, actor: User, now: datetime) -> bool:
    """Reject a conversion, or reverse an approved one. Return whether it changed."""
    with transaction.atomic():
        row = Conversion.objects.select_for_update().get(pk=conversion_id)
        if row.status != Status.REJECTED and row.status not in REJECTIONS[reason]:
            raise DecisionRefused(
                gettext(
                    "The reason {reason_value} does not fit: conversion {public_id} is {status}, and it is for "
                    "conversions that are {names}."
                ).format(
                    reason_value=reason.value,
                    public_id=row.public_id,
                    status=row.status,
                    names=" or ".join(sorted(REJECTIONS[reason])),
                )
            )
        return _decide(row, Status.REJECTED, reason, note, actor, now)


def _decide(row: Conversion, to: Conversion.Status, reason: Reason, note: str, actor: User, now: datetime) -> bool:
    source = StatusChange.Source.OPERATOR
    changed = change_status(
        conversion_ids=[row.pk], to=to, reason=reason, source=source, now=now, actor=actor, note=note
    )
    return changed == 1
