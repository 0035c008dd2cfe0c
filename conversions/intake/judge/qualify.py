"""Step 7: the goal's qualification rules. A rule not met yet means pending; one not met for good means rejected."""

from datetime import datetime
from typing import Any

from conversions.intake.case import Case, Outcome
from conversions.models import Conversion, QualificationWait
from conversions.qualification.judgement import judge, outcome
from conversions.qualification.past import Subject, gather
from conversions.qualification.waits import close_waits, re_evaluate, remember_sent, waiting_for
from conversions.qualification_kinds.base import Result, RuleResult
from conversions.reasons.codes import Reason
from records.bulk_rows import insert
from records.translation import in_english

STEP = "qualify"
Status = Conversion.Status
STATUS_BY_RESULT = {
    Result.REJECTED: Status.REJECTED,
    Result.HELD: Status.PENDING,
    Result.UNSURE: Status.PENDING,
    Result.WAITING: Status.PENDING,
}


def qualify(cases: list[Case]) -> None:
    """Apply the goals' rules to new events.

    At most two queries for the batch; none where no rule needs past events.
    """
    hold_back_approvals([case for case in cases if case.is_open and case.conversion is not None])
    cases = [case for case in cases if case.is_open and case.conversion is None]
    subjects = [_subject(case) for case in cases]
    past = gather(subjects)
    for position, (case, subject) in enumerate(zip(cases, subjects, strict=True)):
        findings = judge(subject, position, past, now=case.postback.received_at)
        decisive = outcome(findings)
        for finding in findings:
            _write(case, finding, finding is decisive)
        case.findings = findings
        if Status.REJECTED not in (case.verdict, case.event.status):
            past.take_place(subject)


def _write(case: Case, finding: RuleResult, is_decisive: bool) -> None:
    """Add a trace line for each rule; the deciding rule sets the status.

    An event that the sender rejects is never on hold.
    """
    given: dict[str, Any] = {"rule": finding.rule, **finding.inputs}
    may_judge = finding.result == Result.REJECTED or case.event.status != Status.REJECTED
    if is_decisive and may_judge:
        case.judge(STATUS_BY_RESULT[finding.result], finding.reason, STEP, finding.note, **given)
    else:
        case.note(STEP, finding.result, finding.note, **given)


def _subject(case: Case) -> Subject:
    assert case.goal
    assert case.enrollment
    event, credited = case.event, case.credited_click
    return Subject(
        goal=case.goal,
        affiliate_id=case.enrollment.affiliate_id,
        customer_id=case.customer.pk if case.customer else None,
        revenue=event.revenue,
        currency=event.currency or case.goal.offer.currency,
        occurred_at=case.occurred_at,
        received_at=case.counts_from,
        clicked_at=credited.made_at if credited else None,
        country=sent_country(case) or (case.click_marks.country if case.click_marks else ""),
        has_customer=bool(event.customer_id),
    )


def sent_country(case: Case) -> str:
    """The customer's country as the request gives it: two letters, else what was sent before."""
    for name, value in case.parameters:
        text = value.strip()
        if name.strip().lower() == "country" and len(text) == 2 and text.isascii() and text.isalpha():
            return text.upper()
    return case.country_before


def hold_back_approvals(cases: list[Case]) -> None:
    """Store a sender's approval that a rule or review holds back; it applies once they are passed."""
    held = [
        case
        for case in cases
        if case.conversion
        and case.event.status == Status.APPROVED
        and case.conversion.status == Status.PENDING
        and case.conversion.reason in (Reason.AWAITS_RULES, Reason.RISK_REVIEW)
    ]
    if held:
        remember_sent([case.conversion.pk for case in held if case.conversion], Status.APPROVED)
    for case in held:
        assert case.conversion
        reason = Reason(case.conversion.reason)
        note = (
            f"{case.conversion} is held: {in_english(reason.label).lower()}. The approval is kept and holds after that."
        )
        case.stop(Outcome.HELD, reason, STEP, note, rule="rules and reviews come before the sender's approval")


def follow_up(cases: list[Case], *, now: datetime) -> None:
    """After the batch is written: store the holds, and re-evaluate those of the same customers."""
    waiting = [case for case in cases if case.conversion and case.verdict_reason == Reason.AWAITS_RULES]
    insert(_wait(case, now) for case in waiting if case.outcome == Outcome.ACCEPTED)
    _wait_again([case for case in waiting if case.corrects and case.outcome == Outcome.UPDATED], now)
    changed = [case for case in cases if case.outcome == Outcome.UPDATED and case.conversion and not case.corrects]
    if changed:
        close_waits([case.conversion.pk for case in changed if case.conversion], now=now)
    customers = {case.conversion.customer_id for case in (*changed, *_new(cases)) if case.conversion}
    if known := customers - {None}:
        re_evaluate(customer_ids={pk for pk in known if pk}, now=now)


def _new(cases: list[Case]) -> list[Case]:
    """New and corrected conversions on offers where a conversion can be on hold."""
    counted = (Outcome.ACCEPTED, Outcome.HELD, Outcome.UPDATED)
    return [case for case in cases if case.outcome in counted and case.goal and case.offer_has_rules]


def _wait(case: Case, now: datetime) -> QualificationWait:
    found, deadline = waiting_for(case.findings)
    return QualificationWait(
        conversion=case.conversion,
        customer=case.customer,
        waiting_for=found,
        sent_status=case.event.status,
        deadline=deadline,
        opened_at=now,
        looked_at=now,
    )


def _wait_again(cases: list[Case], now: datetime) -> None:
    """Reset the hold of a corrected conversion that had expired: there is one row for each conversion."""
    QualificationWait.objects.bulk_create(
        (_wait(case, now) for case in cases),
        update_conflicts=True,
        unique_fields=["conversion"],
        update_fields=["customer", "waiting_for", "sent_status", "deadline", "opened_at", "looked_at", "ended_at"],
    )
