"""Corrections: a rejected event that was resent with other facts.

The event is decided again and written into the same conversion. Only conversions that a rule rejected can be corrected,
and only by a later request that differs from all requests before it. A conversion that was ever approved, refunded,
decided by a person or rejected by the sender stays for a person to decide.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from conversions.dialects.mapping import DEDUCTIONS
from conversions.intake.case import Case, Outcome, Rejected
from conversions.intake.judge import pixels
from conversions.intake.judge.qualify import sent_country
from conversions.intake.read import parse
from conversions.intake.read.receive import learn_forms, reopen
from conversions.models import Conversion, Correction, Postback, StatusChange
from conversions.reasons.codes import BY_TIME, CORRECTABLE, Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.bulk_rows import insert, new, update
from records.translation import in_english

STEP, RULE = "deduplicate", "corrected and sent again"
Status = Conversion.Status
# These fields identify the event's click; a correction that leaves out one that was sent before is incomplete.
IDENTITY = ("click_id", "customer_id", "coupon")
_WRITTEN = (
    "link", "customer", "click_id", "evidence", "reported_by", "transaction_id", "dedupe_key", "is_test", "revenue",
    "volume", "deductions", "payout", "extras", "currency", "status", "reason", "occurred_at", "approve_at",
    "booked_at",
)  # fmt: skip


def take_up(cases: Sequence[Case]) -> None:
    """Let cases that correct a rejected conversion be decided as new.

    Two queries; none where nothing was rejected. The caller must hold the locks on the conversions.
    """
    asking = [case for case in cases if case.conversion and _may_correct(case, case.conversion)]
    if not asking:
        return
    found = _rejected([case.conversion for case in asking if case.conversion])
    for case in asking:
        rejected = found.get(case.conversion.pk) if case.conversion else None
        if rejected and _corrects(case, rejected):
            case.corrects, case.conversion = rejected, None
            _fill_in(case, rejected)


def _may_correct(case: Case, row: Conversion) -> bool:
    told_before = case.postback.conversion_id == row.pk
    by_rule = row.status == Status.REJECTED and row.reason in CORRECTABLE and not row.refunded
    is_event = case.event.refund is None and case.event.status != Status.REJECTED
    return by_rule and is_event and not told_before and not pixels.from_pixel(case) and not case.problems


def keep_senders_rejection(cases: Iterable[Case]) -> None:
    """Stop corrections of events that the sender rejected as well, in whatever order the two requests arrive."""
    rows = []
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
            row.reason = Reason.SENT_REJECTED
            rows.append(row)
    update(rows, ("reason",))


def _rejected(rows: Collection[Conversion]) -> dict[int, Rejected]:
    """Return the conversions that only rules decided, by ID, with the facts sent for them."""
    changes: dict[int, list[StatusChange]] = {}
    reported_by = StatusChange.objects.filter(conversion__in=rows).select_related("postback__advertiser").order_by("pk")
    for change in reported_by:
        changes.setdefault(change.conversion_id, []).append(change)
    corrections: dict[int, list[Correction]] = {}
    for correction in Correction.objects.filter(conversion__in=rows).order_by("pk"):
        corrections.setdefault(correction.conversion_id, []).append(correction)
    firsts = {pk: first_sent[0].postback for pk, first_sent in changes.items() if first_sent[0].postback}
    first = dict(zip(firsts, read_again(firsts.values()), strict=True))
    found = (_read(row, changes.get(row.pk, []), corrections.get(row.pk, []), first.get(row.pk)) for row in rows)
    return {rejected.row.pk: rejected for rejected in found if rejected}


def _read(
    row: Conversion, changes: Sequence[StatusChange], corrections: Sequence[Correction], first: Case | None
) -> Rejected | None:
    """Read the facts sent for a conversion; `first` is the request that created it."""
    decided = any(change.to_status == Status.APPROVED or change.actor_id for change in changes)
    decided = decided or any(correction.actor_id for correction in corrections)
    if decided or first is None:
        return None
    first_sent = corrections[-1].after if corrections else _facts_first_sent(first)
    if first_sent.get("status") == Status.REJECTED:
        return None
    last = corrections[-1].postback_id if corrections else first.postback.pk
    # The amounts come from the row: a server postback may have replaced those of a pixel.
    kept = {name: value for name, value in first_sent.items() if name not in _AMOUNTS}
    earlier = [correction.before for correction in corrections]
    return Rejected(row, row.status, Reason(row.reason), kept | amounts_of(row), earlier, last)


def _facts_first_sent(case: Case) -> dict[str, str]:
    """Return the facts that a stored request sent."""
    first_sent, row = _facts_of(case), case.postback
    return first_sent | {"click_id": str(row.click_id)} if row.click_id else first_sent


def read_again(rows: Iterable[Postback]) -> list[Case]:
    """Parse stored requests again with their current mappings; decide nothing. Needs their advertisers."""
    cases = [reopen(row) for row in rows]
    learn_forms(cases)
    for case in cases:
        case.advertiser = case.postback.advertiser
    parse.parse(cases)
    return cases


_AMOUNTS = frozenset({"revenue", "payout", "volume", *DEDUCTIONS, "currency"})


def amounts_of(row: Conversion) -> dict[str, str]:
    """The amounts of a conversion as facts of a correction: names and plain decimals."""
    amounts = {"revenue": row.revenue, "payout": row.payout, "volume": row.volume}
    return _plain(amounts, row.deductions) | {"currency": row.currency}


def _plain(amounts: dict[str, Decimal | None], deductions: dict[str, str]) -> dict[str, str]:
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    given |= {name: Decimal(text) for name, text in deductions.items()}
    return {name: f"{amount.normalize():f}" for name, amount in given.items()}


def _facts_of(case: Case) -> dict[str, str]:
    """The facts of a request, by name, as text; absent values are left out."""
    event = case.event
    amounts = {"revenue": event.revenue, "payout": event.payout, "volume": event.volume}
    others = {
        "currency": event.currency,
        "time": event.occurred_at.astimezone(UTC).isoformat() if event.occurred_at else "",
        "country": sent_country(case),
        "click_id": str(event.click.uuid) if event.click else "",
        "customer_id": event.customer_id,
        "coupon": event.coupon.lower(),
        "status": event.status,
    }
    return _plain(amounts, event.deductions) | {name: value for name, value in others.items() if value}


def _corrects(case: Case, rejected: Rejected) -> bool:
    """Whether the request is later than the last one, is complete, and has facts that no request sent before."""
    resent = _facts_of(case)
    if case.postback.pk <= rejected.postback_id or any(
        name in rejected.first_sent and name not in resent for name in IDENTITY
    ):
        return False
    ignored = {"status"} if rejected.reason in BY_TIME else {"status", "time"}

    def differing(first_sent: dict[str, str]) -> list[str]:
        return [name for name, value in resent.items() if name not in ignored and first_sent.get(name) != value]

    rejected.resent, rejected.differs = resent, differing(rejected.first_sent)
    if pixels.confirms(case, rejected.row):
        return True
    return bool(rejected.differs) and all(differing(first_sent) for first_sent in rejected.earlier)


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
    case.country_before = rejected.first_sent.get("country", "")


def compare(case: Case) -> None:
    """Record what is corrected. A change of affiliate or goal is left to a person."""
    rejected = case.corrects
    assert rejected
    assert case.goal
    assert case.enrollment
    row, first_sent, resent = rejected.row, rejected.first_sent, rejected.resent
    words = "; ".join(f"{name} {first_sent.get(name, 'not given')} → {resent[name]}" for name in rejected.differs)
    given = {"key": case.dedupe_key, "was": rejected.reason, "corrected": words or "told by the server"}
    if case.enrollment.affiliate_id == row.affiliate_id and case.goal.pk == row.goal_id:
        note = f"{row} was rejected: {in_english(rejected.reason.label)}. It is decided anew with {given['corrected']}."
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
        "Sent whole again with this txid and corrected facts, it is decided anew."
    )


def write(cases: Sequence[Case], values: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """Write the corrected facts and the new decision into the conversions; three statements for the batch.

    `values` are the fields of the conversions as new ones would have them.
    """
    for case, fields in zip(cases, values, strict=True):
        assert case.corrects
        case.conversion = row = case.corrects.row
        is_pixels = row.reported_by == pixels.PIXEL
        fields["dedupe_key"] = case.dedupe_key if is_pixels else row.dedupe_key
        fields["transaction_id"] = case.event.transaction_id or row.transaction_id
        fields["is_test"] = row.is_test or case.is_test
        fields["reason"] = Reason.CORRECTED if case.verdict == Status.APPROVED else case.verdict_reason
        for name in _WRITTEN:
            setattr(row, name, fields.get(name))
    update([case.conversion for case in cases if case.conversion], _WRITTEN)
    corrections = insert(_correction(case, now) for case in cases)
    insert(
        new(
            StatusChange,
            conversion=row.conversion,
            from_status=Status.REJECTED,
            to_status=case.verdict,
            reason=Reason.CORRECTED,
            # The affiliate sees this: names of the changed fields, without revenue or customer.
            note=f"Corrected: {', '.join(name for name, _, _ in row.changes)}."[:250],
            source=StatusChange.Source.POSTBACK,
            postback=case.postback,
            at=now,
        )
        for case, row in zip(cases, corrections, strict=True)
        if case.verdict != Status.REJECTED
    )


def _correction(case: Case, now: datetime) -> Correction:
    assert case.corrects
    before, after = case.corrects.first_sent, case.corrects.first_sent | case.corrects.resent
    return new(Correction, conversion=case.conversion, postback=case.postback, before=before, after=after, at=now)
