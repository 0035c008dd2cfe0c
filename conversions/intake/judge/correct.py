"""Corrections: a rejected event that was resent with other facts.

The event is decided again and written into the same conversion. Only conversions that a rule rejected can be corrected,
and only by a later request that differs from all requests before it. If a conversion was ever approved, refunded,
decided by a person or rejected by the sender, only a person can decide it.
"""

from collections.abc import Collection, Sequence

from conversions.intake.case import Attribution, Case, Outcome, Rejected, new_events
from conversions.intake.facts import AMOUNTS, amounts_of, facts_of, in_words
from conversions.intake.judge import pixels
from conversions.intake.judge.find_known import is_another
from conversions.intake.parsed_event import ParsedEvent
from conversions.intake.read.stored import events_of
from conversions.models import Conversion, Correction, Postback, StatusChange
from conversions.reasons.codes import BY_TIME, CORRECTABLE, Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.translation import in_english

STEP, RULE = "deduplicate", "corrected and sent again"
Status = Conversion.Status
# These fields identify the event's click; a correction that leaves out one that was sent before is incomplete.
IDENTITY = ("click_id", "customer_id", "coupon")


def accept_corrections(cases: list[Case]) -> None:
    """Mark cases that correct a rejected conversion, so that they are decided as new.

    Two queries; none if nothing was rejected. `find_known` holds the locks on the conversions.
    """
    corrected = [(case, row) for case in cases if case.is_open and (row := case.conversion) and _may_correct(case, row)]
    if not corrected:
        return
    found = _rejected([row for _, row in corrected])
    for case, row in corrected:
        rejected = found.get(row.pk)
        if rejected and _corrects(case, rejected):
            case.corrects, case.conversion = rejected, None
            _fill_in(case, rejected)


def _may_correct(case: Case, row: Conversion) -> bool:
    sent_before = case.postback.conversion_id == row.pk
    by_rule = row.status == Status.REJECTED and row.reason in CORRECTABLE and not row.refunded
    is_event = case.event.refund is None and case.event.status != Status.REJECTED and not is_another(case, row)
    return by_rule and is_event and not sent_before and not pixels.from_pixel(case) and not case.problems


def keep_senders_rejections(cases: list[Case]) -> None:
    """Stop corrections of events that the sender also rejected, whichever of the two requests arrives first."""
    for case in cases:
        row, event = case.conversion, case.event
        if not row or pixels.from_pixel(case) or event.status != Status.REJECTED or event.refund is not None:
            continue
        if case.postback.conversion_id == row.pk:
            # Decided again: its own content is already known.
            continue
        if row.status == Status.REJECTED and row.reason in CORRECTABLE and not case.problems:
            was = Reason(row.reason)
            why = in_english(was.label)
            note = f"{row} was rejected ({why}); the sender rejects it as well, so no correction counts it."
            case.note(STEP, "kept", note, rule=RULE, status=event.status, reason=was)
            row.reason, case.rejected_by_sender = Reason.SENT_REJECTED, True


def _rejected(rows: Collection[Conversion]) -> dict[int, Rejected]:
    """Return the conversions that only rules decided, by ID, with the facts sent for them."""
    changes: dict[int, list[StatusChange]] = {}
    rows_of_changes = StatusChange.objects.filter(conversion__in=rows).select_related("postback__advertiser")
    for change in rows_of_changes.order_by("pk"):
        changes.setdefault(change.conversion_id, []).append(change)
    corrections: dict[int, list[Correction]] = {}
    for correction in Correction.objects.filter(conversion__in=rows).order_by("pk"):
        corrections.setdefault(correction.conversion_id, []).append(correction)
    firsts = {pk: first for pk, listed in changes.items() if (first := listed[0].postback)}
    sent = {
        pk: _facts_sent(row, event)
        for (pk, row), event in zip(firsts.items(), events_of([*firsts.values()]), strict=True)
    }
    found = (_read(row, changes.get(row.pk, []), corrections.get(row.pk, []), sent.get(row.pk, {})) for row in rows)
    return {rejected.row.pk: rejected for rejected in found if rejected}


