"""Decide stored requests again: after a setting was fixed, or to check that nothing would change.

The request itself is never changed; each replay adds a trace. A replay cannot count an event a second time: the same
keys, locks and constraints apply. Windows use the request's own times.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from conversions.intake import decide_cases
from conversions.intake.case import Case, Decision
from conversions.intake.facts import changes_of
from conversions.intake.parsed_event import ParsedEvent, from_document
from conversions.intake.read.receive import reopen
from conversions.models import ParkedPostback, Postback

# Requests that are decided in one transaction.
CHUNK = 200


class Replayed(NamedTuple):
    """One request before and after: outcome and reason of each, and in words what is read differently now."""

    postback: Postback
    before: tuple[str, str]
    after: tuple[str, str]
    decision: Decision | None
    note: str
    changes: str = ""

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def replay(postbacks: Sequence[Postback], *, by: str, now: datetime, dry: bool = False) -> list[Replayed]:
    """Decide up to `CHUNK` requests again, in the order of their arrival; `dry` rolls everything back afterwards.

    `by` says who asked, for the trace. A parked request is left alone: the event that it needs decides it.
    """
    rows = sorted(postbacks, key=lambda row: row.pk)
    before = {row.pk: (str(row.outcome), str(row.reason)) for row in rows}
    parked = set(ParkedPostback.objects.filter(postback__in=rows).values_list("postback_id", flat=True))
    events = {row.pk: from_document(row.event) for row in rows}
    cases = [_case(row, by) for row in rows if row.pk not in parked]
    with transaction.atomic():
        found = decide_cases(cases, now=now, again=True)
        if dry:
            transaction.set_rollback(True)
    decisions = {case.postback.pk: decision for case, decision in zip(cases, found, strict=True)}
    changes = {case.postback.pk: _changes(events[case.postback.pk], case) for case in cases}
    return [_replayed(row, before[row.pk], decisions.get(row.pk), changes.get(row.pk, "")) for row in rows]


def _case(row: Postback, by: str) -> Case:
    case = reopen(row)
    case.note("replay", "again", f"Decided again by {by}; before it was {row.outcome or 'undecided'}.", rule="replay")
    return case


def _changes(before: ParsedEvent | None, case: Case) -> str:
    """In words, what is read differently; empty for a request that was not read, before or now."""
    after = from_document(case.document)
    return changes_of(before, after) if before and after else ""


def _replayed(row: Postback, before: tuple[str, str], decision: Decision | None, changes: str) -> Replayed:
    if decision is None:
        return Replayed(row, before, before, None, "It is parked and waits for another event.")
    body = decision.body
    return Replayed(row, before, (str(body["outcome"]), str(body["reason"])), decision, str(body["message"]), changes)
