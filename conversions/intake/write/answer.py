"""The last steps: store the decision with the request, and answer the sender."""

from datetime import datetime
from typing import Any

from django.conf import settings

from conversions.intake.case import REPAIRED, TAKEN, Case, Decision, Judged, Outcome
from conversions.intake.read.amounts import EXACT
from conversions.intake.read.receive import masked
from conversions.models import Postback, Trace
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import explained
from records.bulk_rows import new
from records.translation import in_english

_DECISION = (
    "decided_at", "advertiser", "outcome", "reason", "event", "click_id", "transaction_id", "fingerprint", "conversion",
)  # fmt: skip


def keep_first_decisions(judged: Judged) -> None:
    """Keep the first decision of a request that is decided again and finds its own conversion."""
    for case in judged.cases:
        row = case.postback
        is_its_own = case.conversion is not None and row.conversion_id == case.conversion.pk
        if row.decided_at and is_its_own and case.outcome == Outcome.DUPLICATE and row.outcome in TAKEN:
            case.outcome, case.reason, case.document = row.outcome, Reason(row.reason), row.event
            note, given = "This very request brought it about; nothing changes.", {"conversion": str(case.conversion)}
            case.note("decide", row.outcome, note, rule="replay", was=row.reason, **given)


def store_decisions(judged: Judged) -> None:
    """Write the traces and the decisions in force."""
    for case in judged.cases:
        row = case.postback
        row.decided_at, row.outcome, row.reason = judged.now, case.outcome, case.reason or Reason.TRY_AGAIN
        row.click_id = case.event.click.uuid if case.event.click else None
        row.transaction_id, row.fingerprint = case.event.transaction_id, case.event.fingerprint
        row.event, row.conversion = case.document or row.event, case.conversion
    judged.rows.update([case.postback for case in judged.cases], _DECISION)
    judged.rows.insert(
        new(
            Trace,
            postback=case.postback,
            conversion=case.conversion,
            decided_at=judged.now,
            outcome=case.outcome,
            reason=case.postback.reason,
            http_status=case.http_status,
            problems=case.shown_problems(),
            steps=case.steps,
        )
        for case in judged.cases
    )


def warnings_of(steps: list[dict[str, Any]]) -> list[str]:
    """Repaired and unusual values in the request, for the sender to fix at the source."""
    return [step["note"] for step in steps if step["result"] in (REPAIRED, EXACT)]


def trace_url(postback_id: str) -> str:
    """The page where an operator reads the trace of a postback."""
    return f"{settings.PUBLIC_URL}/trace/postback/{postback_id}/"


def answer(case: Case) -> Decision:
    """The answer of the public contract, with the conversion's current status."""
    reason = Reason(case.reason or Reason.TRY_AGAIN)
    message = case.steps[-1]["note"] if case.steps else in_english(reason.label)
    problems = explained(case.shown_problems(), reason=reason, message=message, status=case.http_status)
    body: dict[str, Any] = {
        "outcome": case.outcome,
        "reason": reason.value,
        "message": message,
        "problems": problems,
        "warnings": warnings_of(case.steps),
        "postback_id": case.postback.public_id,
        "conversion_id": case.conversion.public_id if case.conversion else None,
        "status": case.conversion.status if case.conversion else None,
        "received": dict(masked(case.parameters, case.dialect)),
        "trace_url": trace_url(case.postback.public_id),
    }
    if case.is_test:
        body["is_test"] = True
    parking = case.parking
    if parking.waits and parking.until:
        waits_as = parking.waits_as or case.postback.public_id
        body["waiting"] = waiting(parking.waits.waits_for, parking.waits.name, parking.until, waits_as)
    return Decision(http_status=case.http_status, body=body, postback_id=case.postback.public_id)


def waiting(waits_for: str, name: str, until: datetime, postback_id: str) -> dict[str, str]:
    """What a parked request waits for, until when, and its postback ID; for a repeat, the ID of the first request."""
    return {"for": waits_for, "name": name, "until": until.isoformat(), "postback_id": postback_id}


def stored_answer(postback: Postback) -> Decision:
    """The answer to a request that was decided before, from the stored decision."""
    trace = postback.traces.latest("id")
    message, reason = trace.steps[-1]["note"] if trace.steps else "", Reason(trace.reason)
    body = {
        "outcome": trace.outcome,
        "reason": trace.reason,
        "message": message,
        "problems": explained(trace.problems, reason=reason, message=message, status=trace.http_status),
        "warnings": warnings_of(trace.steps),
        "postback_id": postback.public_id,
        "conversion_id": postback.conversion.public_id if postback.conversion else None,
        "status": postback.conversion.status if postback.conversion else None,
        "received": dict(postback.parameters),
        "trace_url": trace_url(postback.public_id),
    }
    return Decision(http_status=trace.http_status, body=body, postback_id=postback.public_id)
