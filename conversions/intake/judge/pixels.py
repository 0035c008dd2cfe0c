"""Merge an event that both a pixel and the advertiser's server report: it counts once, with the server's values."""

from datetime import datetime

from conversions.intake.case import Case, Outcome
from conversions.lifecycle import status
from conversions.models import Conversion, Goal, Postback, StatusChange
from conversions.reasons.codes import Reason

PIXEL = Postback.Endpoint.PIXEL
Status = Conversion.Status


def from_pixel(case: Case) -> bool:
    return case.postback.endpoint == PIXEL


def conflict_key(case: Case) -> tuple[object, ...] | None:
    """The key that both reports of one event share; only if the advertiser has pixels."""
    if case.advertiser and case.advertiser.allows_pixel and case.event.click and case.event.goal_code:
        return (case.postback.advertiser_id, "told twice", case.event.goal_code, case.event.click.uuid)
    return None


def attach(cases: list[Case]) -> None:
    """Attach the conversion that the other side reported to events that were not found by their key."""
    searched = [case for case in cases if case.conversion is None and conflict_key(case)]
    if not searched:
        return
    rows = Conversion.objects.select_for_update(of=("self",)).filter(
        advertiser__in={case.postback.advertiser_id for case in searched},
        click_id__in={case.event.click.uuid for case in searched if case.event.click},
        goal__code__in={case.event.goal_code for case in searched},
    )
    known: dict[tuple[object, ...], list[Conversion]] = {}
    for row in rows.select_related("goal").order_by("pk"):
        known.setdefault((row.advertiser_id, "told twice", row.goal.code, row.click_id), []).append(row)
    for case in searched:
        candidates = known.get(conflict_key(case) or (), [])
        case.conversion = next((row for row in candidates if _is_other_side(case, row)), None)


def _is_other_side(case: Case, row: Conversion) -> bool:
    """Whether the other side reported this row and it may be the same event: not if their transaction IDs differ."""
    mine, theirs = case.event.transaction_id, row.transaction_id
    return (row.reported_by == PIXEL) != from_pixel(case) and (not mine or not theirs or mine == theirs)


def awaits_server(case: Case) -> bool:
    """Whether the conversion must be confirmed by the server, whatever the goal's default."""
    return from_pixel(case) and not (case.advertiser and case.advertiser.trusts_pixel)


def confirms(case: Case, known: Conversion) -> bool:
    """Whether this is the server's report of an event that only a pixel has reported so far."""
    return known.reported_by == PIXEL and not from_pixel(case) and case.event.refund is None and not known.refunded


def take_servers_word(case: Case, conversion: Conversion, now: datetime) -> None:
    """Replace the pixel's transaction, amounts and status with the server's; the ledger follows."""
    event, before = case.event, f"{conversion.revenue} {conversion.currency}"
    conversion.reported_by = case.postback.endpoint
    conversion.transaction_id = event.transaction_id or conversion.transaction_id
    conversion.dedupe_key = case.dedupe_key or conversion.dedupe_key
    if event.revenue is not None:
        conversion.revenue = event.revenue
    if event.payout is not None:
        conversion.payout = event.payout
    conversion.currency = event.currency or conversion.currency
    conversion.booked_at = None
    conversion.save(
        update_fields=["reported_by", "transaction_id", "dedupe_key", "revenue", "payout", "currency", "booked_at"]
    )
    to = _status(case, conversion)
    if to != conversion.status:
        _change(case, conversion, to, now)
    case.outcome, case.reason = Outcome.UPDATED, Reason.SERVER_CONFIRMED
    note = f"{conversion} was told by a pixel with {before}; the postback's word takes its place: it is {to}."
    case.note("decide", Outcome.UPDATED, note, rule="server before pixel", revenue=conversion.revenue, status=to)


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
