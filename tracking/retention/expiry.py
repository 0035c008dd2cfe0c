"""How long clicks are stored: personal fields are cleared early, whole months are dropped later."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg.errors
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from psycopg import sql

from records.advisory_locks import Lock, try_to_hold
from records.periods import months_after
from tracking.click_id.codec import lowest_uuid
from tracking.retention.partitions import (
    Partition,
    PartitionBusy,
    PartitionNeeded,
    check_droppable,
    count_unmarked,
    drop_partition,
    read_partitions,
)
from tracking.retention.personal_fields import BATCH, ClearingState, Progress, clear_partition, personal_state

log = structlog.get_logger(__name__)

LOCK_WAIT = "60s"
NO_MARKS = "Clicks without marks keep their personal fields until they have them. Check that the worker runs."
_DELETE = """
DELETE FROM {table} WHERE id IN (
    SELECT id FROM {table} WHERE id < %(bound)s AND marked_at IS NOT NULL
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
"""


class RetentionBusy(RuntimeError):
    """A lock was not available in time: a transaction is open for long, a backup for example. Retry later."""


class AnotherRun(RetentionBusy):
    """Another run is in progress."""


@dataclass(frozen=True, slots=True)
class Drop:
    """An expired partition (of the default partition: its expired rows), and why it was not dropped, if so."""

    name: str
    rows: int
    refusal: str = ""


def personal_cutoff(now: datetime) -> datetime | None:
    """Personal fields of clicks before this moment are cleared; None keeps them."""
    return now - timedelta(days=settings.CLICK_PERSONAL_DAYS) if settings.CLICK_PERSONAL_DAYS else None


def rows_cutoff(now: datetime) -> datetime | None:
    """Months that ended by this moment are dropped; None keeps them."""
    return months_after(now, -settings.CLICK_ROW_MONTHS) if settings.CLICK_ROW_MONTHS else None


def apply(*, now: datetime, seconds: float) -> bool:
    """Drop and clear what is due, for about this many seconds; return False if it should run again soon."""
    try:
        if before := rows_cutoff(now):
            for drop in drop_expired(before=before):
                if drop.refusal:
                    log.error("clicks_not_dropped", partition=drop.name, why=drop.refusal)
                else:
                    log.info("clicks_dropped", partition=drop.name, rows=drop.rows)
        before = personal_cutoff(now)
        finished = before is None or clear_personal(before=before, seconds=seconds)[1]
        for partition in due_partitions(before=before) if before and finished else []:
            log.error("clicks_not_cleared", partition=partition.name, why=NO_MARKS)
        return finished
    except RetentionBusy as error:
        log.warning("retention_put_off", why=str(error))
        return isinstance(error, AnotherRun)


def clear_personal(
    *, before: datetime, progress: Progress | None = None, seconds: float | None = None
) -> tuple[int, bool]:
    """Clear the personal fields of marked clicks that were made before the moment, for about so many seconds.

    Return how many clicks were cleared, and whether the end was reached. Runs outside of a transaction. Raise
    `RetentionBusy`.
    """
    until = float("inf") if seconds is None else time.monotonic() + seconds
    cleared = 0
    with _only_run():
        for partition in due_partitions(before=before):
            cleared += clear_partition(partition, before=before, progress=progress, until=until)
            if time.monotonic() > until:
                log.info("clicks_cleared", clicks=cleared, finished=False)
                return cleared, False
    if cleared:
        log.info("clicks_cleared", clicks=cleared, finished=True)
    return cleared, True


def due_partitions(*, before: datetime) -> list[Partition]:
    """Partitions with clicks of before the moment that may have personal fields, the oldest first."""
    return [each for each in read_partitions() if personal_state(each, before=before) is ClearingState.DUE]


def drop_expired(*, before: datetime, dry_run: bool = False) -> Iterator[Drop]:
    """Drop the months that ended by the moment, and delete such rows of the default partition, one after the other.

    With `dry_run` only report. Raise `RetentionBusy`.
    """
    with _only_run():
        for partition in read_partitions():
            if partition.is_default:
                yield from _delete_expired(partition, before=before, dry_run=dry_run)
            elif partition.ends and partition.ends <= before:
                yield _drop(partition, before=before, dry_run=dry_run)


def _drop(partition: Partition, *, before: datetime, dry_run: bool) -> Drop:
    try:
        if dry_run:
            check_droppable(partition, before=before)
        else:
            drop_partition(partition.name, before=before)
    except (PartitionNeeded, PartitionBusy) as refusal:
        return Drop(partition.name, partition.rows, str(refusal))
    return Drop(partition.name, partition.rows)


def _delete_expired(partition: Partition, *, before: datetime, dry_run: bool) -> Iterator[Drop]:
    """Delete the expired rows of the default partition, in batches; the partition itself stays."""
    unmarked, bound = count_unmarked(partition, before=before), lowest_uuid(before)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE id < %s AND marked_at IS NOT NULL").format(partition.table), [bound]
        )
        expired = int(cursor.fetchone()[0])
        while not dry_run:
            cursor.execute(sql.SQL(_DELETE).format(table=partition.table), {"bound": bound, "batch": BATCH})
            if cursor.rowcount < BATCH:
                break
    if expired:
        yield Drop(partition.name, expired)
    if unmarked:
        yield Drop(partition.name, unmarked, f"{unmarked:,} expired clicks without marks. Start the worker.")


@contextmanager
def _only_run() -> Iterator[None]:
    """Allow one run at a time in the whole installation; wait for no lock longer than `LOCK_WAIT`."""
    with try_to_hold(Lock.RETENTION) as is_held:
        if not is_held:
            raise AnotherRun("Another run of the retention is going on. Wait for its end, then try again.")
        with _short_waits():
            yield


@contextmanager
def _short_waits() -> Iterator[None]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_WAIT])
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        why = f"A transaction was open for longer than {LOCK_WAIT}, and an index of clicks must wait for its end."
        raise RetentionBusy(f"{why} Try again later.") from error
    finally:
        # If the connection is gone, so is the setting.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
