"""Step 4: find the click of the event by the click ID and its row, by the customer lock, or by a coupon."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from affiliates.models import CouponCode
from conversions.intake import reference_cache
from conversions.intake.case import Case, Problem
from conversions.intake.reference_cache import ENROLLMENT
from conversions.models import Conversion, Customer, CustomerLock
from conversions.reasons.codes import Reason
from conversions.risk_signals.base import ClickMarks
from tracking.marks import is_bot_agent
from tracking.models import Click
from tracking.visitors.geography import locate

STEP = "find_click"
Evidence = Conversion.Evidence


def find_click(cases: list[Case]) -> None:
    """Give each open case its link and enrollment, or a problem. The number of queries is constant."""
    cases = [case for case in cases if case.is_open]
    _load_customers(cases)
    _load_locks(cases)
    _by_click([case for case in cases if case.event.click_text])
    without = [case for case in cases if not case.event.click_text]
    _by_lock([case for case in without if case.event.customer_id])
    _by_coupon([case for case in without if case.event.coupon and case.enrollment is None])
    for case in without:
        # For an invalid click ID only that error is reported, not an unknown customer as well.
        click_is_faulty = any(problem.field == "click_id" for problem in case.problems)
        if case.enrollment is None and (case.event.customer_id or case.event.coupon) and not click_is_faulty:
            field = "customer_id" if case.event.customer_id else "coupon"
            message = f"No affiliate is known for this {field.partition('_')[0]}, and there is no click_id."
            case.problems.append(Problem(Reason.UNKNOWN_CUSTOMER, field, message))
            case.note(STEP, "not found", message)
        elif case.enrollment is None and case.conversion is None:
            case.note(STEP, "not found", "The request has no click ID, customer or coupon that could be looked for.")
        elif case.enrollment is None and case.conversion is not None:
            note = f"No click ID: its transaction is that of {case.conversion}."
            case.note(STEP, "found", note, rule="known transaction", txid=case.event.transaction_id)


def _by_click(cases: list[Case]) -> None:
    clicks = {case.event.click.uuid: case.event.click for case in cases if case.event.click}
    links = reference_cache.links.many(click.link_number for click in clicks.values())
    rows = _marks(clicks)
    for case in cases:
        click = case.event.click
        case.link = links.get(click.link_number) if click else None
        if click is None or case.link is None:
            message = (
                "The click ID is not genuine: its signature does not match." if not click else "Its link is unknown."
            )
            case.problems.append(Problem(Reason.UNKNOWN_CLICK, "click_id", message, case.event.click_text[:60]))
            case.note(STEP, "not found", message, click_id=case.event.click_text[:60])
            continue
        case.enrollment, case.named = case.link.enrollment, case.link
        case.is_test = case.is_test or case.link.is_test
        case.evidence = Evidence.ROW if click.uuid in rows else Evidence.SIGNATURE
        case.click_marks = rows.get(click.uuid)
        case.click_is_bot = bool(case.click_marks and case.click_marks.is_bot)
        how = "with its stored click" if click.uuid in rows else "by signature, no stored click"
        if case.legacy_source:
            case.evidence, how = Evidence.LEGACY, f"imported from {case.legacy_source}"
        note = f"Click of {click.made_at:%Y-%m-%d %H:%M:%S} UTC through link {case.link.code}, {how}."
        rule = "imported click IDs" if case.legacy_source else "signature"
        case.note(STEP, "found", note, rule=rule, click_id=case.event.click_text, link=case.link.code)


_MARKED = ("is_bot", "is_duplicate", "is_data_centre", "country", "ip")


def _marks(ids: Iterable[UUID]) -> dict[UUID, ClickMarks]:
    """The marks of each stored click. The postback may arrive before the worker has set them."""
    rows = Click.objects.filter(id__in=list(ids)).values_list("id", "marked_at", "user_agent", *_MARKED)
    return {
        pk: ClickMarks(*marks) if marked_at else _marks_now(agent, marks[-1]) for pk, marked_at, agent, *marks in rows
    }


def _marks_now(agent: str, address: str | None) -> ClickMarks:
    place = locate(address)
    return ClickMarks(is_bot_agent(agent), False, place.is_data_centre, place.country, address)


def _load_customers(cases: list[Case]) -> None:
    """Attach the known customers and their locks."""
    named = [case for case in cases if case.event.customer_id]
    if not named:
        return
    known = Customer.objects.filter(
        advertiser_id__in={case.postback.advertiser_id for case in named},
        customer_id__in={case.event.customer_id for case in named},
    )
    by_name = {(customer.advertiser_id, customer.customer_id): customer for customer in known}
    for case in named:
        case.customer = by_name.get((case.postback.advertiser_id or 0, case.event.customer_id))


def _load_locks(cases: list[Case]) -> None:
    """Attach the locks of the known customers, the newest first; one query."""
    customers = {case.customer.pk for case in cases if case.customer}
    if not customers:
        return
    locks: dict[int, list[CustomerLock]] = {}
    found = CustomerLock.objects.filter(customer__in=customers).order_by("-locked_at")
    for lock in found.select_related("link", *ENROLLMENT):
        locks.setdefault(lock.customer_id, []).append(lock)
    for case in cases:
        if case.customer:
            case.locks = locks.get(case.customer.pk, [])


def _by_lock(cases: list[Case]) -> None:
    """Choose the customer lock: of the offers that have the goal, the one with the newest lock."""
    goals = reference_cache.goals.many({case.postback.advertiser_id or 0 for case in cases if case.locks})
    offers = {(goal.offer_id, goal.code) for listed in goals.values() for goal in listed}
    for case in cases:
        having = [lock for lock in case.locks if (lock.offer_id, case.event.goal_code) in offers] or case.locks
        if having:
            case.lock, case.enrollment, case.link = having[0], having[0].enrollment, having[0].link
            case.evidence = Evidence.LOCK
            note = f"No click ID; the customer was brought by {case.enrollment.affiliate}."
            case.note(STEP, "found", note, rule="customer lock", customer_id=case.event.customer_id)


def _by_coupon(cases: list[Case]) -> None:
    codes = {case.event.coupon.lower() for case in cases}
    if not codes:
        return
    coupons = CouponCode.objects.annotate(folded=Lower("code")).filter(
        Q(folded__in=codes), is_active=True, enrollment__offer__advertiser__in={c.postback.advertiser_id for c in cases}
    )
    by_code = {coupon.code.lower(): coupon for coupon in coupons.select_related(*ENROLLMENT)}
    for case in cases:
        coupon = by_code.get(case.event.coupon.lower())
        if coupon and coupon.enrollment.offer.advertiser_id == case.postback.advertiser_id:
            case.enrollment, case.evidence = coupon.enrollment, Evidence.COUPON
            note = f"No click ID; the coupon belongs to {coupon.enrollment.affiliate}."
            case.note(STEP, "found", note, rule="coupon", coupon=coupon.code)
