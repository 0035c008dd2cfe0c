"""Attribute the event. Find its goal, check the attribution window, and apply the customer lock."""

from datetime import datetime, timedelta

from affiliates.models import Offer
from conversions.intake import reference_cache
from conversions.intake.case import Attribution, Case, Outcome, new_events
from conversions.models import Conversion, CustomerLock, Goal, Postback
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from records.words import duration_words
from tracking.click_id.codec import ClickID

STEP = "attribute"
# Clocks differ: an event this shortly before its click counts as simultaneous.
SKEW = timedelta(minutes=5)
Lock = Offer.CustomerLock


def find_goals(cases: list[Case]) -> None:
    """Find the goal on the offer of each event; report what a new event of it lacks. No query with a warm cache."""
    cases = [case for case in cases if case.is_open]
    by_offer: dict[tuple[int, str], Goal] = {}
    by_advertiser: dict[int, set[str]] = {}
    for advertiser, goals in reference_cache.goals.many(case.postback.advertiser_id or 0 for case in cases).items():
        by_offer.update(((goal.offer_id, goal.code), goal) for goal in goals)
        by_advertiser[advertiser] = {goal.code for goal in goals}
    with_rules = {goal.offer_id for goal in by_offer.values() if goal.looks_at_customers}
    for case in cases:
        _find_goal(case, by_offer, by_advertiser.get(case.postback.advertiser_id or 0, set()))
        case.offer_has_rules = case.goal is not None and case.goal.offer_id in with_rules


def _find_goal(case: Case, by_offer: dict[tuple[int, str], Goal], all_codes: set[str]) -> None:
    event, enrollment = case.event, case.origin.enrollment
    if enrollment and enrollment.offer.advertiser_id != case.postback.advertiser_id:
        note = f"The click belongs to {enrollment.offer}, which is not one of {case.advertiser}'s offers."
        rule, click = "own clicks only", event.click_text
        case.stop(
            Outcome.FORBIDDEN, Reason.WRONG_ADVERTISER, STEP, note, rule=rule, click_id=click, coupon=event.coupon
        )
    elif event.goal_code and enrollment:
        case.goal = by_offer.get((enrollment.offer_id, event.goal_code))
        if case.goal is None:
            codes = sorted(code for offer, code in by_offer if offer == enrollment.offer_id)
            _unknown_goal(
                case, f"{enrollment.offer} has no goal {event.goal_code}; it has {', '.join(codes) or 'none'}."
            )
        elif case.conversion is None:
            _check_needs(case, case.goal)
    elif event.goal_code and event.goal_code not in all_codes:
        _unknown_goal(
            case, f"No offer has a goal {event.goal_code}; there are {', '.join(sorted(all_codes)) or 'none'}."
        )


def _unknown_goal(case: Case, message: str) -> None:
    case.report(Reason.UNKNOWN_GOAL, "event_type", message, case.event.goal_code)


def _check_needs(case: Case, goal: Goal) -> None:
    faulty = {problem.field for problem in case.problems}
    if (
        (goal.needs_revenue or goal.minimum_revenue)
        and case.event.revenue is None
        and not faulty & {"revenue", "amount"}
    ):
        case.report(Reason.MISSING_REVENUE, "revenue", f"{goal.name} needs the revenue.")
    if goal.needs_customer_id and not case.event.customer_id and "customer_id" not in faulty:
        case.report(Reason.MISSING_CUSTOMER, "customer_id", f"{goal.name} needs the customer_id.")


def refuse_problems(cases: list[Case]) -> None:
    """Refuse a request with problems as a whole and list all of them; a lone unknown click has its own answer."""
    for case in cases:
        if not case.is_open or not case.problems:
            continue
        reasons = {problem.reason for problem in case.problems}
        reason = case.problems[0].reason if len(case.problems) == 1 else Reason.INVALID_REQUEST
        unknown = len(reasons) == 1 and EXPLANATIONS[reason].http_status == 404
        note = " ".join(problem.message for problem in case.problems)
        outcome = Outcome.UNKNOWN_CLICK if unknown else Outcome.INVALID
        case.stop(outcome, reason, STEP, note, rule="no request with problems", problems=case.problem_values)


def attribute(cases: list[Case]) -> None:
    """Credit each new event to the affiliate of its click, customer or coupon. An event without problems has one."""
    for case in cases:
        if not case.is_open or case.conversion:
            continue
        origin = case.origin
        if case.goal is None or origin.enrollment is None:
            raise RuntimeError(f"{case.postback} passed the checks without a goal or an access.")
        case.attribution = Attribution(case.goal, origin.enrollment, origin.link, origin.evidence, origin.lock)


def follow_locks(cases: list[Case]) -> None:
    """Let the customer lock decide which click is credited, by the offer's rule."""
    for case, attribution in new_events(cases):
        mine = [lock for lock in case.origin.locks if lock.offer_id == attribution.enrollment.offer_id]
        if attribution.offer.customer_lock != Lock.NONE and mine and not attribution.lock:
            _follow_lock(case, attribution, mine[0])


