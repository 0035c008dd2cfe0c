"""The personal fields of a click, and how they are cleared from millions of clicks.

Clearing is an UPDATE in small batches in order of time. Each batch is its own commit, followed by a pause: capture and
marks continue beside it, and a run that was stopped is simply started again. No progress is stored. A partition whose
first clicks are due gets an index over just those rows that still have personal fields; the rows in that index are left
to do. An empty index shows that a month is done without reading the month, and a click that arrives late (out of a
spool, out of an import) is found again. Months with no click due have no such index, so capture does not pay for it.

A click without marks keeps its fields until it has them: without a user agent a person would be marked as a bot.

An UPDATE leaves the row's old version behind. A VACUUM after each tenth of a month, and at the end of a run, frees its
space for the rows that are cleared next, which are shorter than what they replace: so a month does not grow by more
than a tenth. `compact` rewrites a finished month, which returns the free space in its rows and indexes to the disk; it
locks that month, so a person decides when.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from django.db import connection
from psycopg import sql

from tracking.click_id.codec import lowest_uuid
from tracking.retention.partitions import LOCK_WAIT, Partition, owns_clicks

# Cleared together, by CLEAR; the affiliates' own labels are not our data about a person.
PERSONAL = ("ip", "user_agent", "referrer", "visitor")
CLEAR = sql.SQL("ip = NULL, user_agent = '', referrer = '', visitor = NULL")
HAS_PERSONAL = sql.SQL("(ip IS NOT NULL OR user_agent <> '' OR referrer <> '' OR visitor IS NOT NULL)")

BATCH = 5_000
# The fewest clicks cleared between two VACUUMs: each one reads all indexes of the month.
VACUUM_AFTER = 50_000
# Seconds of pause for each second of work.
REST = 0.5
# If the index of a cleared month is larger than so many bytes, it is rebuilt.
INDEX_SIZE = 1_000_000

MAINTAIN_SINCE = 170_000

_INDEX = """
SELECT i.indisvalid, pg_relation_size(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relname = %(index)s AND t.relname = %(table)s AND t.relispartition AND pg_table_is_visible(t.oid)
"""
_CLEAR = """
WITH due AS MATERIALIZED (
    SELECT clicked_at, id FROM {table}
    WHERE (clicked_at, id) > (%(moment)s, %(id)s) AND clicked_at < %(before)s AND {has_personal}
          AND marked_at IS NOT NULL
    ORDER BY clicked_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), cleared AS (
    UPDATE {table} AS click SET {clear} FROM due WHERE click.id = due.id
)
SELECT clicked_at, id, (SELECT count(*) FROM due) FROM due ORDER BY clicked_at DESC, id DESC LIMIT 1
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Called with a partition's name, the number of clicks done and the total.
Progress = Callable[[str, int, int], None]


class ClearingState(StrEnum):
    KEPT = "kept"
    DUE = "due"
    PARTLY = "cleared in part"
    CLEARED = "cleared"


class NotCleared(ValueError):
    """The month still has personal fields: it is not rewritten twice."""


class NotTheOwner(ValueError):
    """The database lets only the owner of the click table rewrite a month."""


def personal_state(partition: Partition, *, before: datetime | None) -> ClearingState:
    """The state of the partition's personal fields, if those of clicks before the moment are due.

    The probes are ordered by the key of the one index that answers each at once, so that none reads a month.
    """
    index = _index(partition)
    is_indexed = index is not None and index[0]
    if is_indexed and not _any("SELECT 1 FROM {table} WHERE {has_personal} ORDER BY clicked_at LIMIT 1", partition):
        return ClearingState.CLEARED
    if before is None or (partition.starts and partition.starts >= before):
        return ClearingState.KEPT
    if is_indexed:
        due = "SELECT 1 FROM {table} WHERE {has_personal} AND clicked_at < %(before)s ORDER BY clicked_at LIMIT 1"
        return ClearingState.DUE if _any(due, partition, before=before) else ClearingState.PARTLY
    due = "SELECT 1 FROM {table} WHERE id < %(bound)s ORDER BY id LIMIT 1"
    return ClearingState.DUE if _any(due, partition, bound=lowest_uuid(before)) else ClearingState.KEPT


def clear_partition(
    partition: Partition, *, before: datetime, progress: Progress | None = None, until: float = float("inf")
) -> int:
    """Clear the personal fields of the partition's marked clicks of before the moment; return how many clicks.

    Stops at `until` (of `time.monotonic`). Runs outside of a transaction.
    """
    _make_index(partition)
    total = count_personal(partition, before=before) if progress else 0
    place, done, vacuumed = (EPOCH, UUID(int=0)), 0, 0
    while time.monotonic() < until or not done:
        started = time.monotonic()
        batch = _row(_CLEAR, partition, moment=place[0], id=place[1], before=before, batch=BATCH)
        if batch is None:
            break
        place, done = (batch[0], batch[1]), done + batch[2]
        if progress:
            progress(partition.name, done, max(total, done))
        if done - vacuumed > max(partition.rows / 10, VACUUM_AFTER):
            _execute("VACUUM (SKIP_LOCKED) {table}", partition)
            vacuumed = done
        time.sleep((time.monotonic() - started) * REST)
    _tidy(partition, cleared=done)
    return done


def count_personal(partition: Partition, *, before: datetime) -> int:
    """The number of clicks before the moment that have personal fields. May read the whole month."""
    query = "SELECT count(*) FROM {table} WHERE clicked_at < %(before)s AND {has_personal}"
    found = _row(query, partition, before=before)
    return int(found[0]) if found else 0


def _tidy(partition: Partition, *, cleared: int) -> None:
    if cleared:
        _execute("VACUUM (SKIP_LOCKED, ANALYZE) {table}", partition)
    index = _index(partition)
    if index and index[1] > INDEX_SIZE and personal_state(partition, before=None) is ClearingState.CLEARED:
        # Not REINDEX: if stopped half way it leaves an unused index behind. If this is stopped, the missing index is
        # made again.
        if owns_clicks():
            _execute("DROP INDEX CONCURRENTLY {index}", partition)
            _make_index(partition)
        else:
            _make_index_as_owner(partition)


def compact(partition: Partition) -> None:
    """Rewrite a month that is cleared, which returns its free space to the disk.

    Only the month is locked meanwhile, also for reading. Raise `NotCleared`, `NotTheOwner`; OperationalError when the
    lock is not available at once.
    """
    if not _may_vacuum():
        raise NotTheOwner(
            "Before PostgreSQL 17 only the owner of the tables can rewrite a month. Run this command with the address "
            "of DATABASE_OWNER_URL as DATABASE_URL."
        )
    if personal_state(partition, before=None) is not ClearingState.CLEARED:
        raise NotCleared(f"{partition.name} is not cleared of personal fields yet: only a cleared month is rewritten.")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [LOCK_WAIT])
        try:
            cursor.execute(_composed("VACUUM (FULL, ANALYZE) {table}", partition))
        finally:
            cursor.execute("RESET lock_timeout")


