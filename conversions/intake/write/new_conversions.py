"""Write new conversions: customers, conversions, status changes, touches and customer locks."""

from typing import Any
from uuid import UUID

from affiliates.models import Offer
from conversions.intake.case import HOLDS, Attribution, Case, Judged, Outcome
from conversions.intake.judge import correct
from conversions.intake.judge.status import currency_of
from conversions.intake.write.corrections import write_corrections
from conversions.models import Conversion, Customer, CustomerLock, StatusChange, Touch
from conversions.reasons.codes import Reason
from records.bulk_rows import new, take_id
from records.translation import in_english

STEP = "decide"
Status = Conversion.Status


def create_customers(judged: Judged) -> None:
    """Create customers seen for the first time; the batch holds a lock on each name."""
    unknown = [case for case, _ in judged.new if case.event.customer_id and case.origin.customer is None]
    for case in unknown:
        case.origin.customer = new(
            Customer,
            id=case.origin.free_customer_id or take_id(Customer),
            advertiser=case.postback.advertiser,
            customer_id=case.event.customer_id,
            created_at=case.postback.received_at,
        )
    judged.rows.insert(case.origin.customer for case in unknown if case.origin.customer)


def create_conversions(judged: Judged) -> None:
    """Create the conversions with their first status."""
    fresh = [(case, attribution) for case, attribution in judged.new if not case.corrects]
    for case, attribution in fresh:
        number = case.free_id or take_id(Conversion)
        case.conversion, case.reason = new(Conversion, id=number, **_values(case, attribution)), case.verdict_reason
        case.outcome = _outcome(case, Outcome.ACCEPTED)
    judged.rows.insert(case.conversion for case, _ in fresh if case.conversion)
    judged.rows.insert(
        new(
            StatusChange,
            conversion=case.conversion,
            to_status=case.verdict,
            reason=case.verdict_reason,
            source=StatusChange.Source.POSTBACK,
            postback=case.postback,
            at=judged.now,
        )
        for case, _ in fresh
    )


def correct_conversions(judged: Judged) -> None:
    """Write corrections into the conversions that a rule had rejected."""
    corrected = [
        (case, rejected, _values(case, attribution)) for case, attribution in judged.new if (rejected := case.corrects)
    ]
    if not corrected:
        return
    write_corrections(corrected, now=judged.now)
    for case, rejected, _ in corrected:
        case.outcome = _outcome(case, Outcome.UPDATED)
        case.reason = Reason.CORRECTED if case.outcome == Outcome.UPDATED else case.verdict_reason
        decided = f"corrected, it is {case.verdict}: {in_english(case.verdict_reason.label).lower()}"
        note = f"{rejected.row} was rejected; {decided}."
        case.note(STEP, case.outcome, note, rule=correct.RULE, status=case.verdict, reason=case.verdict_reason)


def _outcome(case: Case, counted: Outcome) -> Outcome:
    held = case.verdict == Status.PENDING and case.verdict_reason in HOLDS
    return Outcome.REJECTED if case.verdict == Status.REJECTED else Outcome.HELD if held else counted


def _values(case: Case, attribution: Attribution) -> dict[str, Any]:
    """The fields of the conversion."""
    event, received_at = case.event, case.counts_from
    delayed = case.verdict_reason == Reason.AWAITS_DELAY and attribution.goal.approval_delay
    return {
        "advertiser": case.postback.advertiser,
        "goal": attribution.goal,
        "affiliate": attribution.enrollment.affiliate,
        "link": attribution.link,
        "customer": case.origin.customer,
        "click_id": _click(case, attribution),
        "evidence": attribution.evidence,
        "reported_by": case.postback.endpoint,
        "transaction_id": event.transaction_id,
        "dedupe_key": case.dedupe_key,
        "is_test": case.is_test,
        "revenue": event.revenue,
        "volume": event.volume,
        "deductions": event.deductions,
        "extras": event.extras,
        "payout": event.payout,
        "currency": currency_of(case),
        "status": case.verdict,
        "reason": case.verdict_reason,
        "occurred_at": case.occurred_at,
        "received_at": received_at,
        "approve_at": received_at + delayed if delayed else None,
    }


def _click(case: Case, attribution: Attribution) -> UUID | None:
    click = attribution.credited_click(case.event)
    return click.uuid if click else None


def keep_touches(judged: Judged) -> None:
    """Store each click that a customer's event named, once; the batch holds a lock on each customer."""
    judged.rows.insert(
        new(
            Touch,
            customer=customer,
            offer=named.enrollment.offer,
            enrollment=named.enrollment,
            link=named,
            click_id=click.uuid,
            at=click.made_at,
        )
        for case, attribution in judged.new
        if (customer := case.origin.customer) and (click := case.event.click) and (named := case.origin.named_link)
        if not case.is_test and all(touch.click_id != click.uuid for touch in attribution.touches)
    )


def lock_customers(judged: Judged) -> None:
    """Lock new customers to their affiliate."""
    judged.rows.insert(
        new(
            CustomerLock,
            customer=case.origin.customer,
            offer=attribution.offer,
            enrollment=attribution.enrollment,
            link=attribution.link,
            click_id=_click(case, attribution),
            locked_at=case.occurred_at,
        )
        for case, attribution in judged.new
        if locks_customer(case, attribution)
    )


def locks_customer(case: Case, attribution: Attribution) -> bool:
    """Whether this event creates the customer lock: the customer had none on this offer."""
    counts = bool(case.event.customer_id) and case.verdict != Status.REJECTED and not case.is_test
    return counts and attribution.lock is None and attribution.offer.customer_lock != Offer.CustomerLock.NONE


def move_locks(judged: Judged) -> None:
    """Move the locks that a later click replaces."""
    moved = []
    for case, attribution in judged.new:
        if attribution.takes_over and attribution.lock and case.verdict != Status.REJECTED and not case.is_test:
            attribution.lock.enrollment, attribution.lock.link = attribution.enrollment, attribution.link
            attribution.lock.click_id, attribution.lock.locked_at = _click(case, attribution), case.occurred_at
            moved.append(attribution.lock)
    judged.rows.update(moved, ("enrollment", "link", "click_id", "locked_at"))
