"""Monthly partitions of the click table: created ahead of time, listed, and dropped when no longer needed."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg.errors
from django.db import OperationalError, connection, transaction
from psycopg import sql

from tracking.click_id.codec import ClickID, lowest_uuid

# A drop locks the whole click table. New clicks queue behind it while it waits for running queries, so it waits for
# less than a writer's limit (`click_writer.LIMIT`), and is retried instead.
LOCK_WAIT = "300ms"
TRIES = 10
PAUSE = 1.0

_LIST = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), coalesce(pg_total_relation_size(c.oid), 0),
       greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'tracking_click'::regclass AND (%(name)s IS NULL OR c.relname = %(name)s)
"""
_BOUNDS = re.compile(r"FROM \((?:'(?P<first>[0-9a-f-]{36})'|MINVALUE)\) TO \((?:'(?P<last>[0-9a-f-]{36})'|MAXVALUE)\)")


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the click table; the default partition takes the clicks that have no month's partition.

    It has the moments it is for (half-open, UTC; None is without end), an estimate of its rows, and its bytes.
    """

    name: str
    is_default: bool
    starts: datetime | None
    ends: datetime | None
    rows: int
    size: int

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier(self.name)


class PartitionNeeded(ValueError):
    """The partition holds clicks that are too young, or that have no marks yet."""


class PartitionBusy(OperationalError):
    """Queries that use the click table did not end in time. Retry later."""


def owns_clicks() -> bool:
    """Whether this connection's role owns the click table; otherwise functions of the owner do the upkeep."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = 'tracking_click'::regclass"
        )
        return bool(cursor.fetchone()[0])


def make_partitions(*, first_day: date, last_day: date) -> int:
    """Create the monthly partitions that cover the days, both included; return how many were new.

    Clicks that meanwhile went to the default partition are moved. Serialised by an advisory lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracking_make_click_partitions(%s, %s)", [first_day, last_day])
        row = cursor.fetchone()
    return int(row[0])


def make_partitions_ahead(*, today: date) -> int:
    """Keep three months ready, so that a worker that is down for weeks does not stop clicks."""
    return make_partitions(first_day=today, last_day=today + timedelta(days=92))


def read_partitions(*, name: str | None = None) -> list[Partition]:
    """All partitions, or the one of that name; the oldest first and the default partition last."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, {"name": name})
        found = [_partition(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda each: (each.is_default, each.starts or datetime.min.replace(tzinfo=UTC)))


def _partition(name: str, bound: str, size: int, rows: int) -> Partition:
    bounds = _BOUNDS.search(bound)
    return Partition(
        name=name,
        is_default=bounds is None,
        starts=_moment(bounds["first"]) if bounds else None,
        ends=_moment(bounds["last"]) if bounds else None,
        rows=rows,
        size=size,
    )


def _moment(bound: str | None) -> datetime | None:
    try:
        return ClickID(UUID(bound)).made_at if bound else None
    except OverflowError:  # later than any date
        return None


def count_unmarked(partition: Partition, *, before: datetime) -> int:
    """The number of clicks of before the moment without marks; an index has just these."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE marked_at IS NULL AND id < %s").format(partition.table)
    with connection.cursor() as cursor:
        cursor.execute(query, [lowest_uuid(before)])
        return int(cursor.fetchone()[0])


def check_droppable(partition: Partition, *, before: datetime) -> None:
    """Raise `PartitionNeeded` unless all clicks that the partition has, or may get, are older and have their marks."""
    if partition.is_default or partition.ends is None or partition.ends > before:
        raise PartitionNeeded(f"{partition.name} is also for clicks after {before:%Y-%m-%d %H:%M} UTC.")
    if unmarked := count_unmarked(partition, before=before):
        raise PartitionNeeded(
            f"{partition.name} holds {unmarked:,} clicks without marks yet. Start the worker, which completes them."
        )


def drop_partition(name: str, *, before: datetime) -> None:
    """Drop a whole partition of clicks that were made before the moment.

    Raise `PartitionNeeded`, checked before the lock and again under it, or `PartitionBusy` when the lock is not
    available.
    """
    for partition in read_partitions(name=name):
        check_droppable(partition, before=before)
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
                cursor.execute("LOCK TABLE ONLY tracking_click IN ACCESS EXCLUSIVE MODE")
                for partition in read_partitions(name=name):  # one, or none when another run was faster
                    check_droppable(partition, before=before)
                    cursor.execute("SELECT tracking_drop_click_partition(%s)", [partition.name])
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
        else:
            return
    raise PartitionBusy(
        f"{name} could not be dropped: other queries hold the click table. Try again at a quieter hour."
    )
