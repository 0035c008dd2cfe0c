"""Conflicts for an operator to decide: a known transaction was sent again with other amounts.

Accepting gives the conversion the postback's amounts; the ledger books what is owed minus what is booked, also after a
statement and a payout. Dismissing keeps the first amounts. Each conflict is decided once; the row of the review is the
lock.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext

from affiliates.models import User
from conversions.intake.facts import amounts_of, in_words, plain_amounts
from conversions.intake.parsed_event import ParsedEvent
from conversions.intake.read.stored import events_of
from conversions.models import ConflictReview, Conversion, Correction, Postback, Trace
from conversions.qualification.waits import re_evaluate
from conversions.reasons.codes import Reason
from records.money import format_money

Resolution, Outcome = ConflictReview.Resolution, Postback.Outcome
NUMBERS = ("revenue", "payout", "volume")


class ConflictRefused(ValueError):
    """The conflict cannot be decided like this; nothing was changed. The message explains what to do."""


class Difference(NamedTuple):
    """One amount: its name, the stored value, the postback's value; plain decimals, or a currency code."""

    name: str
    stored: str
    sent: str


def differences(reviews: Sequence[ConflictReview]) -> list[list[Difference]]:
    """By review, the amounts in which its postback differs from the conversion; at most one query.

    For an accepted review, the differences at that time. Needs `conversion`, and `postback` with advertiser and
    correction.
    """
    found = []
    for review, sent in zip(reviews, _sent_by([review.postback for review in reviews]), strict=True):
        correction = getattr(review.postback, "correction", None)
        changes = [Difference(*change) for change in correction.changes] if correction else None
        found.append(_differences(amounts_of(review.conversion), sent) if changes is None else changes)
    return found


def _sent_by(postbacks: Sequence[Postback]) -> list[dict[str, str]]:
    """The amounts that stored requests sent; none for a refund, which does not change the amount of the sale."""
    return [_money(event) for event in events_of(postbacks)]


def _money(event: ParsedEvent) -> dict[str, str]:
    if event.refund is not None:
        return {}
    sent = plain_amounts({name: getattr(event, name) for name in NUMBERS}, event.deductions)
    return sent | ({"currency": event.currency} if event.currency else {})


def _differences(stored: dict[str, str], sent: dict[str, str]) -> list[Difference]:
    return [
        Difference(name, stored.get(name, ""), value) for name, value in sent.items() if stored.get(name, "") != value
    ]


def review_of(postback: Postback) -> ConflictReview:
    """The review of a conflict; a repeat is decided with the first postback of the same content.

    Raise `ConflictRefused`.
    """
    same = ConflictReview.objects.filter(conversion=postback.conversion_id, fingerprint=postback.fingerprint)
    review = same.first() if postback.conversion_id else None
    if review is None:
        raise ConflictRefused(
            gettext("{postback} is not a conflict: there is nothing to decide.").format(postback=postback.public_id)
        )
    return review


def accept(
    *, review_id: int, note: str, actor: User, now: datetime, seen: list[Difference] | None = None
) -> Conversion:
    """Give the conversion the postback's amounts. Raise `ConflictRefused`; the status stays as it is.

    `seen` are the differences that the operator was shown, for when several are accepted at once: accepting one must
    not change what another would do. Qualification rules that the conversion is on hold for are re-evaluated with the
    new amount.
    """
    with transaction.atomic():
        review, row = _lock(review_id)
        before = amounts_of(row)
        [sent] = _sent_by([review.postback])
        changes = _differences(before, sent)
        if seen is not None and seen != changes:
            raise ConflictRefused(
                gettext("Conversion {public_id} changed meanwhile: check {postback} again.").format(
                    public_id=row.public_id, postback=review.postback
                )
            )
        _check(row, changes)
        _take(row, changes)
        after = amounts_of(row)
        Correction.objects.create(
            conversion=row, postback=review.postback, before=before, after=after, note=note, actor=actor, at=now
        )
        words = in_words(before, after, [change.name for change in changes])
        text = f"{actor} accepted it: {words}. {note}"
        _settle(review, Resolution.ACCEPTED, Reason.AMOUNT_ACCEPTED, text, note=note, actor=actor, now=now)
        Postback.objects.filter(pk=review.postback_id).update(
            outcome=Outcome.UPDATED, reason=Reason.AMOUNT_ACCEPTED, decided_at=now
        )
    if row.customer_id:
        re_evaluate(customer_ids={row.customer_id}, now=now)
    return row


