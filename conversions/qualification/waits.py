"""Conversions on hold for rules of their goals: re-evaluated with the customer's next event, and by a sweep.

The row of the conversion on hold is its lock. Rows that another process has locked are skipped until next time, so this
never blocks and cannot deadlock; the sweep guarantees that every hold is re-evaluated.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Prefetch, Q, QuerySet

from conversions.lifecycle.status import change_status
from conversions.models import (
    Conversion,
    Goal,
    Postback,
    QualificationRule,
    QualificationWait,
    RiskReview,
    StatusChange,
    Trace,
)
from conversions.qualification.judgement import judge, outcome
from conversions.qualification.past import Subject, gather
from conversions.qualification_kinds.base import RuleResult, Verdict
from conversions.reasons.codes import Reason
from records.translation import in_english
from tracking.click_id.codec import ClickID

Status = Conversion.Status
# With the goals: every rule and the goal that it names, in one query.
RULES = Prefetch("rules", QualificationRule.objects.select_related("other_goal").order_by("pk"))
GOAL_RULES = Prefetch("conversion__goal__rules", QualificationRule.objects.select_related("other_goal").order_by("pk"))
# A chain is no longer than this; goals that require each other in a circle end here as well.
LONGEST_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Move:
    """The new status of a conversion whose rules are met, or can no longer be met."""

    status: str
    reason: Reason
    note: str = ""


def waiting_for(findings: Iterable[RuleResult]) -> tuple[list[dict[str, str]], datetime | None]:
    """The unmet rules as they are stored and shown, and the earliest of their deadlines."""
    waiting = [finding for finding in findings if finding.result == Verdict.WAITING]
    sent_status = [
        {"rule": finding.rule, "text": finding.note, "until": finding.until.isoformat() if finding.until else ""}
        for finding in waiting
    ]
    return sent_status, min((finding.until for finding in waiting if finding.until), default=None)


def open_waits() -> "QuerySet[QualificationWait]":
    return QualificationWait.objects.filter(ended_at=None)


def remember_sent(conversion_ids: Collection[int], sent_status: str) -> None:
    """Store the sender's status for when the rules are met or the review is over."""
    open_waits().filter(pk__in=conversion_ids).update(sent_status=sent_status)
    RiskReview.objects.filter(pk__in=conversion_ids, resolved_at=None).update(sent_status=sent_status)


def close_waits(conversion_ids: Collection[int], *, now: datetime) -> int:
    """End the holds of conversions that were decided otherwise."""
    return open_waits().filter(pk__in=conversion_ids).update(ended_at=now)


def re_evaluate(*, now: datetime, customer_ids: Collection[int] | None = None, limit: int = 2000) -> int:
    """Re-evaluate conversions on hold: those of these customers, or those not evaluated for the longest time.

    A conversion that qualifies may be what another one needs, so this repeats until nothing changes. Return how many
    changed.
    """
    moved = 0
    for _ in range(LONGEST_CHAIN):
        with transaction.atomic():
            waits = _take(customer_ids, limit if customer_ids is None else None)
            step = _judge_all(waits, now) if waits else 0
        moved += step
        if not step:
            break
    return moved


def _take(customer_ids: Collection[int] | None, limit: int | None) -> list[QualificationWait]:
    """Lock the holds and their conversions; for a new goal the rules in force now apply."""
    rows = open_waits() if customer_ids is None else open_waits().filter(customer__in=customer_ids)
    rows = rows.select_related("conversion__goal__offer", "conversion__risk_review").prefetch_related(GOAL_RULES)
    locked = rows.select_for_update(of=("self", "conversion"), skip_locked=True).order_by("looked_at", "pk")
    return list(locked[:limit] if limit else locked)


