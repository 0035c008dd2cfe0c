"""Step 8: risk signals. A suspicious conversion is held for review with its reason, never dropped."""

from datetime import datetime

from affiliates.models import Affiliate, Enrollment
from conversions.intake.case import Case, Outcome
from conversions.intake.judge.qualify import sent_country
from conversions.models import Conversion
from conversions.reasons.codes import Reason
from conversions.risk.reviews import Found, open_reviews
from conversions.risk.signals import look_up, marks_of, policy_of
from conversions.risk_signals.base import Suspect
from records.translation import in_english

STEP = "risk"
PENDING, REJECTED = Conversion.Status.PENDING, Conversion.Status.REJECTED
# A conversion that is pending for one of these reasons is answered 202 held.
HOLDS = frozenset({Reason.RISK_REVIEW, Reason.AFFILIATE_CLOSED, Reason.OVER_CAP_HELD})


def weigh(cases: list[Case]) -> None:
    """Add up the risk signals of new conversions that are not rejected anyway; one statement for the batch."""
    cases = [case for case in cases if case.is_open and case.conversion is None and case.event.status != REJECTED]
    cases = [case for case in cases if case.verdict != REJECTED]
    suspects = [_suspect(case) for case in cases]
    for case, suspect, counts in zip(cases, suspects, look_up(suspects), strict=True):
        case.risk = Found(policy_of(suspect), marks_of(suspect, counts))
        _judge(case, case.risk)


def _suspect(case: Case) -> Suspect:
    """Collect the facts. The marks are those of the click in the request, also if the customer lock credits another."""
    assert case.goal
    assert case.enrollment
    credited = case.credited_click
    return Suspect(
        offer=case.goal.offer,
        goal_id=case.goal.pk,
        affiliate_id=case.enrollment.affiliate_id,
        occurred_at=case.occurred_at,
        received_at=case.postback.received_at,
        click=case.click_marks,
        click_id=case.event.click.uuid if case.event.click else None,
        clicked_at=credited.made_at if credited and case.event.click else None,
        customer=case.event.customer_id,
        customer_pk=case.customer.pk if case.customer else None,
        country=sent_country(case),
    )


def _judge(case: Case, found: Found) -> None:
    for mark in found.marks:
        case.note(STEP, "marked", mark.note, rule=f"{mark.name}: {mark.points} points", **mark.inputs)
    if found.is_over:
        case.judge(PENDING, Reason.RISK_REVIEW, STEP, found.sentence, rule=found.rule, score=found.score)
        if case.verdict_reason == Reason.AWAITS_APPROVAL:
            case.verdict_reason = Reason.RISK_REVIEW
    elif not _judge_access(case):
        note = found.sentence if found.marks else "No mark against the click or the affiliate."
        case.note(STEP, "passed", note, rule=found.rule if found.marks else "", score=found.score or None)


def _judge_access(case: Case) -> bool:
    assert case.enrollment
    affiliate, enrollment = case.enrollment.affiliate, case.enrollment
    if affiliate.status != Affiliate.Status.ACTIVE:
        note = f"{affiliate} is {in_english(affiliate.get_status_display()).lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="active affiliates only")
        return True
    if enrollment.status != Enrollment.Status.APPROVED:
        note = f"{affiliate}'s access to {enrollment.offer} is {in_english(enrollment.get_status_display()).lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="approved enrollments only")
        return True
    return False


def follow_up(cases: list[Case], *, now: datetime) -> None:
    """After the batch is written: open a review for each conversion over the threshold, also if it is on hold."""
    counted = (Outcome.HELD, Outcome.ACCEPTED, Outcome.UPDATED)
    over = [case for case in cases if case.risk and case.risk.is_over and case.outcome in counted]
    for again in (False, True):
        some = [
            (case.conversion, case.risk, case.event.status)
            for case in over
            if case.conversion and case.risk and bool(case.corrects) == again
        ]
        if some:
            open_reviews(some, now=now, again=again)