def _may_vacuum() -> bool:
    """Before PostgreSQL 17 there is no right to maintain another role's table: VACUUM would only leave a warning."""
    connection.ensure_connection()
    return connection.connection.info.server_version >= MAINTAIN_SINCE or owns_clicks()


def _index(partition: Partition) -> tuple[bool, int] | None:
    """Whether the index over personal rows is complete, and its bytes; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEX, {"index": _index_name(partition), "table": partition.name})
        found: tuple[bool, int] | None = cursor.fetchone()
    return found


def _index_name(partition: Partition) -> str:
    return f"{partition.name}_personal"


def _make_index(partition: Partition) -> None:
    """Create the index; one that a stopped run left incomplete is made again."""
    index = _index(partition)
    if not owns_clicks():
        if not index or not index[0]:
            _make_index_as_owner(partition)
        return
    if index and not index[0]:
        _execute("DROP INDEX CONCURRENTLY IF EXISTS {index}", partition)
    if not index or not index[0]:
        _execute("CREATE INDEX CONCURRENTLY {index} ON {table} (clicked_at, id) WHERE {has_personal}", partition)


def _make_index_as_owner(partition: Partition) -> None:
    """Create it in one transaction: a function cannot do so concurrently, so late clicks of that month wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracking_index_click_partition(%s)", [partition.name])


def _composed(query: LiteralString, partition: Partition) -> sql.Composed:
    return sql.SQL(query).format(
        table=partition.table, index=sql.Identifier(_index_name(partition)), has_personal=HAS_PERSONAL, clear=CLEAR
    )


def _execute(query: LiteralString, partition: Partition) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_composed(query, partition))


def _row(query: LiteralString, partition: Partition, **parameters: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_composed(query, partition), parameters)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


def _any(query: LiteralString, partition: Partition, **parameters: Any) -> bool:
    return _row(query, partition, **parameters) is not None