def dismiss(*, review_id: int, note: str, actor: User, now: datetime) -> Conversion:
    """Keep the first amounts and store the reason. Raise `ConflictRefused`."""
    with transaction.atomic():
        review, row = _lock(review_id)
        text = f"{actor} dismissed it: the conversion stays as it is. {note}"
        _settle(review, Resolution.DISMISSED, Reason.CONFLICT_DISMISSED, text, note=note, actor=actor, now=now)
    return row


def _lock(review_id: int) -> tuple[ConflictReview, Conversion]:
    rows = ConflictReview.objects.select_related("postback__advertiser", "resolved_by")
    review = rows.select_for_update(of=("self",)).get(pk=review_id)
    if review.resolved_at:
        done = review.get_resolution_display().lower()
        raise ConflictRefused(
            gettext("{postback} was decided already: {done}, by {resolved_by}.").format(
                postback=review.postback, done=done, resolved_by=review.resolved_by
            )
        )
    return review, Conversion.objects.select_for_update().get(pk=review.conversion_id)


def _check(row: Conversion, changes: list[Difference]) -> None:
    if not changes:
        raise ConflictRefused(
            gettext("Conversion {public_id} has these amounts already; dismiss it.").format(public_id=row.public_id)
        )
    new = {change.name: change.sent for change in changes}
    if row.refunded and "currency" in new:
        shown = format_money(row.refunded, row.currency)
        raise ConflictRefused(
            gettext("{shown} of conversion {public_id} was refunded: its currency can no longer change.").format(
                shown=shown, public_id=row.public_id
            )
        )
    if "revenue" in new and Decimal(new["revenue"]) < row.refunded:
        shown = format_money(row.refunded, row.currency)
        raise ConflictRefused(
            gettext("{shown} of conversion {public_id} was refunded: its revenue cannot be less than that.").format(
                shown=shown, public_id=row.public_id
            )
        )


def _take(row: Conversion, changes: list[Difference]) -> None:
    deductions = dict(row.deductions)
    for name, _, sent in changes:
        if name in NUMBERS:
            setattr(row, name, Decimal(sent))
        elif name == "currency":
            row.currency = sent
        else:
            deductions[name] = sent
    row.deductions, row.booked_at = deductions, None
    row.save(update_fields=[*NUMBERS, "currency", "deductions", "booked_at"])


def _settle(
    review: ConflictReview,
    resolution: ConflictReview.Resolution,
    reason: Reason,
    text: str,
    *,
    note: str,
    actor: User,
    now: datetime,
) -> None:
    """Store the decision on the review and in a trace of the postback and its conversion."""
    review.resolution, review.note, review.resolved_by, review.resolved_at = resolution, note, actor, now
    review.save(update_fields=["resolution", "note", "resolved_by", "resolved_at"])
    accepted = resolution == Resolution.ACCEPTED
    given = {"operator": str(actor), "conversion": str(review.conversion)}
    rule = "an operator decides contradictions"
    result = Outcome.UPDATED if accepted else Outcome.CONFLICT
    Trace.objects.create(
        postback=review.postback,
        conversion_id=review.conversion_id,
        decided_at=now,
        outcome=result,
        reason=reason,
        http_status=200 if accepted else 409,
        steps=[{"step": "review", "result": result, "rule": rule, "input": given, "note": text}],
    )
