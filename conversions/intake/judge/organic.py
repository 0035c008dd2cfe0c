"""Orders of a shop that no affiliate brought: a shop reports all of its orders, and most have no click."""

from collections.abc import Sequence

from conversions.intake.case import Case, Outcome
from conversions.intake.read.parse import finds_its_sale
from conversions.models import Postback
from conversions.reasons.codes import Reason

STEP = "find_click"
_WITHOUT_ORIGIN = frozenset({Reason.MISSING_CLICK_ID, Reason.UNKNOWN_CUSTOMER, Reason.MISSING_TRANSACTION})


def set_organic_aside(cases: list[Case]) -> None:
    """Stop the events of sources that name no click, no coupon and no known customer, and what takes such a sale back.

    An event that may wait for its customer's first one is left to parking. At most one query.
    """
    cases = [case for case in cases if case.is_open and case.conversion is None and case.mapping.finds_sales]
    for case in cases:
        if _is_organic(case):
            note = "It names no click ID, no coupon and no customer of an affiliate: no affiliate brought it."
            _set_aside(case, note)
    takes_back = [case for case in cases if finds_its_sale(case)]
    known = _set_aside_before(takes_back)
    for case in takes_back:
        if (case.postback.advertiser_id, case.event.transaction_id) in known:
            _set_aside(case, f"The sale {case.event.transaction_id} was brought by no affiliate.")


def _is_organic(case: Case) -> bool:
    reasons = {problem.reason for problem in case.problems}
    word = next((value for name, value in case.parameters if name == "event_type"), "")
    may_wait = word in case.mapping.later and bool(case.event.customer_id)
    return bool(reasons) and reasons <= _WITHOUT_ORIGIN and not may_wait and not finds_its_sale(case)


def _set_aside(case: Case, note: str) -> None:
    case.problems = []
    given = {"txid": case.event.transaction_id, "customer_id": case.event.customer_id}
    case.stop(Outcome.UNKNOWN_CLICK, Reason.NO_AFFILIATE, STEP, note, rule=case.mapping.rule, **given)


def _set_aside_before(cases: Sequence[Case]) -> set[tuple[int | None, str]]:
    if not cases:
        return set()
    rows = Postback.objects.filter(
        advertiser__in={case.postback.advertiser_id for case in cases},
        transaction_id__in={case.event.transaction_id for case in cases},
        reason=Reason.NO_AFFILIATE,
    )
    return set(rows.values_list("advertiser_id", "transaction_id"))
