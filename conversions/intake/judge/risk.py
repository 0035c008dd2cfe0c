"""Risk signals. A suspicious conversion is held for review with its reason, never dropped."""

from affiliates.models import Affiliate, Enrollment
from conversions.intake.case import Attribution, Case, new_events
from conversions.models import Conversion
from conversions.reasons.codes import Reason
from conversions.risk.reviews import FoundSignals
from conversions.risk.signals import look_up, marks_of, policy_of
from conversions.risk_signals.base import Suspect
from records.translation import in_english

STEP = "risk"
PENDING, REJECTED = Conversion.Status.PENDING, Conversion.Status.REJECTED


def weigh_risk(cases: list[Case]) -> None:
    """Add up the risk signals of new conversions that are not rejected anyway; one statement for the batch."""
    new = [
        (case, attribution)
        for case, attribution in new_events(cases)
        if REJECTED not in (case.event.status, case.verdict)
    ]
    suspects = [_suspect(case, attribution) for case, attribution in new]
    for (case, attribution), suspect, counts in zip(new, suspects, look_up(suspects), strict=True):
        case.risk = FoundSignals(policy_of(suspect), marks_of(suspect, counts))
        _judge(case, attribution, case.risk)


def _suspect(case: Case, attribution: Attribution) -> Suspect:
    """Collect the facts. The marks are those of the click in the request, even if a customer lock credits another."""
    credited, customer = attribution.credited_click(case.event), case.origin.customer
    return Suspect(
        offer=attribution.goal.offer,
        goal_id=attribution.goal.pk,
        affiliate_id=attribution.enrollment.affiliate_id,
        occurred_at=case.occurred_at,
        received_at=case.postback.received_at,
        click=case.origin.click_marks,
        click_id=case.event.click.uuid if case.event.click else None,
        clicked_at=credited.made_at if credited and case.event.click else None,
        customer=case.event.customer_id,
        customer_pk=customer.pk if customer else None,
        country=case.event.country,
    )


def _judge(case: Case, attribution: Attribution, signals: FoundSignals) -> None:
    for mark in signals.marks:
        case.note(STEP, "marked", mark.note, rule=f"{mark.name}: {mark.points} points", **mark.inputs)
    if signals.is_over:
        case.judge(PENDING, Reason.RISK_REVIEW, STEP, signals.sentence, rule=signals.rule, score=signals.score)
        if case.verdict_reason == Reason.AWAITS_APPROVAL:
            case.verdict_reason = Reason.RISK_REVIEW
    elif not _judge_access(case, attribution.enrollment):
        note = signals.sentence if signals.marks else "No mark against the click or the affiliate."
        case.note(STEP, "passed", note, rule=signals.rule if signals.marks else "", score=signals.score or None)


def _judge_access(case: Case, enrollment: Enrollment) -> bool:
    affiliate = enrollment.affiliate
    if affiliate.status != Affiliate.Status.ACTIVE:
        note = f"{affiliate} is {in_english(affiliate.get_status_display()).lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="active affiliates only")
        return True
    if enrollment.status != Enrollment.Status.APPROVED:
        note = f"{affiliate}'s access to {enrollment.offer} is {in_english(enrollment.get_status_display()).lower()}."
        case.judge(PENDING, Reason.AFFILIATE_CLOSED, STEP, note, rule="approved enrollments only")
        return True
    return False
