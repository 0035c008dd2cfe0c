"""The goal's qualification rules. A rule not met yet means pending; one not met for good means rejected."""

from typing import Any

from conversions.intake.case import Attribution, Case, Outcome, known_events, new_events
from conversions.models import Conversion
from conversions.qualification.judgement import judge, outcome
from conversions.qualification.past import Subject, gather
from conversions.qualification_kinds.base import RuleResult, Verdict
from conversions.reasons.codes import Reason
from records.translation import in_english

STEP = "qualify"
Status = Conversion.Status
STATUS_BY_RESULT = {
    Verdict.REJECTED: Status.REJECTED,
    Verdict.HELD: Status.PENDING,
    Verdict.UNSURE: Status.PENDING,
    Verdict.WAITING: Status.PENDING,
}


def hold_back_approvals(cases: list[Case]) -> None:
    """Keep a sender's approval until the rules and reviews that come first are passed."""
    for case, row in known_events(cases):
        if case.event.status != Status.APPROVED or not _is_held(row):
            continue
        case.approval_waits, reason = True, Reason(row.reason)
        note = f"{row} is held: {in_english(reason.label).lower()}. The approval is kept and holds after that."
        case.stop(Outcome.HELD, reason, STEP, note, rule="rules and reviews come before the sender's approval")


def _is_held(row: Conversion) -> bool:
    return row.status == Status.PENDING and row.reason in (Reason.AWAITS_RULES, Reason.RISK_REVIEW)


def qualify(cases: list[Case]) -> None:
    """Apply the goals' rules to new events.

    At most two queries for the batch; none where no rule needs past events.
    """
    new = new_events(cases)
    subjects = [_subject(case, attribution) for case, attribution in new]
    past = gather(subjects)
    for position, ((case, _), subject) in enumerate(zip(new, subjects, strict=True)):
        case.rule_results = judge(subject, position, past, now=case.postback.received_at)
        decisive = outcome(case.rule_results)
        for result in case.rule_results:
            _write(case, result, result is decisive)
        if Status.REJECTED not in (case.verdict, case.event.status):
            past.take_place(subject)


def _write(case: Case, result: RuleResult, is_decisive: bool) -> None:
    """Add a trace line for each rule; the deciding rule sets the status.

    An event that the sender rejects is never on hold.
    """
    given: dict[str, Any] = {"rule": result.rule, **result.inputs}
    may_judge = result.result == Verdict.REJECTED or case.event.status != Status.REJECTED
    if is_decisive and may_judge:
        case.judge(STATUS_BY_RESULT[result.result], result.reason, STEP, result.note, **given)
    else:
        case.note(STEP, result.result, result.note, **given)


def _subject(case: Case, attribution: Attribution) -> Subject:
    event, credited, marks = case.event, attribution.credited_click(case.event), case.origin.click_marks
    return Subject(
        goal=attribution.goal,
        affiliate_id=attribution.enrollment.affiliate_id,
        customer_id=case.origin.customer.pk if case.origin.customer else None,
        revenue=event.revenue,
        currency=event.currency or attribution.goal.offer.currency,
        occurred_at=case.occurred_at,
        received_at=case.counts_from,
        clicked_at=credited.made_at if credited else None,
        country=event.country or (marks.country if marks else ""),
        has_customer=bool(event.customer_id),
    )
