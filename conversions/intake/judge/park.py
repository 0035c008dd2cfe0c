"""Park requests whose customer, sale or link is not known yet, and report it in the answer.

A request that is parked and a request that brings what it needs take the same advisory lock (`deduplicate.lock`). So
the later of the two sees what the earlier one wrote. Rows of parked requests are written under this lock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from affiliates.models import Offer
from conversions.intake import reference_cache
from conversions.intake.case import Awaited, Case, Outcome
from conversions.models import Conversion, ParkedPostback
from conversions.reasons.codes import Reason
from records.bulk_rows import insert, prepared_cursor, update

STEP = "park"
Waits = ParkedPostback.Waits
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)


class _Words(NamedTuple):
    waiting: Reason
    in_vain: Reason
    unknown: str


WORDS = {
    Waits.CUSTOMER: _Words(Reason.WAITING_FOR_CUSTOMER, Reason.CUSTOMER_NEVER_CAME, "Customer {} has no affiliate yet"),
    Waits.SALE: _Words(Reason.WAITING_FOR_SALE, Reason.SALE_NEVER_CAME, "There is no transaction {} to take back yet"),
    Waits.LINK: _Words(
        Reason.WAITING_FOR_CLICK, Reason.CLICK_NEVER_CAME, "The click ID is genuine, but its link {} is not known yet"
    ),
}
# A known transaction needs none of these again, so the request may be complete once its sale exists.
_SALE_BRINGS = {
    Reason.MISSING_CLICK_ID,
    Reason.MISSING_TRANSACTION,
    Reason.MISSING_REVENUE,
    Reason.MISSING_CUSTOMER,
    Reason.UNKNOWN_CUSTOMER,
}

_WAKE = """
UPDATE conversions_parkedpostback AS parked SET next_try_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS there(advertiser_id, waits_for, awaited)
WHERE parked.advertiser_id = there.advertiser_id AND parked.waits_for = there.waits_for
    AND parked.awaited = there.awaited
RETURNING parked.postback_id
"""


def park(cases: Sequence[Case]) -> None:
    """Park cases that need an event which is not here yet, and expire those that were parked too long.

    At most two queries.
    """
    cases = [case for case in cases if case.is_open and case.conversion is None]
    locking = _locking_goals(cases)
    for case in cases:
        case.waits = _awaited(case, locking)
    waiting = [case for case in cases if case.waits]
    held = [case for case in waiting if case.may_wait]
    first = _sent_before([case for case in held if case.parked is None])
    for case in waiting:
        assert case.waits
        words = WORDS[Waits(case.waits.waits_for)]
        unknown = words.unknown.format(_shown(case))
        if not case.may_wait:
            _give_up(case, words, unknown)
            continue
        case.waits_until = case.parked.expires_at if case.parked else case.postback.received_at + longest_wait()
        case.waits_as = first.get((case.waits, case.event.fingerprint), "")
        until = f"{case.waits_until:%Y-%m-%d %H:%M} UTC"
        note = f"{unknown}: the request waits until {until} and is decided as soon as it is."
        if case.waits_as:
            note = f"{unknown}. The same request waits already as {case.waits_as}, until {until}."
        rule = f"waits up to {settings.PARKED_HOURS} h"
        # The missing value may be in the event to come: it is no error yet.
        case.problems = []
        case.stop(Outcome.HELD, words.waiting, STEP, note, rule=rule, awaited=case.waits.name)


def _shown(case: Case) -> str:
    assert case.waits
    return case.event.transaction_id if case.waits.waits_for == Waits.SALE else case.waits.name


def longest_wait() -> timedelta:
    return timedelta(hours=settings.PARKED_HOURS)


def _awaited(case: Case, locking: Mapping[int, set[str]]) -> Awaited | None:
    event, reasons = case.event, {problem.reason for problem in case.problems}
    takes_back = event.status == Conversion.Status.REJECTED or event.refund is not None
    if takes_back and event.transaction_id and event.goal_code:
        return Awaited(Waits.SALE, sale_name(case)) if reasons <= _SALE_BRINGS else None
    if reasons == {Reason.UNKNOWN_CUSTOMER} and event.customer_id:
        has_lock = event.goal_code in locking.get(case.postback.advertiser_id or 0, ())
        return Awaited(Waits.CUSTOMER, event.customer_id) if has_lock else None
    return (
        Awaited(Waits.LINK, str(event.click.link_number)) if reasons == {Reason.UNKNOWN_CLICK} and event.click else None
    )


def sale_name(case: Case) -> str:
    name = f"{case.event.goal_code}|{case.event.transaction_id}"
    return f"{name}|test" if case.is_test else name


def _locking_goals(cases: Sequence[Case]) -> dict[int, set[str]]:
    """By advertiser, the goals of offers where a customer's first event decides the affiliate of the later ones."""
    strangers = [case for case in cases if any(p.reason == Reason.UNKNOWN_CUSTOMER for p in case.problems)]
    goals = reference_cache.goals.many({case.postback.advertiser_id or 0 for case in strangers})
    none = Offer.CustomerLock.NONE
    return {pk: {goal.code for goal in found if goal.offer.customer_lock != none} for pk, found in goals.items()}


