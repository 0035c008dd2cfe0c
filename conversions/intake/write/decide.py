"""Step 9: set the status and write the rows: conversion, status change, customer and customer lock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from conversions.intake.case import Case, Outcome
from conversions.intake.judge import correct, pixels, refunds
from conversions.intake.judge.risk import HOLDS
from conversions.intake.judge.touches import keep_touches
from conversions.intake.read.amounts import note_decimals
from conversions.lifecycle import status as lifecycle
from conversions.models import Conversion, Customer, CustomerLock, Goal, StatusChange
from conversions.reasons.codes import Reason
from records.bulk_rows import insert, new, update
from records.translation import in_english
from records.words import duration_words

STEP = "decide"
Status = Conversion.Status
SENT = {
    Status.APPROVED: Reason.OK,
    Status.PENDING: Reason.SENT_PENDING,
    Status.REJECTED: Reason.SENT_REJECTED,
}


def decide(cases: list[Case], *, now: datetime) -> None:
    """Give every open case its outcome and write the rows that follow from it."""
    cases = [case for case in cases if case.is_open]
    for case in cases:
        note_decimals(case, currency=_currency(case))
    new = [case for case in cases if case.conversion is None]
    for case in cases:
        if case.conversion is not None:
            _update(case, case.conversion, now)
    for case in new:
        _judge_status(case)
    _make_customers(new)
    _make_conversions([case for case in new if not case.corrects], now)
    if corrected := [case for case in new if case.corrects]:
        _correct(corrected, now)
    keep_touches(new)
    _lock_customers(new)


def _update(case: Case, conversion: Conversion, now: datetime) -> None:
    if case.event.refund is not None:
        refunds.take(case, conversion, now)
        return
    if pixels.confirms(case, conversion):
        pixels.take_servers_word(case, conversion, now)
        return
    to = Status(case.event.status)
    was = conversion.status
    if to == Status.APPROVED:
        reason = Reason.ADVERTISER_APPROVED
    else:
        reason = Reason.REVERSED if was == Status.APPROVED else Reason.SENT_REJECTED
    source = StatusChange.Source.POSTBACK
    lifecycle.change_status(
        conversion_ids=[conversion.pk], to=to, reason=reason, source=source, now=now, postback=case.postback
    )
    conversion.status, conversion.reason = to, reason
    case.stop(Outcome.UPDATED, Reason.STATUS_UPDATED, STEP, f"{conversion} was {was} and is now {to}.", status=to)


def _judge_status(case: Case) -> None:
    """The status that the rules set; else the sender's; else the goal's default."""
    assert case.goal
    if case.verdict:
        case.note(STEP, case.verdict, f"{case.verdict.capitalize()}: {in_english(case.verdict_reason.label).lower()}.")
        return
    if pixels.awaits_server(case):
        note = "Told by a pixel only: it waits for the server's postback, or for an operator."
        case.judge(Status.PENDING, Reason.AWAITS_APPROVAL, STEP, note, rule="pixel")
    elif case.event.status:
        status = Status(case.event.status)
        case.judge(status, SENT[status], STEP, f"The request says {status}.", rule="the sender's status", sent=status)
    elif case.goal.approval == Goal.Approval.AT_ONCE:
        case.judge(
            Status.APPROVED, Reason.OK, STEP, f"{case.goal.name} is approved at once.", rule="the goal's default"
        )
    elif case.goal.approval == Goal.Approval.AFTER_DELAY:
        assert case.goal.approval_delay
        note = f"{case.goal.name} is approved after {duration_words(case.goal.approval_delay)}."
        case.judge(Status.PENDING, Reason.AWAITS_DELAY, STEP, note, rule="the goal's default")
    else:
        note = f"{case.goal.name} is approved by an operator."
        case.judge(Status.PENDING, Reason.AWAITS_APPROVAL, STEP, note, rule="the goal's default")


def _make_customers(cases: list[Case]) -> None:
    """Create customers seen for the first time; the batch holds a lock on each name."""
    unknown = [case for case in cases if case.event.customer_id and case.customer is None]
    rows = insert(
        new(
            Customer,
            advertiser=case.postback.advertiser,
            customer_id=case.event.customer_id,
            created_at=case.postback.received_at,
        )
        for case in unknown
    )
    for case, row in zip(unknown, rows, strict=True):
        case.customer = row


def _make_conversions(cases: list[Case], now: datetime) -> None:
    rows = insert(new(Conversion, **_values(case)) for case in cases)
    for case, row in zip(cases, rows, strict=True):
        case.conversion, case.reason = row, case.verdict_reason
        case.outcome = _outcome(case, Outcome.ACCEPTED)
    insert(
        new(
            StatusChange,
            conversion=case.conversion,
            to_status=case.verdict,
            reason=case.verdict_reason,
            source=StatusChange.Source.POSTBACK,
            postback=case.postback,
            at=now,
        )
        for case in cases
    )


def _outcome(case: Case, counted: Outcome) -> Outcome:
    held = case.verdict == Status.PENDING and case.verdict_reason in HOLDS
    return Outcome.REJECTED if case.verdict == Status.REJECTED else Outcome.HELD if held else counted


def _correct(cases: list[Case], now: datetime) -> None:
    correct.write(cases, [_values(case) for case in cases], now=now)
    for case in cases:
        case.outcome = _outcome(case, Outcome.UPDATED)
        case.reason = Reason.CORRECTED if case.outcome == Outcome.UPDATED else case.verdict_reason
        why = in_english(case.verdict_reason.label).lower()
        note = f"{case.conversion} was rejected; corrected, it is {case.verdict}: {why}."
        case.note(STEP, case.outcome, note, rule=correct.RULE, status=case.verdict, reason=case.verdict_reason)


def _currency(case: Case) -> str:
    """The currency of the amounts: as sent, else of the conversion that they are about, else the offer's."""
    if case.event.currency:
        return case.event.currency
    assert case.conversion or case.goal
    known: str = case.conversion.currency if case.conversion else case.goal.offer.currency  # type: ignore[union-attr]
    return known


