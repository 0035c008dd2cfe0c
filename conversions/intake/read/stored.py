"""The events of stored requests, as they were read when they were decided."""

from collections.abc import Sequence

from conversions.intake.case import Case
from conversions.intake.parsed_event import ParsedEvent, from_document
from conversions.intake.read.parse import parse
from conversions.intake.read.receive import learn_dialects, reopen
from conversions.models import Postback


def events_of(rows: Sequence[Postback]) -> list[ParsedEvent]:
    """The event of each request.

    Requests without a document, or with one of another version, are parsed again and need their advertisers. At most
    one query.
    """
    found = {row.pk: event for row in rows if (event := from_document(row.event))}
    missing = [row for row in rows if row.pk not in found]
    return [found[row.pk] for row in rows] if not missing else _with_parsed(rows, found, missing)


def _with_parsed(
    rows: Sequence[Postback], found: dict[int, ParsedEvent], missing: Sequence[Postback]
) -> list[ParsedEvent]:
    cases: list[Case] = [reopen(row) for row in missing]
    learn_dialects(cases)
    for case in cases:
        case.advertiser = case.postback.advertiser
    parse(cases)
    parsed = {case.postback.pk: case.event for case in cases}
    return [found.get(row.pk) or parsed[row.pk] for row in rows]