def _facts_sent(row: Postback, event: ParsedEvent) -> dict[str, str]:
    """The facts that a stored request sent."""
    return facts_of(event) | ({"click_id": str(row.click_id)} if row.click_id else {})


def _read(
    row: Conversion, changes: Sequence[StatusChange], corrections: Sequence[Correction], sent: dict[str, str]
) -> Rejected | None:
    """Read the facts sent for a conversion; `sent` are those of the request that created it."""
    decided = any(change.to_status == Status.APPROVED or change.actor_id for change in changes)
    decided = decided or any(correction.actor_id for correction in corrections)
    first = changes[0].postback if changes else None
    if decided or first is None:
        return None
    facts = corrections[-1].after if corrections else sent
    if facts.get("status") == Status.REJECTED:
        return None
    last = corrections[-1].postback_id if corrections else first.pk
    # The amounts come from the row: a server postback may have replaced those of a pixel.
    kept = {name: value for name, value in facts.items() if name not in AMOUNTS}
    earlier = [correction.before for correction in corrections]
    return Rejected(row, row.status, Reason(row.reason), kept | amounts_of(row), earlier, last)


def _corrects(case: Case, rejected: Rejected) -> bool:
    """Whether the request is later than the last one, is complete, and has facts that no request sent before."""
    resent, first_sent = facts_of(case.event), rejected.first_sent
    is_incomplete = any(name in first_sent and name not in resent for name in IDENTITY)
    if case.postback.pk <= rejected.postback_id or is_incomplete:
        return False
    ignored = {"status"} if rejected.reason in BY_TIME else {"status", "time"}

    def differing(before: dict[str, str]) -> list[str]:
        return [name for name, value in resent.items() if name not in ignored and before.get(name) != value]

    rejected.resent, rejected.differs = resent, differing(first_sent)
    if pixels.confirms(case, rejected.row):
        return True
    return bool(rejected.differs) and all(differing(earlier) for earlier in rejected.earlier)


def _fill_in(case: Case, rejected: Rejected) -> None:
    """Fill in the facts that the correction leaves out from the earlier requests."""
    event, row = case.event, rejected.row
    event.revenue = row.revenue if event.revenue is None else event.revenue
    event.payout = row.payout if event.payout is None else event.payout
    event.volume = row.volume if event.volume is None else event.volume
    event.deductions = row.deductions | event.deductions
    event.extras = row.extras | event.extras
    event.currency = event.currency or row.currency
    event.occurred_at = event.occurred_at or row.occurred_at
    event.status = event.status or rejected.first_sent.get("status", "")
    event.country = event.country or rejected.first_sent.get("country", "")


def compare_corrections(cases: list[Case]) -> None:
    """Record what is corrected. A change of affiliate or goal is left to a person."""
    for case, attribution in new_events(cases):
        if case.corrects:
            _compare(case, case.corrects, attribution)


def _compare(case: Case, rejected: Rejected, attribution: Attribution) -> None:
    row, first_sent, resent = rejected.row, rejected.first_sent, rejected.resent
    words = in_words(first_sent, resent, rejected.differs)
    given = {"key": case.dedupe_key, "was": rejected.reason, "corrected": words or "sent by the server"}
    if attribution.enrollment.affiliate_id == row.affiliate_id and attribution.goal.pk == row.goal_id:
        note = (
            f"{row} was rejected: {in_english(rejected.reason.label)}. It is decided again with {given['corrected']}."
        )
        case.note(STEP, "corrects", note, rule=RULE, **given)
        return
    case.conversion, case.corrects = row, None
    note = f"{row} is {row.affiliate}'s {row.goal}; corrected like this it would be another's. An operator decides."
    case.stop(Outcome.CONFLICT, Reason.TRANSACTION_CONFLICT, STEP, note, rule="a correction moves no event", **given)


def advice(row: Conversion) -> str:
    """What to send to correct a conversion that a rule rejected; empty for any other."""
    if row.status != Status.REJECTED or row.reason not in CORRECTABLE:
        return ""
    why = Reason(row.reason)
    return (
        f" It was rejected: {in_english(why.label)}. {in_english(EXPLANATIONS[why].remedy)} "
        "Send it again in full, with this txid and corrected facts, to have it decided again."
    )
