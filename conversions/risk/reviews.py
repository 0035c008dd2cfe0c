"""Reviews of held conversions: opened with score, owner and end date, decided by an operator or by the end date.

Nothing is dropped: a held conversion is approved or rejected by a person, or at the end date by the offer's policy. A
sweep weighs risk signals that appear after the conversion.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from affiliates.access.operators import first_operator
from affiliates.models import User
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, Postback, RiskPolicy, RiskReview, StatusChange, Trace
from conversions.qualification.waits import apply_move, next_move
from conversions.reasons.codes import Reason
from conversions.risk.signals import Mark, look_up, marks_of, policy_of
from conversions.risk_signals.base import ClickMarks, Suspect
from tracking.click_id.codec import ClickID
from tracking.models import Click

log = structlog.get_logger(__name__)

Status, Resolution = Conversion.Status, RiskReview.Resolution
_REVIEWED = [
    "score", "threshold", "parts", "owner", "sent_status", "at_end", "opened_at", "held_until", "is_late",
    "alarmed_at", "resolved_at", "resolution", "resolved_by",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundSignals:
    """The risk signals of a conversion and the policy that weighs them."""

    policy: RiskPolicy
    marks: list[Mark]

    @property
    def score(self) -> int:
        return sum(mark.points for mark in self.marks)

    @property
    def is_over(self) -> bool:
        return self.score >= self.policy.threshold

    @property
    def rule(self) -> str:
        return f"held from {self.policy.threshold} points"

    @property
    def sentence(self) -> str:
        """`110 of 100 points: The click was made by a bot. …`"""
        return f"{self.score} of {self.policy.threshold} points: {' '.join(mark.note for mark in self.marks)}"


def open_reviews(
    over: Iterable[tuple[Conversion, FoundSignals, str]], *, now: datetime, is_late: bool = False, again: bool = False
) -> list[RiskReview]:
    """Open a review for each conversion and store the sender's status, which applies after the review.

    A conversion that had a review keeps it, except with `again`: then the old review starts over.
    """
    conflicts: dict[str, Any] = {"update_conflicts": True, "unique_fields": ["conversion"], "update_fields": _REVIEWED}
    listed = list(over)
    anybody = None if all(found.policy.owner_id for _, found, _ in listed) else first_operator()
    return RiskReview.objects.bulk_create(
        (
            RiskReview(
                conversion=row,
                score=found.score,
                threshold=found.policy.threshold,
                parts=[mark.as_json() for mark in found.marks],
                owner_id=found.policy.owner_id or (anybody.pk if anybody else None),
                sent_status=sent_status,
                at_end=found.policy.at_end,
                opened_at=now,
                held_until=now + found.policy.hold_for,
                is_late=is_late,
            )
            for row, found, sent_status in listed
        ),
        **(conflicts if again else {"ignore_conflicts": True}),
    )


def resolve(
    *, conversion_ids: Collection[int], approve: bool, reason: Reason, note: str, actor: User, now: datetime
) -> int:
    """Decide reviews: approve or reject their conversions, or confirm those that were approved before the signal
    appeared.

    Return how many reviews were open. Raise `StatusNotAllowed` when a conversion was decided otherwise meanwhile.
    """
    with transaction.atomic():
        held = RiskReview.objects.filter(pk__in=conversion_ids, resolved_at=None)
        ids = list(held.order_by("pk").select_for_update().values_list("pk", flat=True))
        change_status(
            conversion_ids=ids,
            to=Status.APPROVED if approve else Status.REJECTED,
            reason=reason,
            source=StatusChange.Source.OPERATOR,
            now=now,
            actor=actor,
            note=note,
        )
        close_reviews(conversion_ids=ids, approved=approve, actor=actor, now=now)
    return len(ids)


def close_reviews(*, conversion_ids: Collection[int], approved: bool, actor: User, now: datetime) -> None:
    """Close the open reviews of conversions that an operator decided outside the queue."""
    resolution = Resolution.APPROVED if approved else Resolution.REJECTED
    rows = RiskReview.objects.filter(pk__in=conversion_ids, resolved_at=None)
    rows.update(resolved_at=now, resolved_by=actor, resolution=resolution)


def keep_up(*, now: datetime, limit: int = 1000) -> int:
    """Close reviews whose conversions were decided elsewhere, and end those that are due; return how many."""
    decided = Q(conversion__status=Status.APPROVED, is_late=False) | Q(conversion__status=Status.REJECTED)
    closed = 0
    for status, resolution in ((Status.APPROVED, Resolution.APPROVED), (Status.REJECTED, Resolution.REJECTED)):
        rows = RiskReview.objects.filter(decided, resolved_at=None, conversion__status=status).values("pk")[:limit]
        closed += RiskReview.objects.filter(pk__in=rows).update(resolved_at=now, resolution=resolution)
    return closed + end_reviews(now=now, limit=limit)


def end_reviews(*, now: datetime, limit: int = 1000) -> int:
    """At the end date release the conversion, or keep it on hold and alert its owner, as the policy says."""
    with transaction.atomic():
        due = RiskReview.objects.filter(resolved_at=None, alarmed_at=None, held_until__lte=now)
        due = due.select_related("conversion__goal", "owner").order_by("pk")
        reviews = list(due.select_for_update(of=("self", "conversion"), skip_locked=True)[:limit])
        ending = [
            review
            for review in reviews
            if review.at_end == RiskPolicy.AtEnd.APPROVE and review.conversion.reason == Reason.RISK_REVIEW
        ]
        for review in ending:
            move = next_move(
                review.conversion, sent_status=review.sent_status, is_under_review=False, reason=Reason.REVIEW_ENDED
            )
            apply_move(move, [review.pk], now=now)
        ended = RiskReview.objects.filter(pk__in=[review.pk for review in ending])
        ended.update(resolved_at=now, resolution=Resolution.ENDED)
        staying = [review for review in reviews if review.at_end == RiskPolicy.AtEnd.STAY]
        RiskReview.objects.filter(pk__in=[review.pk for review in staying]).update(alarmed_at=now)
    for review in staying:
        log.warning("review_overdue", conversion=review.conversion.public_id, owner=str(review.owner or ""))
    return len(ending) + len(staying)


def catch_up(*, since: datetime, now: datetime, limit: int = 2000) -> int:
    """Weigh conversions received since then whose click got its marks afterwards; return how many are now held.

    An approved conversion cannot be held any more: it appears in the queue, to be reversed or confirmed.
    """
    rows = Conversion.objects.filter(received_at__gte=since, click_id__isnull=False, risk_review=None)
    rows = rows.exclude(status=Status.REJECTED).select_related("goal__offer__risk_policy", "customer").order_by("pk")
    return weigh_late(list(rows[:limit]), now=now)


def weigh_late(listed: Sequence[Conversion], *, now: datetime) -> int:
    """Weigh conversions whose clicks got their marks afterwards; return how many are now held."""
    clicks = Click.objects.filter(pk__in={row.click_id for row in listed}, marked_at__isnull=False)
    marked: dict[UUID | None, Click] = {click.pk: click for click in clicks}
    late = [(row, click) for row in listed if (click := marked.get(row.click_id)) and _is_news(click, row)]
    suspects = [_suspect(row, click) for row, click in late]
    over = [
        (row, found)
        for (row, _), suspect, counts in zip(late, suspects, look_up(suspects), strict=True)
        if (found := FoundSignals(policy_of(suspect), marks_of(suspect, counts))).is_over
    ]
    return _hold(over, now) if over else 0


def _is_news(click: Click, row: Conversion) -> bool:
    return click.marked_at is not None and click.marked_at >= row.received_at


def _suspect(row: Conversion, click: Click) -> Suspect:
    return Suspect(
        offer=row.goal.offer,
        goal_id=row.goal_id,
        affiliate_id=row.affiliate_id,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        click=ClickMarks(click.is_bot, click.is_duplicate, click.is_data_centre, click.country, click.ip),
        click_id=row.click_id,
        clicked_at=ClickID(click.pk).made_at,
        customer=row.customer.customer_id if row.customer else "",
        customer_pk=row.customer_id,
    )


# A conversion that is on hold already keeps its reason; the review is added to it.
_KEEP_REASON = (Reason.AWAITS_RULES, Reason.AFFILIATE_CLOSED, Reason.OVER_CAP_HELD)


def _hold(over: Sequence[tuple[Conversion, FoundSignals]], now: datetime) -> int:
    with transaction.atomic():
        ids = [row.pk for row, _ in over]
        locked = Conversion.objects.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk")
        status = dict(locked.exclude(status=Status.REJECTED).values_list("pk", "status"))
        held = [(row, found) for row, found in over if row.pk in status]
        for is_late in (False, True):
            some = [(row, found, "") for row, found in held if (status[row.pk] == Status.APPROVED) == is_late]
            open_reviews(some, now=now, is_late=is_late)
        waiting = [row.pk for row, _ in held if status[row.pk] == Status.PENDING]
        rows = Conversion.objects.filter(pk__in=waiting).exclude(reason__in=_KEEP_REASON)
        rows.update(reason=Reason.RISK_REVIEW, approve_at=None)
        Trace.objects.bulk_create(_trace(row, found, now) for row, found in held)
    return len(held)


def _trace(row: Conversion, found: FoundSignals, now: datetime) -> Trace:
    steps = [
        {"step": "risk", "result": "marked", "rule": f"{mark.name}: {mark.points} points", "input": mark.inputs,
         "note": mark.note}
        for mark in found.marks
    ]  # fmt: skip
    last = {"step": "risk", "result": "held", "rule": found.rule, "input": {"score": str(found.score)},
            "note": f"Weighed again, as the click got its marks later. {found.sentence}"}  # fmt: skip
    return Trace(
        conversion=row,
        decided_at=now,
        outcome=Postback.Outcome.HELD,
        reason=Reason.RISK_REVIEW,
        http_status=202,
        steps=[*steps, last],
    )