def _follow_lock(case: Case, attribution: Attribution, lock: CustomerLock) -> None:
    rule = f"customer lock: {attribution.offer.customer_lock}"
    attribution.lock = lock
    if why := _takes_over(case, attribution, lock):
        attribution.takes_over = True
        owner, new = lock.enrollment.affiliate, attribution.enrollment.affiliate
        who = f"Taken over from {owner} by {new}" if owner.pk != new.pk else f"Brought again by {new}"
        case.note(STEP, "taken over", f"{who}: {why}.", rule=rule)
        return
    if lock.enrollment_id != attribution.enrollment.pk:
        note = (
            f"The customer stays with {lock.enrollment.affiliate}; this click was {attribution.enrollment.affiliate}'s."
        )
    else:
        note = f"The customer is {lock.enrollment.affiliate}'s."
    if ends := _lock_ends(attribution, lock):
        note += f" The lock holds until the next click after {ends:%Y-%m-%d %H:%M} UTC."
    attribution.enrollment, attribution.link, attribution.evidence = (
        lock.enrollment,
        lock.link,
        Conversion.Evidence.LOCK,
    )
    case.note(STEP, "locked", note, rule=rule, customer_id=case.event.customer_id)


def _takes_over(case: Case, attribution: Attribution, lock: CustomerLock) -> str:
    """Return why the click of this event replaces the customer lock, or an empty text if it does not."""
    click, offer = case.event.click, lock.enrollment.offer
    if click is None or not _within_window(case.occurred_at - click.made_at, attribution):
        return ""
    ends = _lock_ends(attribution, lock)
    if ends and click.made_at >= ends:
        return f"the lock ended on {ends:%Y-%m-%d %H:%M} UTC, and this click came after that"
    if offer.customer_lock != Lock.LAST or click.made_at <= lock.locked_at:
        return ""
    held = ClickID(lock.click_id).made_at if lock.click_id else lock.locked_at
    if offer.attribution_model == Offer.AttributionModel.FIRST_CLICK and case.occurred_at - held <= window_of(
        attribution
    ):
        return ""
    return "the last click counts"


def _lock_ends(attribution: Attribution, lock: CustomerLock) -> datetime | None:
    expires = attribution.offer.customer_lock_expires
    return lock.locked_at + expires if expires else None


def window_of(attribution: Attribution) -> timedelta:
    """The longest time from the click to the event: the goal's own, else the offer's."""
    return attribution.goal.attribution_window or attribution.offer.attribution_window


def _minimum(attribution: Attribution) -> timedelta:
    own = attribution.goal.attribution_window_minimum
    return (own if own is not None else attribution.offer.attribution_window_minimum) or timedelta(0)


def _within_window(elapsed: timedelta, attribution: Attribution) -> bool:
    return max(-SKEW, _minimum(attribution) or -SKEW) <= elapsed <= window_of(attribution)


def check_windows(cases: list[Case]) -> None:
    """Check the time between click and event; events of a locked customer or with a coupon count without a window."""
    for case, attribution in new_events(cases):
        click = attribution.first_click or case.event.click
        if attribution.evidence not in (Conversion.Evidence.LOCK, Conversion.Evidence.COUPON) and click:
            _check_window(case, attribution, click)


def _check_window(case: Case, attribution: Attribution, click: ClickID) -> None:
    elapsed, minimum, window = case.occurred_at - click.made_at, _minimum(attribution), window_of(attribution)
    inputs = {"clicked_at": click.made_at.isoformat(), "occurred_at": case.occurred_at.isoformat()}
    rule = f"window of {duration_words(window)}" + (f", from {duration_words(minimum)} on" if minimum else "")
    if elapsed > window:
        from_cookie = case.postback.endpoint == Postback.Endpoint.PIXEL
        reason = Reason.COOKIE_EXPIRED if from_cookie else Reason.OUTSIDE_WINDOW
        what = "The click that the pixel's cookie kept is too old: the event" if from_cookie else "The event"
        case.judge(
            "rejected", reason, STEP, f"{what} came {duration_words(elapsed)} after the click.", rule=rule, **inputs
        )
    elif elapsed < -SKEW:
        note = f"The event came {duration_words(-elapsed)} before the click."
        case.judge("rejected", Reason.BEFORE_CLICK, STEP, note, rule=rule, **inputs)
    elif minimum and elapsed < minimum:
        note = f"The event came {duration_words(max(elapsed, timedelta(0)))} after the click: sooner than counts."
        case.judge("rejected", Reason.TOO_EARLY, STEP, note, rule=rule, **inputs)
    else:
        note = f"The event came {duration_words(max(elapsed, timedelta(0)))} after the click, within the window."
        if elapsed < timedelta(0):
            note += f" By the sender's clock it came {duration_words(-elapsed)} before: clocks differ."
        case.note(STEP, "passed", note, rule=rule, **inputs)
