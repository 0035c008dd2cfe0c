"""The time that the sender gave. A day without a time is the whole day: it is not before a click of that day."""

from datetime import datetime, timedelta

from conversions.intake.case import REPAIRED, Case
from conversions.reasons.codes import Reason
from conversions.values import read_moment
from records.words import counted

STEP = "parse"
FUTURE, SKEW = timedelta(days=1), timedelta(minutes=5)
DAY = timedelta(days=1)


def moment_of(case: Case, text: str) -> datetime | None:
    """The time of the event. Warn if it is ahead of our clock; refuse it if it is more than a day ahead."""
    if not text:
        return None
    mapping = case.mapping
    if text.lower() in mapping.now_words:
        return case.postback.received_at
    found = read_moment(text, mapping.time_format, mapping.time_zone)
    if found is None:
        form = f" as {mapping.time_format}" if mapping.time_format else ""
        case.report(Reason.BAD_TIMESTAMP, "timestamp", f"{text} is not a time that can be read{form}.", text)
        return None
    ahead = found.at - case.postback.received_at
    if ahead > FUTURE:
        message = f"{text} is {found.at:%Y-%m-%d %H:%M} UTC: more than a day ahead."
        case.report(Reason.BAD_TIMESTAMP, "timestamp", message, text)
        return None
    if ahead > SKEW and not found.is_day:
        minutes = counted(int(ahead.total_seconds() // 60), "minute")
        note = f"timestamp is {minutes} ahead of our clock. Set the sender's clock, or send UTC."
        case.note(STEP, REPAIRED, note, rule="clock")
    case.is_dated = found.is_day
    return found.at


def settle_day(case: Case) -> None:
    """Let an event that names a day alone happen at its click, if the click was made on that day."""
    event = case.event
    if not (case.is_dated and event.click and event.occurred_at):
        return
    clicked_at = event.click.made_at
    if event.occurred_at <= clicked_at < event.occurred_at + DAY:
        event.occurred_at = clicked_at
        note = "timestamp has no time: on the day of the click, the event counts as made with it. Send the time too."
        case.note(STEP, REPAIRED, note, rule="a day alone")
