"""Touches: the clicks that a customer's events named, of any affiliate. The offer decides which one is credited."""

from affiliates.models import Offer
from conversions.intake.case import Attribution, Case, new_events
from conversions.intake.judge.attribute import window_of
from conversions.models import Conversion
from tracking.click_id.codec import ClickID

STEP = "attribute"


def take_touches(cases: list[Case]) -> None:
    """Take the touches of the customer on the offer of the event, the oldest first."""
    for case, attribution in new_events(cases):
        offer = attribution.enrollment.offer_id
        attribution.touches = [touch for touch in case.origin.touches if touch.offer_id == offer]


def credit_first_touches(cases: list[Case]) -> None:
    """If no lock decided and the offer credits the first click, credit the first touch within the window."""
    for case, attribution in new_events(cases):
        click = case.event.click
        by_lock = attribution.evidence == Conversion.Evidence.LOCK or attribution.takes_over
        if click and not by_lock and attribution.offer.attribution_model == Offer.AttributionModel.FIRST_CLICK:
            _credit_first_touch(case, attribution, click)


def _credit_first_touch(case: Case, attribution: Attribution, click: ClickID) -> None:
    window = window_of(attribution)
    earlier = [
        touch for touch in attribution.touches if touch.at < click.made_at and case.occurred_at - touch.at <= window
    ]
    rule = "first click within the window"
    if not earlier:
        case.note(STEP, "passed", "This click is the customer's first within the window.", rule=rule)
        return
    first = earlier[0]
    by = first.enrollment.affiliate
    note = f"{by} touched the customer first, on {first.at:%Y-%m-%d %H:%M:%S} UTC: that click is credited."
    case.note(STEP, "credited", note, rule=rule, click_id=ClickID(first.click_id).text)
    attribution.enrollment, attribution.link, attribution.evidence = (
        first.enrollment,
        first.link,
        Conversion.Evidence.TOUCH,
    )
    attribution.first_click = ClickID(first.click_id)


def note_other_touches(cases: list[Case]) -> None:
    """List in the trace the other touches that are not credited."""
    for case, attribution in new_events(cases):
        credited = attribution.enrollment.affiliate
        times = [touch for touch in attribution.touches if touch.enrollment.affiliate_id != credited.pk]
        if times:
            who = "; ".join(f"{touch.enrollment.affiliate} on {touch.at:%Y-%m-%d %H:%M} UTC" for touch in times[-5:])
            note = f"{credited} is credited. The customer was touched by others as well: {who}."
            case.note(STEP, "touched", note, rule="touches", touches=len(attribution.touches))