def _values(case: Case) -> dict[str, Any]:
    assert case.goal
    assert case.enrollment
    event, received_at = case.event, case.counts_from
    delayed = case.verdict_reason == Reason.AWAITS_DELAY and case.goal.approval_delay
    return {
        "advertiser": case.postback.advertiser,
        "goal": case.goal,
        "affiliate": case.enrollment.affiliate,
        "link": case.link,
        "customer": case.customer,
        "click_id": _click(case),
        "evidence": case.evidence,
        "reported_by": case.postback.endpoint,
        "transaction_id": event.transaction_id,
        "dedupe_key": case.dedupe_key,
        "is_test": case.is_test,
        "revenue": event.revenue,
        "volume": event.volume,
        "deductions": event.deductions,
        "extras": event.extras,
        "payout": event.payout,
        "currency": _currency(case),
        "status": case.verdict,
        "reason": case.verdict_reason,
        "occurred_at": case.occurred_at,
        "received_at": received_at,
        "approve_at": received_at + delayed if delayed else None,
    }


def _click(case: Case) -> UUID | None:
    click = case.credited_click
    return click.uuid if click else None


def _lock_customers(cases: list[Case]) -> None:
    """Lock new customers to their affiliate, and move the locks that a later click replaces."""
    insert(_lock(case) for case in cases if case.locks_customer)
    taken = [case for case in cases if case.takes_over and case.verdict != Status.REJECTED and not case.is_test]
    for case in taken:
        assert case.lock
        assert case.enrollment
        case.lock.enrollment, case.lock.link = case.enrollment, case.link
        case.lock.click_id, case.lock.locked_at = _click(case), case.occurred_at
    update([case.lock for case in taken if case.lock], ("enrollment", "link", "click_id", "locked_at"))


def _lock(case: Case) -> CustomerLock:
    assert case.enrollment
    return new(
        CustomerLock,
        customer=case.customer,
        offer=case.enrollment.offer,
        enrollment=case.enrollment,
        link=case.link,
        click_id=_click(case),
        locked_at=case.occurred_at,
    )