def _judge_all(waits: Sequence[QualificationWait], now: datetime) -> int:
    gone = [wait for wait in waits if wait.conversion.reason != Reason.AWAITS_RULES]
    waits = [wait for wait in waits if wait.conversion.reason == Reason.AWAITS_RULES]
    close_waits([wait.pk for wait in gone], now=now)
    subjects = [_subject(wait.conversion) for wait in waits]
    past = gather(subjects)
    moves: dict[Move, list[QualificationWait]] = defaultdict(list)
    traces: list[Trace] = []
    for position, (wait, subject) in enumerate(zip(waits, subjects, strict=True)):
        findings = judge(subject, position, past, now=now)
        wait.looked_at = now
        move = _move(wait, findings, now)
        if move:
            wait.ended_at = now
            moves[move].append(wait)
            traces.append(_trace(wait.conversion, findings, move, now))
        else:
            wait.waiting_for, wait.deadline = waiting_for(findings)
    QualificationWait.objects.bulk_update(waits, ["looked_at", "ended_at", "waiting_for", "deadline"], batch_size=500)
    for move, group in moves.items():
        apply_move(move, [wait.pk for wait in group], now=now)
    Trace.objects.bulk_create(traces)
    return len(traces)


def _subject(row: Conversion) -> Subject:
    return Subject(
        goal=row.goal,
        affiliate_id=row.affiliate_id,
        customer_id=row.customer_id,
        revenue=row.remaining_revenue,
        currency=row.currency,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        clicked_at=ClickID(row.click_id).made_at if row.click_id else None,
        has_customer=row.customer_id is not None,
        conversion_id=row.pk,
    )


def _move(wait: QualificationWait, findings: list[RuleResult], now: datetime) -> Move | None:
    decisive = outcome(findings)
    if decisive is None:
        review = getattr(wait.conversion, "risk_review", None)
        return next_move(
            wait.conversion, sent_status=wait.sent_status, is_under_review=bool(review and not review.resolved_at)
        )
    if decisive.result == Verdict.WAITING:
        return None
    if decisive.result == Verdict.REJECTED:
        return Move(Status.REJECTED, decisive.reason, decisive.rule[:250])
    return Move(Status.PENDING, decisive.reason)


def next_move(row: Conversion, *, sent_status: str, is_under_review: bool, reason: Reason = Reason.QUALIFIED) -> Move:
    """The new status of the conversion: a review decides first, then the sender, then the goal's approval rule."""
    if is_under_review:
        return Move(Status.PENDING, Reason.RISK_REVIEW)
    if sent_status == Status.APPROVED or (not sent_status and row.goal.approval == Goal.Approval.AT_ONCE):
        return Move(Status.APPROVED, reason)
    if sent_status == Status.PENDING:
        return Move(Status.PENDING, Reason.SENT_PENDING)
    delayed = row.goal.approval == Goal.Approval.AFTER_DELAY
    return Move(Status.PENDING, Reason.AWAITS_DELAY if delayed else Reason.AWAITS_APPROVAL)


def apply_move(move: Move, conversion_ids: Collection[int], *, now: datetime) -> None:
    """Write a status change of any number of conversions; a delay counts from when the event was received."""
    if move.status != Status.PENDING:
        change_status(
            conversion_ids=conversion_ids,
            to=Conversion.Status(move.status),
            reason=move.reason,
            source=StatusChange.Source.AUTOMATIC,
            now=now,
            note=move.note,
        )
        return
    rows = Conversion.objects.filter(pk__in=conversion_ids, status=Status.PENDING)
    if move.reason == Reason.AWAITS_DELAY:
        for goal in Goal.objects.filter(conversions__in=conversion_ids).distinct():
            due = ExpressionWrapper(F("received_at") + goal.approval_delay, output_field=DateTimeField())
            rows.filter(Q(goal=goal)).update(reason=move.reason, approve_at=due)
    else:
        rows.update(reason=move.reason, approve_at=None)


def _trace(row: Conversion, findings: list[RuleResult], move: Move, now: datetime) -> Trace:
    steps: list[dict[str, Any]] = [step_of("qualify", finding) for finding in findings]
    note = f"{move.status.capitalize()}: {in_english(move.reason.label).lower()}."
    steps.append({"step": "decide", "result": move.status, "rule": "looked at again", "input": {}, "note": note})
    result = Postback.Outcome.REJECTED if move.status == Status.REJECTED else Postback.Outcome.UPDATED
    return Trace(conversion=row, decided_at=now, outcome=result, reason=move.reason, http_status=200, steps=steps)


def step_of(step: str, finding: RuleResult) -> dict[str, Any]:
    """A rule's result as a line of a trace."""
    given = {name: str(value) for name, value in finding.inputs.items() if value not in (None, "")}
    return {"step": step, "result": finding.result, "rule": finding.rule, "input": given, "note": finding.note}
