"""Park requests whose customer, sale or link is not known yet, and report it in the answer.

A parked request and the request that it waits for take the same advisory lock (`lock_events`), so the later of the two
sees the rows of the earlier one. Rows of parked requests are written under this lock (`write.parked`).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from affiliates.models import Offer
from conversions.intake import reference_cache
from conversions.intake.case import Awaited, Case, Outcome
from conversions.intake.read.parse import finds_its_sale
from conversions.models import Conversion, ParkedPostback
from conversions.reasons.codes import Reason
from conversions.sources.references import awaited_name

STEP = "park"
Waits = ParkedPostback.Waits


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


def park(cases: list[Case]) -> None:
    """Park cases that need an event that has not arrived yet, and expire those that were parked too long.

    At most two queries.
    """
    cases = [case for case in cases if case.is_open and case.conversion is None]
    locking = _locking_goals(cases)
    waiting = [(case, awaited) for case in cases if (awaited := _awaited(case, locking))]
    first = _sent_before([(case, awaited) for case, awaited in waiting if _is_first_try(case)])
    for case, awaited in waiting:
        words = WORDS[Waits(awaited.waits_for)]
        unknown = words.unknown.format(_shown(case, awaited))
        if case.parking.may_wait:
            _wait(case, awaited, words, unknown, first.get((awaited, case.event.fingerprint), ""))
        else:
            _expire(case, awaited, words, unknown)


def _is_first_try(case: Case) -> bool:
    return case.parking.may_wait and case.parking.row is None


def _wait(case: Case, awaited: Awaited, words: _Words, unknown: str, first: str) -> None:
    """Park the request; `first` is an earlier one with the same content that is already parked."""
    parking = case.parking
    parking.waits, parking.waits_as = awaited, first
    parking.until = parking.row.expires_at if parking.row else case.postback.received_at + longest_wait()
    until = f"{parking.until:%Y-%m-%d %H:%M} UTC"
    note = f"{unknown}: the request waits until {until} and is decided as soon as it is."
    if first:
        note = f"{unknown}. The same request waits already as {first}, until {until}."
    # The missing value may be in the awaited event, so it is not an error yet.
    case.problems = []
    case.stop(Outcome.HELD, words.waiting, STEP, note, rule=_rule(), awaited=awaited.name)


def _expire(case: Case, awaited: Awaited, words: _Words, unknown: str) -> None:
    waited = case.parking.ended_by or f"It did not come within {settings.PARKED_HOURS} h."
    note, rule = f"{unknown}. {waited}", _rule()
    is_rejection = awaited.waits_for == Waits.SALE and case.event.refund is None
    if is_rejection and case.origin.enrollment and case.goal and not case.problems:
        # The affiliate is known: store the rejection where the affiliate sees it.
        case.judge(Conversion.Status.REJECTED, words.in_vain, STEP, note, rule=rule, awaited=awaited.name)
    else:
        case.problems = []
        case.stop(Outcome.UNKNOWN_CLICK, words.in_vain, STEP, note, rule=rule, awaited=awaited.name)


def _rule() -> str:
    return f"waits up to {settings.PARKED_HOURS} h"


def _shown(case: Case, awaited: Awaited) -> str:
    return case.event.transaction_id if awaited.waits_for == Waits.SALE else awaited.name


def longest_wait() -> timedelta:
    return timedelta(hours=settings.PARKED_HOURS)


def _awaited(case: Case, locking: Mapping[int, set[str]]) -> Awaited | None:
    event, reasons = case.event, {problem.reason for problem in case.problems}
    takes_back = event.status == Conversion.Status.REJECTED or event.refund is not None
    if finds_its_sale(case):
        return Awaited(Waits.SALE, awaited_name(event.transaction_id)) if reasons <= _SALE_BRINGS else None
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


def _sent_before(cases: Sequence[tuple[Case, Awaited]]) -> dict[tuple[Awaited, str], str]:
    """By awaited value and content, the public ID of the first parked request."""
    if not cases:
        return {}
    rows = ParkedPostback.objects.filter(
        is_repeat=False,
        advertiser__in={case.postback.advertiser_id for case, _ in cases},
        awaited__in={awaited.name for _, awaited in cases},
        postback__fingerprint__in={case.event.fingerprint for case, _ in cases},
    )
    facts = rows.values_list("waits_for", "awaited", "postback__fingerprint", "postback__public_id")
    return {(Awaited(waits_for, name), fingerprint): public_id for waits_for, name, fingerprint, public_id in facts}
