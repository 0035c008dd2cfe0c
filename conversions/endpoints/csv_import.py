"""Import events from a CSV file through the same intake as postbacks; each row is a request with its own answer."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from affiliates.models import Advertiser
from conversions.intake import Decision, Received, decide_cases, intake
from conversions.intake.read.receive import receive
from conversions.models import Postback
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

    @property
    def refused(self) -> list[LineAnswer]:
        return [answer for answer in self.answers if answer.http_status >= 400]

    def words(self) -> str:
        """`1,200 rows: 1,150 accepted, 48 duplicate, 2 invalid.`"""
        parts = ", ".join(f"{number:,} {outcome}" for outcome, number in self.counts.most_common())
        return f"{len(self.answers):,} rows: {parts}."

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

    `name` is the file's name and `by` its sender: both are stored with each request. Importing the same file again
    counts nothing twice. `dry` decides each chunk of rows and rolls it back, so a later chunk does not see the rows of
    an earlier one. Raise `FileRefused` if the file is no such file; rows before the error stay imported.
    """
    rows, done = read_table(content).rows, ImportedConversions()
    while chunk := list(islice(rows, CHUNK)):
        batch = [_received(row, advertiser, name, by, now, mapping) for row in chunk]
        decisions = _look(batch, now) if dry else intake(batch, now=now)
        for row, decision in zip(chunk, decisions, strict=True):
            answer = _answer(row.line, decision, dry)
            done.answers.append(answer)
            done.counts[answer.outcome] += 1
        on_progress(len(done.answers))
    return done


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


def _answer(line: int, decision: Decision, dry: bool) -> LineAnswer:
    body = decision.body
    message = " ".join(problem["message"] for problem in body["problems"]) or body["message"]
    kept = ("", "") if dry else (body["conversion_id"] or "", body["postback_id"])
    return LineAnswer(line, decision.http_status, body["outcome"], body["reason"], message, *kept)
