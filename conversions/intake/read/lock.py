"""Lock the requests of the batch, and the events and customers that they are about, until the transaction ends."""

import json
from datetime import datetime
from typing import Any

from conversions.intake.case import Case
from conversions.intake.read.dedupe_keys import keys_of
from conversions.models import ParkedPostback
from records.advisory_locks import WAIT, Lock, number_of
from records.prepared import array, prepared_cursor

# Keys share so many locks: a large batch cannot exhaust the lock table, and a collision only causes waiting.
LOCKS = 4096
# Rows first, in the order of their IDs, then events in the order of their numbers: two batches never deadlock. The
# locks of events are taken for each row of `requests`, so not before it is there.
_LOCK = f"""
WITH request AS (
    SELECT id, decided_at, outcome, reason, conversion_id FROM conversions_postback
    WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE
), requests AS MATERIALIZED (
    SELECT jsonb_agg(request) AS found FROM request
)
SELECT requests.found::text, (
    SELECT count({WAIT}(%s, n)) FROM unnest(%s::int[]) AS n WHERE requests.found IS NOT NULL
) FROM requests
"""  # noqa: S608 - the function's name alone


def lock_events(cases: list[Case]) -> None:
    """Lock every request, event and customer of the batch; find the requests that were decided meanwhile.

    One statement, two where requests are parked. What is read after it is what the last holder of the locks left.
    """
    numbers = {number_of(repr(key)) % LOCKS for case in cases for key in keys_of(case)}
    with prepared_cursor() as cursor:
        cursor.execute(_LOCK, [array(case.postback.pk for case in cases), Lock.EVENTS, array(sorted(numbers))])
        document = cursor.fetchone()[0]
    found = {row["id"]: row for row in json.loads(document or "[]")}
    parked = _still_parked(cases)
    for case in cases:
        _read_decision(case, found[case.postback.pk])
        case.is_due = case.again or case.postback.decided_at is None or case.postback.pk in parked


def _read_decision(case: Case, row: dict[str, Any]) -> None:
    """Take over the decision in force: another process may have decided meanwhile."""
    postback = case.postback
    postback.decided_at = datetime.fromisoformat(row["decided_at"]) if row["decided_at"] else None
    postback.outcome, postback.reason = row["outcome"], row["reason"]
    if postback.conversion_id != row["conversion_id"]:
        postback.conversion_id = row["conversion_id"]


def _still_parked(cases: list[Case]) -> set[int]:
    """Which of the parked requests no one has decided meanwhile."""
    parked = [row.pk for case in cases if (row := case.parking.row)]
    return set(ParkedPostback.objects.filter(pk__in=parked).values_list("pk", flat=True)) if parked else set()
