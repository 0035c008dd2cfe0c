"""Import events from a CSV file through the same intake as postbacks; each row is a request with its own answer."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from affiliates.models import Advertiser
from conversions.endpoints.sources import IGNORED
from conversions.endpoints.sources import received as event_of
from conversions.intake import Decision, Received, decide_cases, intake, reference_cache
from conversions.intake.case import Problem
from conversions.intake.read.receive import receive
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.sources.base import FileSource
from conversions.sources.connections import NAME as SOURCE
from conversions.sources.connections import Connected
from records.csv_files import CsvRow, read_table
from records.spreadsheet_cells import csv_text

# Rows that are decided in one transaction.
CHUNK = 500
Progress = Callable[[int], None]


class LineAnswer(NamedTuple):
    """The result of the row that ends on this line of the file."""

    line: int
    http_status: int
    outcome: str
    reason: str
    message: str
    conversion_id: str
    postback_id: str


@dataclass(slots=True)
class ImportedConversions:
    """The results of a file, by outcome; `answers` has an entry for each row."""

    counts: Counter[str] = field(default_factory=Counter)
    answers: list[LineAnswer] = field(default_factory=list)

    def add(self, answer: LineAnswer) -> None:
        self.answers.append(answer)
        self.counts[answer.outcome] += 1

    @property
    def refused(self) -> list[LineAnswer]:
        return [answer for answer in self.answers if answer.http_status >= 400]

    def words(self) -> str:
        """`1,200 rows: 1,150 accepted, 48 duplicate, 2 invalid.`"""
        parts = ", ".join(f"{number:,} {outcome}" for outcome, number in self.counts.most_common())
        rows = len({answer.line for answer in self.answers})
        return f"{rows:,} rows: {parts}."

    def as_csv(self) -> str:
        return csv_text([LineAnswer._fields, *self.answers])


def import_conversions(
    content: bytes,
    *,
    advertiser: Advertiser,
    name: str,
    by: str,
    now: datetime,
    mapping: str = "native",
    dry: bool = False,
    on_progress: Progress = lambda rows: None,
) -> ImportedConversions:
    """Process each row as an event of the advertiser; `mapping` names the columns.

    With the name of a connection to a source, the source reads each row, which may have any number of events. `name` is
    the file's name and `by` its sender: both are stored with each request. Importing the same file again counts nothing
    twice. `dry` decides each chunk of rows and rolls it back, so a later chunk does not see the rows of an earlier one.
    Raise `FileRefused` if the file is no such file; rows before the error stay imported.
    """
    connected = _connected(mapping)
    having = connected.source.header if connected and isinstance(connected.source, FileSource) else frozenset[str]()
    rows, done = read_table(content, having=having).rows, ImportedConversions()
    while chunk := list(islice(rows, CHUNK)):
        events = [
            (row.line, event)
            for row in chunk
            for event in _events(_received(row, advertiser, name, by, now, mapping), row, connected)
        ]
        batch = [event for _, event in events if isinstance(event, Received)]
        decisions = iter(_decide(batch, now, dry))
        for line, event in events:
            done.add(_left_out(line, event) if isinstance(event, str) else _answer(line, next(decisions), dry))
        on_progress(len(done.answers))
    return done


def _decide(batch: list[Received], now: datetime, dry: bool) -> list[Decision]:
    if not batch:
        return []
    return _look(batch, now) if dry else intake(batch, now=now)


def _connected(mapping: str) -> Connected | None:
    """The connection to a source that a file was exported from; None for any other form of columns."""
    return reference_cache.connections().by_name.get(mapping) if mapping.startswith(SOURCE) else None


def _events(received: Received, row: CsvRow, connected: Connected | None) -> list[Received | str]:
    """The events of a row, or why it has none."""
    if connected is None or not isinstance(connected.source, FileSource):
        return [received]
    try:
        read = connected.source.rows(row.values)
    except ValueError as error:
        return [replace(received, problem=Problem(Reason.UNREADABLE, "row", str(error)))]
    counted: list[Received | str] = [event_of(received, each) for each in read.events if connected.counts(each.word)]
    words = ", ".join(sorted({each.word for each in read.events}))
    return counted or [f"No goal is chosen for {words}." if words else read.why_not]


def _received(row: CsvRow, advertiser: Advertiser, name: str, by: str, now: datetime, mapping: str) -> Received:
    return Received(
        endpoint=Postback.Endpoint.CSV,
        method="FILE",
        path=f"{name[:180]}, line {row.line}",
        parameters=list(row.values.items()),
        headers={"imported-by": by},
        ip=None,
        is_secure=True,
        received_at=now,
        mapping=mapping,
        advertiser=advertiser,
    )


def _look(batch: Sequence[Received], now: datetime) -> list[Decision]:
    with transaction.atomic():
        found = decide_cases(receive(list(batch)), now=now)
        transaction.set_rollback(True)
    return found


def _left_out(line: int, why: str) -> LineAnswer:
    return LineAnswer(line, 200, IGNORED, IGNORED, why, "", "")


def _answer(line: int, decision: Decision, dry: bool) -> LineAnswer:
    body = decision.body
    message = " ".join(problem["message"] for problem in body["problems"]) or body["message"]
    kept = ("", "") if dry else (body["conversion_id"] or "", body["postback_id"])
    return LineAnswer(line, decision.http_status, body["outcome"], body["reason"], message, *kept)
