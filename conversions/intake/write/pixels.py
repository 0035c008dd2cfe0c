"""Write the server's report of an event that only a pixel had reported; the ledger follows."""

from datetime import datetime

from conversions.intake.case import Case, Judged, Outcome, known_events
from conversions.intake.judge.pixels import confirms
from conversions.lifecycle import status
from conversions.models import Conversion, Goal, StatusChange
from conversions.reasons.codes import Reason
from records.money import exact_money

Status = Conversion.Status
_WRITTEN = ["reported_by", "transaction_id", "dedupe_key", "revenue", "payout", "currency", "booked_at"]


def replace_pixels_values(judged: Judged) -> None:
    """Replace the pixel's transaction, amounts and status with the server's."""
    for case, conversion in known_events(judged.cases):
        if confirms(case, conversion):
            _replace(case, conversion, judged.now)


def _replace(case: Case, conversion: Conversion, now: datetime) -> None:
    event, before = case.event, _shown(conversion)
    conversion.reported_by = case.postback.endpoint
    conversion.transaction_id = event.transaction_id or conversion.transaction_id
    conversion.dedupe_key = case.dedupe_key or conversion.dedupe_key
    if event.revenue is not None:
        conversion.revenue = event.revenue
    if event.payout is not None:
        conversion.payout = event.payout
    conversion.currency = event.currency or conversion.currency
    conversion.booked_at = None
    conversion.save(update_fields=_WRITTEN)
    to = _status(case, conversion)
    if to != conversion.status:
        _change(case, conversion, to, now)
    case.outcome, case.reason = Outcome.UPDATED, Reason.SERVER_CONFIRMED
    note = f"{conversion} was reported by a pixel with {before}; the postback's word takes its place: it is {to}."
    case.note("decide", Outcome.UPDATED, note, rule="server before pixel", revenue=_shown(conversion), status=to)


def _shown(conversion: Conversion) -> str:
    if conversion.revenue is None:
        return "no revenue"
    return f"{exact_money(conversion.revenue, conversion.currency)} {conversion.currency}"


def _status(case: Case, conversion: Conversion) -> Status:
    """The server's status; without one the goal's default if the conversion only awaited the server."""
    if case.event.status:
        wanted = Status(case.event.status)
        return Status(conversion.status) if wanted == Status.PENDING else wanted
    waited = conversion.status == Status.PENDING and conversion.reason == Reason.AWAITS_APPROVAL
    at_once = case.goal is not None and case.goal.approval == Goal.Approval.AT_ONCE
    return Status.APPROVED if waited and at_once else Status(conversion.status)


def _change(case: Case, conversion: Conversion, to: Status, now: datetime) -> None:
    was_approved = conversion.status == Status.APPROVED
    rejected = Reason.REVERSED if was_approved else Reason.SENT_REJECTED
    reason = Reason.SERVER_CONFIRMED if to == Status.APPROVED else rejected
    source = StatusChange.Source.POSTBACK
    status.change_status(
        conversion_ids=[conversion.pk], to=to, reason=reason, source=source, now=now, postback=case.postback
    )
    conversion.status, conversion.reason = to, reason