def _sent_before(cases: Sequence[Case]) -> dict[tuple[Awaited, str], str]:
    """By awaited value and content, the public ID of the first parked request."""
    if not cases:
        return {}
    rows = ParkedPostback.objects.filter(
        is_repeat=False,
        advertiser__in={case.postback.advertiser_id for case in cases},
        awaited__in={case.waits.name for case in cases if case.waits},
        postback__fingerprint__in={case.event.fingerprint for case in cases},
    )
    facts = rows.values_list("waits_for", "awaited", "postback__fingerprint", "postback__public_id")
    return {(Awaited(waits_for, name), fingerprint): public_id for waits_for, name, fingerprint, public_id in facts}


def _give_up(case: Case, words: _Words, unknown: str) -> None:
    assert case.waits
    waited = case.given_up or f"It did not come within {settings.PARKED_HOURS} h."
    rule, awaited = f"waits up to {settings.PARKED_HOURS} h", case.waits.name
    is_rejection = case.waits.waits_for == Waits.SALE and case.event.refund is None
    if is_rejection and case.enrollment and case.goal and not case.problems:
        # The affiliate is known: store the rejection where the affiliate sees it.
        case.judge(Conversion.Status.REJECTED, words.in_vain, STEP, f"{unknown}. {waited}", rule=rule, awaited=awaited)
    else:
        case.problems = []
        case.stop(Outcome.UNKNOWN_CLICK, words.in_vain, STEP, f"{unknown}. {waited}", rule=rule, awaited=awaited)
    case.waits = None


def keep_parked(cases: Sequence[Case], *, now: datetime) -> None:
    """Write which requests are parked now, which stay parked, and which no longer are."""
    held = [case for case in cases if case.waits and case.outcome == Outcome.HELD]
    insert(_row(case, now) for case in held if case.parked is None)
    again: list[ParkedPostback] = []
    for case in held:
        if case.parked is None or case.waits is None:
            continue
        again.append(row := case.parked)
        row.tries += 1
        row.next_try_at = min(now + pause(row.tries), row.expires_at)
        row.waits_for, row.awaited = case.waits.waits_for, case.waits.name
    update(again, ("tries", "next_try_at", "waits_for", "awaited"))
    settled = [case.parked.pk for case in cases if case.parked and case.waits is None]
    if settled:
        ParkedPostback.objects.filter(pk__in=settled).delete()


def _row(case: Case, now: datetime) -> ParkedPostback:
    assert case.waits
    assert case.waits_until
    assert case.postback.advertiser
    is_repeat = bool(case.waits_as)
    return ParkedPostback(
        postback=case.postback,
        advertiser=case.postback.advertiser,
        waits_for=case.waits.waits_for,
        awaited=case.waits.name,
        occurred_at=case.occurred_at,
        parked_at=now,
        expires_at=case.waits_until,
        # A repeat is decided together with the request that it repeats.
        next_try_at=case.waits_until if is_repeat else min(now + pause(0), case.waits_until),
        is_repeat=is_repeat,
    )


def pause(tries: int) -> timedelta:
    """The time until the next attempt: a minute, doubled each time, up to six hours."""
    return min(FIRST_PAUSE * (1 << min(tries, 16)), LONGEST_PAUSE)


def wake(cases: Sequence[Case], *, now: datetime) -> list[int]:
    """Make requests due that were parked for what these cases brought.

    Return the IDs of their postbacks. At most one query.
    """
    there = {(case.postback.advertiser_id, *awaited) for case in cases for awaited in _brought(case)}
    if not there:
        return []
    advertisers, kinds, names = zip(*sorted(there), strict=True)
    with prepared_cursor() as cursor:
        cursor.execute(_WAKE, [now, list(advertisers), list(kinds), list(names)])
        return [pk for (pk,) in cursor.fetchall()]


def _brought(case: Case) -> list[Awaited]:
    """What a new conversion makes known: its transaction and its customer's affiliate."""
    if case.conversion is None or not case.verdict:
        return []
    brought = [Awaited(Waits.SALE, sale_name(case))] if case.event.transaction_id else []
    if case.event.customer_id and case.locks_customer:
        brought.append(Awaited(Waits.CUSTOMER, case.event.customer_id))
    return brought
