"""Touches: the clicks that a customer's events named, of any affiliate. The offer decides which one is credited."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from affiliates.models import Offer
from conversions.intake.case import Case
from conversions.models import Conversion, Touch
from records.bulk_rows import insert, new
from tracking.click_id.codec import ClickID

STEP = "attribute"


def load_touches(cases: Sequence[Case]) -> None:
    """Attach the touches of the known customers on the offers of the cases, the oldest first; one query."""
    customers = {case.customer.pk for case in cases if case.customer}
    if not customers:
        return
    found: dict[tuple[int, int], list[Touch]] = {}
    rows = Touch.objects.filter(customer__in=customers).select_related("link", "enrollment__affiliate")
    for touch in rows.order_by("at", "pk"):
        found.setdefault((touch.customer_id, touch.offer_id), []).append(touch)
    for case in cases:
        if case.customer and case.enrollment:
            case.touches = found.get((case.customer.pk, case.enrollment.offer_id), [])


def credit_first_touch(case: Case, window: timedelta) -> None:
    """If no lock decided and the offer credits the first click, credit the first touch within the window."""
    click, enrollment = case.event.click, case.enrollment
    if click is None or enrollment is None or case.evidence == Conversion.Evidence.LOCK or case.takes_over:
        return
    if enrollment.offer.attribution_model != Offer.AttributionModel.FIRST_CLICK:
        return
    earlier = [touch for touch in case.touches if touch.at < click.made_at and case.occurred_at - touch.at <= window]
    rule = "first click within the window"
    if not earlier:
        case.note(STEP, "passed", "This click is the customer's first within the window.", rule=rule)
        return
    first = earlier[0]
    by = first.enrollment.affiliate
    note = f"{by} touched the customer first, on {first.at:%Y-%m-%d %H:%M:%S} UTC: that click is credited."
    case.note(STEP, "credited", note, rule=rule, click_id=ClickID(first.click_id).text)
    # The touch's own enrollment has no offer loaded: use the one of the batch.
    first.enrollment.offer = enrollment.offer
    case.enrollment, case.link, case.evidence = first.enrollment, first.link, Conversion.Evidence.TOUCH
    case.credited = ClickID(first.click_id)


def note_touches(case: Case) -> None:
    """List in the trace the other touches that are not credited."""
    if case.enrollment is None or not case.touches:
        return
    credited = case.enrollment.affiliate
    times = [touch for touch in case.touches if touch.enrollment.affiliate_id != credited.pk]
    if times:
        who = "; ".join(f"{touch.enrollment.affiliate} on {touch.at:%Y-%m-%d %H:%M} UTC" for touch in times[-5:])
        note = f"{credited} is credited. The customer was touched by others as well: {who}."
        case.note(STEP, "touched", note, rule="touches", touches=len(case.touches))


def keep_touches(cases: Iterable[Case]) -> None:
    """Store each click that a customer's event named, once; the batch holds a lock on each customer."""
    insert(
        new(
            Touch,
            customer=case.customer,
            offer=case.named.enrollment.offer,
            enrollment=case.named.enrollment,
            link=case.named,
            click_id=case.event.click.uuid,
            at=case.event.click.made_at,
        )
        for case in cases
        if case.customer and case.event.click and case.named and not case.is_test and _is_new(case)
    )


def _is_new(case: Case) -> bool:
    assert case.event.click
    return all(touch.click_id != case.event.click.uuid for touch in case.touches)
