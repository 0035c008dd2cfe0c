"""Step 6: one event counts once. The key identifies the event; the database's unique constraint decides."""

from collections.abc import Iterable

from conversions.intake import reference_cache
from conversions.intake.case import Case, Outcome
from conversions.intake.judge import correct, pixels, refunds
from conversions.models import Conversion, Goal, Postback
from conversions.reasons.codes import Reason
from records.advisory_locks import Lock, number_of, wait_for
from records.translation import in_english

STEP = "deduplicate"
Status, DedupeBy = Conversion.Status, Goal.DedupeBy
# A known transaction does not need a click again: its status updates ignore these errors.
_EXCUSED = {Reason.MISSING_CLICK_ID, Reason.MISSING_TRANSACTION, Reason.MISSING_REVENUE}
# Outcomes of accepted requests; a repeat of a refused request must not look harmless.
TAKEN = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.HELD, Outcome.UPDATED, Outcome.DUPLICATE)


def set_keys(cases: list[Case]) -> None:
    """Set the key of each case: goal and transaction, else goal and click, or as the goal defines."""
    cases = [case for case in cases if case.is_open and case.event.goal_code]
    goals = reference_cache.goals.many({case.postback.advertiser_id or 0 for case in cases})
    for case in cases:
        named = goals.get(case.postback.advertiser_id or 0, [])
        case.named_goal = next((goal for goal in named if goal.code == case.event.goal_code), None)
        case.dedupe_key = _key(case, case.named_goal.dedupe_by if case.named_goal else DedupeBy.TRANSACTION)


def _key(case: Case, by: str) -> str:
    event = case.event
    if by == DedupeBy.CUSTOMER and event.customer_id:
        return f"{event.goal_code}|customer|{event.customer_id}"
    if event.transaction_id and not (by == DedupeBy.CLICK and event.click):
        return f"{event.goal_code}|txid|{event.transaction_id}"
    return f"{event.goal_code}|click|{event.click.uuid}" if event.click else ""


def conflict_keys(case: Case) -> list[tuple[object, ...]]:
    """The keys that this case must not share with another case of the same round."""
    advertiser = case.postback.advertiser_id
    keys: list[tuple[object, ...]] = []
    if case.is_open and case.dedupe_key:
        keys.append((advertiser, "event", case.dedupe_key))
    if case.is_open and case.event.customer_id:
        keys.append((advertiser, "customer", case.event.customer_id))
    if case.is_open and (key := pixels.conflict_key(case)):
        keys.append(key)
    return keys


def lock(cases: Iterable[Case]) -> None:
    """Lock every event and customer of the batch until the transaction ends.

    The locks are taken in sorted order, so there is no deadlock. Keys share 4,096 locks: a large batch cannot exhaust
    the lock table, and a collision only causes waiting.
    """
    names = {repr(key) for case in cases for key in conflict_keys(case)}
    wait_for(Lock.EVENTS, {number_of(name) % 4096 for name in names})


def find_known(cases: list[Case]) -> None:
    """Attach the existing conversion of each case, if there is one."""
    keyed = [case for case in cases if case.is_open and case.dedupe_key]
    if not keyed:
        return
    rows = Conversion.objects.select_for_update().filter(
        advertiser__in={case.postback.advertiser_id for case in keyed},
        dedupe_key__in={case.dedupe_key for case in keyed},
    )
    known = {(row.advertiser_id, row.dedupe_key): row for row in rows.order_by("pk")}
    for case in keyed:
        case.conversion = known.get((case.postback.advertiser_id or 0, case.dedupe_key))
    _find_within_window([case for case in keyed if _counts_again(case)])
    _find_by_transaction([case for case in keyed if case.conversion is None and _is_keyed_otherwise(case)])
    pixels.attach(keyed)
    correct.take_up([case for case in keyed if case.conversion and not _is_another(case, case.conversion)])
    for case in keyed:
        if case.conversion:
            case.problems = [problem for problem in case.problems if problem.reason not in _EXCUSED]
    correct.keep_senders_rejection(keyed)


def _counts_again(case: Case) -> bool:
    has_window = case.named_goal is not None and case.named_goal.dedupe_window is not None
    return has_window and not case.event.transaction_id and case.event.click is not None


def _find_within_window(cases: list[Case]) -> None:
    """Attach the conversion of the same click close in time; if there is only an older one, set a new key."""
    if not cases:
        return
    rows = Conversion.objects.select_for_update().filter(
        advertiser__in={case.postback.advertiser_id for case in cases},
        click_id__in={case.event.click.uuid for case in cases if case.event.click},
        transaction_id="",
    )
    known = list(rows.order_by("pk"))
    for case in cases:
        window = case.named_goal.dedupe_window if case.named_goal else None
        assert window
        base = case.dedupe_key
        same = [
            row
            for row in known
            if row.advertiser_id == case.postback.advertiser_id and f"{row.dedupe_key}|".startswith(f"{base}|")
        ]
        case.conversion = next((row for row in same if abs(row.occurred_at - case.occurred_at) < window), None)
        if same and case.conversion is None:
            case.dedupe_key = f"{base}|{case.occurred_at:%Y%m%dT%H%M%S.%f}"


