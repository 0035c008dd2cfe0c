"""Limits for tracebacks and values in the log: an error must not cost more to log than the request itself.

A traceback is cut to its first and last frames, without the values of local variables, which may be secret and large. A
repeated error, as a hostile sender can cause it, is logged in full a few times a second and in one line after that.
"""

import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

MOST_FRAMES = 16
MOST_CAUSES = 3
MOST_CHARACTERS = 8_000
LONGEST_LINE = 400
LONGEST_VALUE = 2_000
FULL_PER_SECOND = 5
# Places in the code whose errors are counted at a time.
MOST_PLACES = 256

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Repeats:
    """Counts, per second, how often each place in the code failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[object, tuple[int, int]] = OrderedDict()

    def count(self, place: object, now: float) -> int:
        """How many errors of this place came in this second, this one included."""
        second = int(now)
        with self._lock:
            begun, number = self._seen.pop(place, (second, 0))
            number = number + 1 if begun == second else 1
            self._seen[place] = (second, number)
            if len(self._seen) > MOST_PLACES:
                self._seen.popitem(last=False)
        return number


_repeats = Repeats()


def bounded(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: replace `exc_info` by a short `exception`, and cut values that are too long."""
    found = _exc_info(event.pop("exc_info", None))
    if found:
        event["exception"] = describe(found, now=time.monotonic())
    for name, value in list(event.items()):
        if isinstance(value, str) and name != "exception":
            event[name] = cut(value, LONGEST_VALUE)
    return event


def _exc_info(given: Any) -> ExcInfo | None:
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple):
        return given if given[0] is not None else None
    current = sys.exc_info() if given else (None, None, None)
    return current if current[0] is not None else None


def describe(found: ExcInfo, *, now: float) -> str:
    """The traceback in at most `MOST_CHARACTERS`; one line for repeated errors."""
    kind, error, trace = found
    place = _place_of(trace)
    if _repeats.count((kind, place), now) > FULL_PER_SECOND:
        return f"{_error_line(error)} at {place[0]}:{place[1]} (repeats; the traceback stands above)"
    return cut("\n".join(_chain(error)), MOST_CHARACTERS)


def _place_of(trace: TracebackType | None) -> tuple[str, int]:
    """File and line of the last frame: where the error was raised."""
    if trace is None:
        return "an unknown place", 0
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename, trace.tb_lineno


def _chain(error: BaseException) -> list[str]:
    """The lines of the error, then of its causes."""
    lines: list[str] = []
    current: BaseException | None = error
    for number in range(MOST_CAUSES):
        if current is None:
            break
        lines += ["Raised from:"] if number else []
        lines += [*_frames(current.__traceback__), _error_line(current)]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def _frames(trace: TracebackType | None) -> list[str]:
    """Where the error passed: all frames, or the first few and the last of many."""
    walked = list(traceback.walk_tb(trace))
    left_out = max(len(walked) - MOST_FRAMES, 0)
    kept = walked if not left_out else [*walked[: MOST_FRAMES // 4], *walked[-MOST_FRAMES * 3 // 4 :]]
    lines = [cut(line.rstrip(), LONGEST_LINE) for line in traceback.StackSummary.extract(iter(kept)).format()]
    if left_out:
        lines.insert(MOST_FRAMES // 4, f"  ... {left_out} frames left out ...")
    return ["Traceback (most recent call last):", *lines]


def _error_line(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - an error whose message cannot be made must still be logged
        message = "(its message cannot be shown)"
    return cut(f"{type(error).__name__}: {message}", LONGEST_LINE)


def cut(text: str, length: int) -> str:
    """The text, or its beginning with how much is missing."""
    return text if len(text) <= length else f"{text[:length]}... ({len(text) - length} characters more)"
