"""Decode the events of a bulk request's body one by one, none larger than a postback.

Events are counted while they are decoded. So no more of an invalid body is decoded than is accepted, and other threads
get their turn in between.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from conversions.reasons.codes import Reason

MAX_EVENTS = 10_000
# Characters of one event, and lines of a body with one event per line (blank lines and CRLF counted).
MAX_EVENT, MAX_LINES = 64 * 1024, 4 * MAX_EVENTS
NOT_EVENTS = 'Send a JSON array of events, or {"events": [...]}.'

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
_BLANKS = re.compile(r"[ \t\r\n]*")


class BulkRefused(ValueError):
    """The request as a whole is refused and none of its events was processed; `reason` is the reason code."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read_events(body: bytes, content_type: str) -> list[Any]:
    """Decode the events of a body; numbers stay text as sent. Raise `Refused` if the body is not a list of events."""
    try:
        if "ndjson" in content_type or "jsonl" in content_type:
            return [*_lines(body)]
        return [*_Text(body.decode(json.detect_encoding(body), "surrogatepass")).events()]
    except BulkRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise BulkRefused(Reason.UNREADABLE, f"The body is not valid JSON: {error}.") from error


def _lines(body: bytes) -> Iterator[Any]:
    if body.count(b"\n") + body.count(b"\r") > MAX_LINES:
        raise BulkRefused(Reason.TOO_LARGE, f"More than {MAX_LINES:,} lines in one request. Split them.")
    number = 0
    for line in body.splitlines():
        if line.strip():
            number += 1
            _check_number(number)
            if len(line) > MAX_EVENT:
                raise _too_long(number)
            yield json.loads(line, parse_float=str, parse_int=str, parse_constant=str)


class _Text:
    """The text of a body, read from its beginning."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def events(self) -> Iterator[Any]:
        if self._takes("["):
            yield from self._list()
        elif self._takes("{"):
            yield from self._events_of_object()
        else:
            self._value(1)
            raise BulkRefused(Reason.UNREADABLE, NOT_EVENTS)
        self._skip_blanks()
        if self._at < len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, self._at)

    def _events_of_object(self) -> list[Any]:
        """The list `events` of an object; if there are several, the last, as JSON is usually read."""
        found: list[Any] | None = None
        is_first = True
        while not self._takes("}"):
            if not is_first:
                self._must(",")
            name = self._value(0)
            if not isinstance(name, str):
                raise json.JSONDecodeError("Expecting a name in double quotes", self._text, self._at)
            self._must(":")
            if name == "events":
                found = [*self._list()] if self._takes("[") else None
            if name != "events" or found is None:
                self._value(0)
            is_first = False
        if found is None:
            raise BulkRefused(Reason.UNREADABLE, NOT_EVENTS)
        return found

    def _list(self) -> Iterator[Any]:
        if self._takes("]"):
            return
        number = 1
        while True:
            _check_number(number)
            yield self._value(number)
            if self._takes("]"):
                return
            self._must(",")
            number += 1

    def _value(self, number: int) -> Any:
        self._skip_blanks()
        part = self._text[self._at : self._at + MAX_EVENT]
        try:
            value, length = _DECODER.raw_decode(part)
        except json.JSONDecodeError as error:
            if len(part) == MAX_EVENT:
                raise _too_long(number) from error
            raise json.JSONDecodeError(error.msg, self._text, self._at + error.pos) from error
        self._at += length
        return value

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _takes(self, sign: str) -> bool:
        self._skip_blanks()
        is_there = self._text.startswith(sign, self._at)
        self._at += is_there
        return is_there

    def _must(self, sign: str) -> None:
        if not self._takes(sign):
            raise json.JSONDecodeError(f"Expecting '{sign}'", self._text, self._at)


def _check_number(number: int) -> None:
    if number > MAX_EVENTS:
        raise BulkRefused(Reason.TOO_LARGE, f"More than {MAX_EVENTS:,} events in one request. Split them.")


def _too_long(number: int) -> BulkRefused:
    which = f"Event {number:,}" if number else "A value beside the events"
    return BulkRefused(Reason.TOO_LARGE, f"{which} is larger than {MAX_EVENT // 1024} KB, or is no valid JSON.")
