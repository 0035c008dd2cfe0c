"""One pipeline behind every endpoint: a batch of requests in, a decision for each out.

A single postback is a batch of one. `conversions.intake.pipeline` lists the steps.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from conversions.intake import pipeline
from conversions.intake.case import Case, Decision, Parking, Received
from conversions.intake.judge import park
from conversions.intake.read.receive import receive, reopen
from conversions.intake.read.throttle import turned_away
from conversions.intake.write.answer import answer, stored_answer
from conversions.models import ParkedPostback, Postback
from records.translation import in_english

__all__ = ["Decision", "Received", "decide_left_over", "expire_parked", "intake", "resume_parked", "try_parked"]

log = structlog.get_logger(__name__)

# Parked postbacks decided in one transaction; further ones wait for the next sweep.
AT_ONCE = 500


def intake(batch: list[Received], *, now: datetime) -> list[Decision]:
    """Store the requests, then decide them. Return the decisions in the order of the batch.

    Two transactions: the requests stay stored even if deciding fails. A request whose decision fails stays undecided
    until `decide_left_over` decides it. Raise the database's error if nothing could be stored.
    """
    away = turned_away(batch)
    if away:
        batch = [received for number, received in enumerate(batch) if number not in away]
    # One statement, which is a transaction of its own.
    decided = iter(decide_cases(receive(batch), now=now) if batch else ())
    return [away.get(number) or next(decided) for number in range(len(away) + len(batch))]


def decide_cases(cases: list[Case], *, now: datetime, again: bool = False) -> list[Decision]:
    """Decide stored requests in one transaction; a postback decided meanwhile keeps its answer.

    `again` also decides requests that were decided before: the new decision replaces the old one, unless it only finds
    the conversion that the request itself created.
    """
    for case in cases:
        case.again = again
    with transaction.atomic():
        woken = pipeline.run(cases, now)
    if woken:
        _resume_woken(woken, now)
    return [answer(case) if case.is_due else _kept(case) for case in cases]


def _kept(case: Case) -> Decision:
    return stored_answer(Postback.objects.select_related("conversion").get(pk=case.postback.pk))


def decide_left_over(*, received_before: datetime, now: datetime, limit: int = 200) -> int:
    """Decide requests that were stored but, after a crash, never decided. Return how many were processed."""
    left = Postback.objects.filter(decided_at=None, received_at__lt=received_before).order_by("pk")[:limit]
    cases = [reopen(row) for row in left]
    if cases:
        log.warning("postbacks_left_over", postbacks=len(cases))
        decide_cases(cases, now=now)
    return len(cases)


def resume_parked(*, now: datetime, limit: int = 200) -> int:
    """Decide parked requests that are due again, and expire those that were parked too long.

    Return how many were processed. Any number of workers may run at once. Requests that need the same event are decided
    together, in order of time.
    """
    due = ParkedPostback.objects.filter(next_try_at__lte=now).order_by("next_try_at", "pk")[:limit]
    return _try_again(list(due.values_list("pk", flat=True)), now)


def try_parked(pks: Sequence[int], *, now: datetime) -> int:
    """Decide these parked requests now, before they are due, together with those that wait for the same event.

    Return how many were processed. A request whose event is still missing stays parked; one that is past its limit
    expires.
    """
    return _try_again(pks, now)


def expire_parked(pks: Sequence[int], *, by: str, note: str, now: datetime) -> list[Decision]:
    """Expire these parked requests now, with the repeats of each.

    `by` says who did it and `note` why, for the trace. If the missing event has arrived meanwhile, the request is
    decided with it instead.
    """
    repeated = ParkedPostback.objects.filter(
        pk__in=pks,
        advertiser=OuterRef("advertiser"),
        waits_for=OuterRef("waits_for"),
        awaited=OuterRef("awaited"),
        postback__fingerprint=OuterRef("postback__fingerprint"),
    )
    rows = ParkedPostback.objects.filter(Q(pk__in=pks) | Q(Exists(repeated), is_repeat=True))
    cases = [_reopen_parked(row, now) for row in rows.select_related("postback__advertiser")]
    for case in cases:
        case.parking.may_wait, case.parking.ended_by = False, f"{by} gave it up: {note}"
    return decide_cases(cases, now=now) if cases else []


def _resume_woken(pks: list[int], now: datetime) -> None:
    """Decide at once the parked requests that this batch made due. If this fails, the sweep decides them."""
    try:
        _try_again(pks, now)
    except Exception as error:  # the answers of the batch itself stay
        log.error("parked_not_taken_up", postbacks=pks[:20], error=str(error).strip())


def _try_again(pks: Sequence[int], now: datetime) -> int:
    same = ParkedPostback.objects.filter(
        pk__in=pks, advertiser=OuterRef("advertiser"), waits_for=OuterRef("waits_for"), awaited=OuterRef("awaited")
    )
    together = ParkedPostback.objects.filter(Q(is_repeat=False) | Q(next_try_at__lte=now), Exists(same))
    rows = list(together.select_related("postback__advertiser").order_by("occurred_at", "pk")[:AT_ONCE])
    if rows:
        decide_cases([_reopen_parked(row, now) for row in rows], now=now)
    return len(rows)


def _reopen_parked(row: ParkedPostback, now: datetime) -> Case:
    """Open the case of a parked request. Its sender was identified on receipt."""
    case = reopen(row.postback)
    case.parking, case.advertiser = Parking(row, may_wait=now < row.expires_at), row.postback.advertiser
    note = f"Try {row.tries + 1}; it waits since {row.parked_at:%Y-%m-%d %H:%M:%S} UTC."
    case.note(park.STEP, "resumed", note, rule=in_english(row.get_waits_for_display()), awaited=row.awaited)
    return case
