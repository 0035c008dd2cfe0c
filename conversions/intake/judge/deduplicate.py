"""Each event counts once: answer duplicates, refuse contradictions, and let status updates and new events pass."""

from conversions.intake.case import TAKEN, Case, Outcome, known_events, new_events
from conversions.intake.judge import estimates, pixels, refunds
from conversions.intake.judge.correct import advice
from conversions.intake.judge.find_known import is_another
from conversions.models import Conversion, Postback
from conversions.reasons.codes import Reason
from records.money import exact_money
from records.translation import in_english

STEP = "deduplicate"
Status = Conversion.Status


def pass_new(cases: list[Case]) -> None:
    """Note that no conversion has the key yet."""
    for case, _ in new_events(cases):
        if not case.corrects:
            case.note(STEP, "passed", "No conversion has this key yet.", rule="once per key", key=case.dedupe_key)


def compare_known(cases: list[Case]) -> None:
    """Compare the requests with the conversions that they are about; one query."""
    known = known_events(cases)
    sent_before = _sent_before(known)
    for case, conversion in known:
        _compare(case, conversion, (conversion.pk, case.event.fingerprint) in sent_before)


def _sent_before(known: list[tuple[Case, Conversion]]) -> set[tuple[int, str]]:
    if not known:
        return set()
    rows = Postback.objects.filter(
        conversion__in={conversion.pk for _, conversion in known},
        fingerprint__in={case.event.fingerprint for case, _ in known},
        outcome__in=TAKEN,
    )
    return {(pk or 0, fingerprint) for pk, fingerprint in rows.values_list("conversion_id", "fingerprint")}


def _compare(case: Case, known: Conversion, sent_before: bool) -> None:
    status = case.event.status
    difference = _difference(case, known)
    if pixels.confirms(case, known):
        case.note(STEP, "update", f"{known} was reported by a pixel; this is the server's word.", key=case.dedupe_key)
    elif sent_before:
        note = f"The same was sent before: {known}.{advice(known)}"
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, key=case.dedupe_key)
    elif is_another(case, known):
        by = in_english(case.named_goal.get_dedupe_by_display()).lower() if case.named_goal else ""
        note = f"{known} is the one that counts, with the transaction {known.transaction_id or 'not named'}."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule=f"once for {by}", key=case.dedupe_key)
    elif pixels.from_pixel(case):
        note = f"{known} was sent before, {'by a pixel' if known.reported_by == pixels.PIXEL else 'by the server'}."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule="server before pixel", key=case.dedupe_key)
    elif case.event.refund is not None and not difference:
        refunds.compare(case, known, case.event.refund)
    elif difference and estimates.settles(case, known):
        note = f"{known} was pending with an estimate; the request approves it with {_amounts(case, known)}."
        case.note(STEP, "update", note, rule="a pending amount is an estimate", key=case.dedupe_key, status=status)
    elif difference:
        note = f"{known} was counted with {difference}. The first stands; this request is kept for review."
        note += advice(known)
        rule = "the same transaction, the same data"
        case.stop(Outcome.CONFLICT, Reason.TRANSACTION_CONFLICT, STEP, note, rule=rule, key=case.dedupe_key)
    elif not status or status in (known.status, Status.PENDING):
        note = f"{known} is {known.status}; this adds nothing.{advice(known)}"
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, key=case.dedupe_key, status=status)
    elif known.status == Status.REJECTED:
        note = f"{known} was rejected ({in_english(known.get_reason_display())}); a postback does not approve it again."
        rule = "only an operator approves what was rejected"
        case.stop(Outcome.CONFLICT, Reason.STATUS_NOT_ALLOWED, STEP, note, rule=rule, status=status)
    else:
        case.note(STEP, "update", f"{known} is {known.status}, the request says {status}.", status=status)


def _difference(case: Case, known: Conversion) -> str:
    """The first difference between the request and the conversion, in words. Absent values do not differ."""
    event = case.event
    click = event.click.uuid if event.click else None
    if click and known.evidence in ("row", "signature") and click != known.click_id:
        return "another click"
    if event.currency and event.currency != known.currency:
        return f"currency {known.currency}, not {event.currency}"
    for name, sent, kept in (("revenue", event.revenue, known.revenue), ("payout", event.payout, known.payout)):
        if sent is not None and sent != kept:
            was = "not given" if kept is None else exact_money(kept, known.currency)
            return f"{name} {was}, not {exact_money(sent, known.currency)}"
    return ""


def _amounts(case: Case, known: Conversion) -> str:
    named = (("revenue", case.event.revenue), ("payout", case.event.payout))
    return " and ".join(f"{name} {exact_money(sent, known.currency)}" for name, sent in named if sent is not None)
