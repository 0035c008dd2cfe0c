"""The postback pipeline: three lists of steps, in the order in which they run.

Read: identify the sender and parse the request. Judge: find the conversion, credit an affiliate, and decide whether the
event counts. Write: store the rows and the decision. Each step takes the cases of the batch, adds lines to their
traces, and may stop a case with a reason from the closed list. A step ignores cases that are stopped or do not concern
it. A line of the trace names the step (`by`) and its family (`step`): several steps attribute, for example, and a
correction is part of deduplication.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from conversions.intake.case import Case, Judged, Running
from conversions.intake.judge import (
    attribute,
    correct,
    deduplicate,
    find_known,
    find_origin,
    look_up,
    organic,
    park,
    qualify,
    risk,
    status,
    touches,
)
from conversions.intake.read.authenticate import authenticate
from conversions.intake.read.dedupe_keys import keys_of, set_dedupe_keys
from conversions.intake.read.event_documents import set_event_documents
from conversions.intake.read.legacy import resolve_legacy_clicks
from conversions.intake.read.links import load_links
from conversions.intake.read.lock import lock_events
from conversions.intake.read.parse import parse
from conversions.intake.read.receive import learn_dialects
from conversions.intake.read.references import resolve_references
from conversions.intake.read.test_events import set_tests_apart
from conversions.intake.read.throttle import slow_down
from conversions.intake.write import (
    answer,
    conflicts,
    known_conversions,
    new_conversions,
    parked,
    pixels,
    rows,
    waiting,
)

Step = Callable[[list[Case]], None]

READ: tuple[Step, ...] = (
    learn_dialects,
    authenticate,
    slow_down,
    parse,
    resolve_references,
    resolve_legacy_clicks,
    load_links,
    set_dedupe_keys,
    set_tests_apart,
    set_event_documents,
    lock_events,
)

JUDGE: tuple[Step, ...] = (
    # Find what is stored about it, and the conversion that it is about.
    look_up.look_up_events,
    find_known.find_by_click_and_time,
    find_known.find_by_transaction,
    find_known.find_sales,
    find_known.find_other_report,
    correct.accept_corrections,
    find_known.excuse_known,
    correct.keep_senders_rejections,
    # Find its origin.
    find_origin.find_by_click,
    find_origin.find_by_lock,
    find_origin.find_by_coupon,
    find_origin.report_unknown_origin,
    attribute.find_goals,
    organic.set_organic_aside,
    park.park,
    attribute.refuse_problems,
    # Credit a new event.
    attribute.attribute,
    touches.take_touches,
    attribute.follow_locks,
    touches.credit_first_touches,
    attribute.check_windows,
    touches.note_other_touches,
    # Decide whether it counts.
    correct.compare_corrections,
    deduplicate.pass_new,
    deduplicate.compare_known,
    qualify.hold_back_approvals,
    qualify.qualify,
    risk.weigh_risk,
    status.warn_of_decimals,
    status.set_statuses,
)


WRITE: tuple[Callable[[Judged], None], ...] = (
    # Update known conversions.
    known_conversions.store_senders_rejections,
    known_conversions.write_refunds,
    pixels.replace_pixels_values,
    known_conversions.write_final_amounts,
    known_conversions.change_statuses,
    # Create new ones.
    new_conversions.create_customers,
    new_conversions.create_conversions,
    new_conversions.correct_conversions,
    new_conversions.keep_touches,
    new_conversions.lock_customers,
    new_conversions.move_locks,
    # Store what waits for a person or another event.
    waiting.open_risk_reviews,
    waiting.keep_waiting_approvals,
    waiting.open_waits,
    waiting.re_evaluate_customers,
    # Store the decision.
    answer.keep_first_decisions,
    answer.store_decisions,
    conflicts.open_conflicts,
    parked.keep_parked,
    parked.wake_parked,
    rows.write_rows,
)


def run(cases: list[Case], now: datetime) -> list[int]:
    """Run a batch of stored requests through the lists; return the IDs of the parked postbacks that became due.

    Requests about one event or one customer are judged and written one after the other.
    """
    woken: list[int] = []
    running = Running()
    for case in cases:
        case.running = running
    for step in READ:
        running.step = step.__name__
        step(cases)
    for some in rounds([case for case in cases if case.is_due]):
        for step in JUDGE:
            running.step = step.__name__
            step(some)
        judged = Judged(some, now)
        for write in WRITE:
            running.step = write.__name__
            write(judged)
        woken += judged.woken
    return woken


def rounds(cases: list[Case]) -> Iterator[list[Case]]:
    """Split the batch so that no round has two cases about one event or one customer; their order is kept."""
    last: dict[tuple[object, ...], int] = {}
    found: list[list[Case]] = []
    for case in cases:
        keys = keys_of(case)
        number = max((last[key] + 1 for key in keys if key in last), default=0)
        last.update(dict.fromkeys(keys, number))
        if number == len(found):
            found.append([])
        found[number].append(case)
    yield from found
