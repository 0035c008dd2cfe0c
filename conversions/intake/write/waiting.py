"""After the conversions are written: open reviews and waits, and re-evaluate those of the same customers."""

from datetime import datetime

from conversions.intake.case import Case, Judged, Outcome
from conversions.models import Conversion, QualificationWait
from conversions.qualification.waits import close_waits, re_evaluate, remember_sent, waiting_for
from conversions.reasons.codes import Reason
from conversions.risk.reviews import open_reviews
from records.bulk_rows import insert

COUNTED = (Outcome.ACCEPTED, Outcome.HELD, Outcome.UPDATED)


def open_risk_reviews(judged: Judged) -> None:
    """Open a review for each conversion over the threshold, also if it is on hold."""
    over = [
        (bool(case.corrects), (row, risk, case.event.status))
        for case in judged.cases
        if (risk := case.risk) and risk.is_over and case.outcome in COUNTED and (row := case.conversion)
    ]
    for again in (False, True):
        if some := [review for is_again, review in over if is_again == again]:
            open_reviews(some, now=judged.now, again=again)


def keep_waiting_approvals(judged: Judged) -> None:
    """Store a sender's approval that a rule or review delays; it applies once they are passed."""
    if held := [row.pk for case in judged.cases if case.approval_waits and (row := case.conversion)]:
        remember_sent(held, Conversion.Status.APPROVED)


def open_waits(judged: Judged) -> None:
    """Store which rules new and corrected conversions wait for."""
    waiting = [case for case in judged.cases if case.conversion and case.verdict_reason == Reason.AWAITS_RULES]
    insert(_wait(case, judged.now) for case in waiting if case.outcome == Outcome.ACCEPTED)
    again = [case for case in waiting if case.corrects and case.outcome == Outcome.UPDATED]
    if not again:
        return
    # A corrected conversion may have a wait that had expired: there is one row for each conversion.
    QualificationWait.objects.bulk_create(
        (_wait(case, judged.now) for case in again),
        update_conflicts=True,
        unique_fields=["conversion"],
        update_fields=["customer", "waiting_for", "sent_status", "deadline", "opened_at", "looked_at", "ended_at"],
    )


def _wait(case: Case, now: datetime) -> QualificationWait:
    found, deadline = waiting_for(case.rule_results)
    return QualificationWait(
        conversion=case.conversion,
        customer=case.origin.customer,
        waiting_for=found,
        sent_status=case.event.status,
        deadline=deadline,
        opened_at=now,
        looked_at=now,
    )


def re_evaluate_customers(judged: Judged) -> None:
    """Close the waits of conversions that a sender changed, and re-evaluate those of the customers of this batch."""
    changed = [
        row
        for case in judged.cases
        if case.outcome == Outcome.UPDATED and not case.corrects and (row := case.conversion)
    ]
    if changed:
        close_waits([row.pk for row in changed], now=judged.now)
    new = [
        row for case in judged.cases if case.outcome in COUNTED and case.offer_has_rules and (row := case.conversion)
    ]
    if customers := {row.customer_id for row in (*changed, *new) if row.customer_id}:
        judged.rows.write()
        re_evaluate(customer_ids=customers, now=judged.now)
