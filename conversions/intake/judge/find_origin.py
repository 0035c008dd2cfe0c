"""Find where the event comes from, by the click ID and its row, by the customer lock, or by a coupon."""

import re

from django.db.models import Q
from django.db.models.functions import Lower

from affiliates.models import CouponCode
from conversions.intake import reference_cache
from conversions.intake.case import Case
from conversions.intake.reference_cache import ENROLLMENT
from conversions.models import Conversion
from conversions.reasons.codes import Reason
from tracking.click_id.reading import form_problem

STEP = "find_click"
_BETWEEN_CODES = re.compile(r"[,;|]")
SIGNATURE_DOES_NOT_MATCH = "The click ID is not genuine: its signature does not match."
Evidence = Conversion.Evidence


def find_by_click(cases: list[Case]) -> None:
    """Find the access by the click ID: its signature, then its row."""
    for case in cases:
        if not (case.is_open and case.event.click_text):
            continue
        click, origin = case.event.click, case.origin
        link = origin.named_link
        if click is None or link is None:
            message = "Its link is unknown." if click else _why_not_genuine(case.event.click_text)
            case.report(Reason.UNKNOWN_CLICK, "click_id", message, case.event.click_text[:60])
            case.note(STEP, "not found", message, click_id=case.event.click_text[:60])
            continue
        origin.link = link
        origin.enrollment = link.enrollment
        origin.evidence = Evidence.ROW if origin.click_marks else Evidence.SIGNATURE
        how = "with its stored click" if origin.click_marks else "by signature, no stored click"
        if case.legacy_source:
            origin.evidence, how = Evidence.LEGACY, f"imported from {case.legacy_source}"
        note = f"Click of {click.made_at:%Y-%m-%d %H:%M:%S} UTC through link {link.code}, {how}."
        rule = "imported click IDs" if case.legacy_source else "signature"
        inputs = {"click_id": case.event.click_text, "link": link.code}
        if origin.click_consent:
            note += f" The visitor's consent: {origin.click_consent}."
            inputs["consent"] = origin.click_consent
        case.note(STEP, "found", note, rule=rule, **inputs)


def _why_not_genuine(text: str) -> str:
    """What is wrong with the form of the ID; of a signature only that it does not match."""
    problem = form_problem(text)
    return f"The click ID is not genuine. {problem}" if problem else SIGNATURE_DOES_NOT_MATCH


def find_by_lock(cases: list[Case]) -> None:
    """Without a click ID, use the customer's lock: of the offers that have the goal, the one with the newest lock."""
    cases = [case for case in cases if case.is_open and not case.event.click_text and case.origin.locks]
    goals = reference_cache.goals.many({case.postback.advertiser_id or 0 for case in cases})
    offers = {(goal.offer_id, goal.code) for listed in goals.values() for goal in listed}
    for case in cases:
        origin = case.origin
        having = [lock for lock in origin.locks if (lock.offer_id, case.event.goal_code) in offers] or origin.locks
        origin.lock, origin.enrollment, origin.link = having[0], having[0].enrollment, having[0].link
        origin.evidence = Evidence.LOCK
        note = f"No click ID; the customer was brought by {having[0].enrollment.affiliate}."
        case.note(STEP, "found", note, rule="customer lock", customer_id=case.event.customer_id)


def find_by_coupon(cases: list[Case]) -> None:
    """Without a click or a lock, use the coupon's affiliate. One query."""
    cases = [case for case in cases if _needs_origin(case) and case.event.coupon]
    if not cases:
        return
    named = {case.postback.pk: _codes_in(case.event.coupon) for case in cases}
    coupons = CouponCode.objects.annotate(folded=Lower("code")).filter(
        Q(folded__in={code for codes in named.values() for code in codes}),
        is_active=True,
        enrollment__offer__advertiser__in={case.postback.advertiser_id for case in cases},
    )
    by_code = {coupon.code.lower(): coupon for coupon in coupons.select_related(*ENROLLMENT)}
    for case in cases:
        known = [by_code[code] for code in named[case.postback.pk] if code in by_code]
        own = [coupon for coupon in known if coupon.enrollment.offer.advertiser_id == case.postback.advertiser_id]
        # Codes of two affiliates on one order: neither brought it more than the other.
        if own and len({coupon.enrollment_id for coupon in own}) == 1:
            case.origin.enrollment, case.origin.evidence = own[0].enrollment, Evidence.COUPON
            note = f"No click ID; the coupon belongs to {own[0].enrollment.affiliate}."
            case.note(STEP, "found", note, rule="coupon", coupon=own[0].code)


def _codes_in(text: str) -> list[str]:
    """The text as one code, then the codes that it lists: a cart may have several."""
    folded = text.lower()
    return list(dict.fromkeys([folded, *(code for part in _BETWEEN_CODES.split(folded) if (code := part.strip()))]))


def report_unknown_origin(cases: list[Case]) -> None:
    """Report the events whose origin is unknown. A known transaction does not need its click again."""
    for case in cases:
        if not _needs_origin(case):
            continue
        # For an invalid click ID only that error is reported, not an unknown customer as well.
        click_is_faulty = any(problem.field == "click_id" for problem in case.problems)
        if (case.event.customer_id or case.event.coupon) and not click_is_faulty:
            field = "customer_id" if case.event.customer_id else "coupon"
            message = f"No affiliate is known for this {field.partition('_')[0]}, and there is no click_id."
            case.report(Reason.UNKNOWN_CUSTOMER, field, message)
            case.note(STEP, "not found", message)
        elif case.conversion is None:
            case.note(STEP, "not found", "The request has no click ID, customer or coupon that could be looked for.")
        else:
            note = f"No click ID: its transaction is that of {case.conversion}."
            case.note(STEP, "found", note, rule="known transaction", txid=case.event.transaction_id)


def _needs_origin(case: Case) -> bool:
    return case.is_open and not case.event.click_text and case.origin.enrollment is None
