"""Find the conversion that a request is about by the click close in time, or by its transaction.

Each step locks the rows that it finds until the transaction ends.
"""

from conversions.intake.case import Case
from conversions.intake.judge.pixels import from_pixel
from conversions.intake.read.dedupe_keys import PIXEL_KEY, counted_by, pixel_key
from conversions.intake.read.parse import finds_its_sale
from conversions.models import Conversion, Goal
from conversions.reasons.codes import Reason

DedupeBy = Goal.DedupeBy
# A known transaction does not need a click again: its status updates ignore these errors.
_EXCUSED = {Reason.MISSING_CLICK_ID, Reason.MISSING_TRANSACTION, Reason.MISSING_REVENUE}


def find_by_click_and_time(cases: list[Case]) -> None:
    """If a click may count again after some time, attach its conversion close in time, else set a separate key."""
    cases = [case for case in _keyed(cases) if counts_again(case)]
    if not cases:
        return
    rows = Conversion.objects.select_for_update().filter(
        advertiser__in={case.postback.advertiser_id for case in cases},
        click_id__in={case.event.click.uuid for case in cases if case.event.click},
        transaction_id="",
    )
    known = list(rows.order_by("pk"))
    for case in cases:
        base = case.dedupe_key
        same = [
            row
            for row in known
            if row.advertiser_id == case.postback.advertiser_id and f"{row.dedupe_key}|".startswith(f"{base}|")
        ]
        case.conversion = next((row for row in same if _is_close(case, row)), None)
        if same and case.conversion is None:
            case.dedupe_key = f"{base}|{case.occurred_at:%Y%m%dT%H%M%S.%f}"


def counts_again(case: Case) -> bool:
    """Whether the click may count again once some time has passed."""
    has_window = case.named_goal is not None and case.named_goal.dedupe_window is not None
    return has_window and not case.event.transaction_id and case.event.click is not None


def _is_close(case: Case, row: Conversion) -> bool:
    window = case.named_goal.dedupe_window if case.named_goal else None
    return window is not None and abs(row.occurred_at - case.occurred_at) < window


def find_by_transaction(cases: list[Case]) -> None:
    """Attach the conversion of the transaction where the goal counts by another key that was not sent; one query."""
    cases = [case for case in _keyed(cases) if case.conversion is None and _is_keyed_otherwise(case)]
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


def find_sales(cases: list[Case]) -> None:
    """Attach the sale to the requests of sources that take it back without saying its goal; one query."""
    cases = [case for case in cases if case.is_open and case.conversion is None and finds_its_sale(case)]
    if not cases:
        return
    rows = Conversion.objects.select_for_update(of=("self",)).filter(
        advertiser__in={case.postback.advertiser_id for case in cases},
        transaction_id__in={case.event.transaction_id for case in cases},
    )
    # Of several goals with one transaction the first counts.
    known = {(row.advertiser_id, row.transaction_id): row for row in rows.select_related("goal").order_by("-pk")}
    for case in cases:
        if row := known.get((case.postback.advertiser_id or 0, case.event.transaction_id)):
            case.conversion, case.is_test = row, row.is_test
            case.event.goal_code, case.named_goal, case.dedupe_key = row.goal.code, row.goal, row.dedupe_key


def _is_keyed_otherwise(case: Case) -> bool:
    """Whether only a transaction was sent although the goal counts by another key: status updates may do so."""
    event, by = case.event, counted_by(case)
    lacks_click = by == DedupeBy.CLICK and event.click is None
    lacks_customer = by == DedupeBy.CUSTOMER and not event.customer_id
    return bool(event.transaction_id) and (lacks_click or lacks_customer)


def find_other_report(cases: list[Case]) -> None:
    """Attach the conversion that the other source reported: a pixel, or the advertiser's server. One query."""
    searched = [(case, key) for case in _keyed(cases) if case.conversion is None and (key := pixel_key(case))]
    if not searched:
        return
    rows = Conversion.objects.select_for_update(of=("self",)).filter(
        advertiser__in={case.postback.advertiser_id for case, _ in searched},
        click_id__in={case.event.click.uuid for case, _ in searched if case.event.click},
        goal__code__in={case.event.goal_code for case, _ in searched},
    )
    known: dict[tuple[object, ...], list[Conversion]] = {}
    for row in rows.select_related("goal").order_by("pk"):
        known.setdefault((row.advertiser_id, *PIXEL_KEY, row.goal.code, row.click_id), []).append(row)
    for case, key in searched:
        case.conversion = next((row for row in known.get(key, []) if _is_other_side(case, row)), None)


def _is_other_side(case: Case, row: Conversion) -> bool:
    """Whether the other side reported this row and it may be the same event: not if their transaction IDs differ."""
    mine, theirs = case.event.transaction_id, row.transaction_id
    is_pixels = row.reported_by == case.postback.Endpoint.PIXEL
    return is_pixels != from_pixel(case) and (not mine or not theirs or mine == theirs)


def excuse_known(cases: list[Case]) -> None:
    """Drop the errors about a missing click, transaction or revenue if the conversion is known."""
    for case in _keyed(cases):
        if case.conversion:
            case.problems = [problem for problem in case.problems if problem.reason not in _EXCUSED]


def _keyed(cases: list[Case]) -> list[Case]:
    return [case for case in cases if case.is_open and case.dedupe_key]


def is_another(case: Case, known: Conversion) -> bool:
    """Whether the goal counts once and this event is not the one that counted: a duplicate, not a contradiction."""
    event, by = case.event, counted_by(case)
    if by == DedupeBy.TRANSACTION:
        return False
    return event.transaction_id != known.transaction_id if event.transaction_id else not event.status