def _is_keyed_otherwise(case: Case) -> bool:
    """Whether only a transaction was sent although the goal counts by another key: status updates may do so."""
    event, by = case.event, case.named_goal.dedupe_by if case.named_goal else DedupeBy.TRANSACTION
    lacks_click = by == DedupeBy.CLICK and event.click is None
    lacks_customer = by == DedupeBy.CUSTOMER and not event.customer_id
    return bool(event.transaction_id) and (lacks_click or lacks_customer)


def _find_by_transaction(cases: list[Case]) -> None:
    if not cases:
        return
    rows = Conversion.objects.select_for_update(of=("self",)).filter(
        advertiser__in={case.postback.advertiser_id for case in cases},
        transaction_id__in={case.event.transaction_id for case in cases},
    )
    known = {
        (row.advertiser_id, row.goal.code, row.transaction_id, row.is_test): row
        for row in rows.select_related("goal").order_by("-pk")
    }
    for case in cases:
        name = (case.postback.advertiser_id or 0, case.event.goal_code, case.event.transaction_id, case.is_test)
        case.conversion = known.get(name)


def deduplicate(cases: list[Case]) -> None:
    """Answer duplicates, refuse contradictions, and leave status updates and new events open."""
    cases = [case for case in cases if case.is_open]
    sent_before = _sent_before(cases)
    for case in cases:
        if case.corrects:
            correct.compare(case)
        elif case.conversion is None:
            case.note(STEP, "passed", "No conversion has this key yet.", rule="once per key", key=case.dedupe_key)
        else:
            _compare(case, case.conversion, (case.conversion.pk, case.event.fingerprint) in sent_before)


def _sent_before(cases: list[Case]) -> set[tuple[int, str]]:
    known = {case.conversion.pk for case in cases if case.conversion}
    if not known:
        return set()
    rows = Postback.objects.filter(
        conversion__in=known, fingerprint__in={case.event.fingerprint for case in cases}, outcome__in=TAKEN
    )
    return {(pk or 0, fingerprint) for pk, fingerprint in rows.values_list("conversion_id", "fingerprint")}


def _compare(case: Case, known: Conversion, sent_before: bool) -> None:
    status = case.event.status
    difference = _difference(case, known)
    if pixels.confirms(case, known):
        case.note(STEP, "update", f"{known} was told by a pixel; this is the server's word.", key=case.dedupe_key)
    elif sent_before:
        note = f"The same was sent before: {known}.{correct.advice(known)}"
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, key=case.dedupe_key)
    elif _is_another(case, known):
        by = in_english(case.named_goal.get_dedupe_by_display()).lower() if case.named_goal else ""
        note = f"{known} is the one that counts, with the transaction {known.transaction_id or 'not named'}."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule=f"once for {by}", key=case.dedupe_key)
    elif pixels.from_pixel(case):
        note = f"{known} was told before, {'by a pixel' if known.reported_by == pixels.PIXEL else 'by the server'}."
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, rule="server before pixel", key=case.dedupe_key)
    elif case.event.refund is not None and not difference:
        refunds.compare(case, known)
    elif difference:
        note = f"{known} was counted with {difference}. The first stands; this request is kept for review."
        note += correct.advice(known)
        rule = "the same transaction, the same data"
        case.stop(Outcome.CONFLICT, Reason.TRANSACTION_CONFLICT, STEP, note, rule=rule, key=case.dedupe_key)
    elif not status or status in (known.status, Status.PENDING):
        note = f"{known} is {known.status}; this adds nothing.{correct.advice(known)}"
        case.stop(Outcome.DUPLICATE, Reason.DUPLICATE, STEP, note, key=case.dedupe_key, status=status)
    elif known.status == Status.REJECTED:
        note = f"{known} was rejected ({in_english(known.get_reason_display())}); a postback does not approve it again."
        rule = "only an operator approves what was rejected"
        case.stop(Outcome.CONFLICT, Reason.STATUS_NOT_ALLOWED, STEP, note, rule=rule, status=status)
    else:
        case.note(STEP, "update", f"{known} is {known.status}, the request says {status}.", status=status)


def _is_another(case: Case, known: Conversion) -> bool:
    """Whether the goal counts once and this is another event than the counted one: then it is no contradiction."""
    event, by = case.event, case.named_goal.dedupe_by if case.named_goal else DedupeBy.TRANSACTION
    if by == DedupeBy.TRANSACTION:
        return False
    return event.transaction_id != known.transaction_id if event.transaction_id else not event.status


def _difference(case: Case, known: Conversion) -> str:
    """The facts in which the request differs from the conversion; absent values are no difference."""
    event = case.event
    click = event.click.uuid if event.click else None
    pairs = [
        ("revenue", event.revenue, known.revenue),
        ("payout", event.payout, known.payout),
        ("currency", event.currency or None, known.currency),
        ("another click", click if known.evidence in ("row", "signature") else None, known.click_id),
    ]
    for name, sent, kept in pairs:
        if sent is not None and sent != kept:
            return (
                name
                if name.startswith("another")
                else f"{name} {kept if kept is not None else 'not given'}, not {sent}"
            )
    return ""
