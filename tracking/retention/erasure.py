"""Erase the stored data of one visitor, when that person requests it.

The clicks stay, without their personal fields (`personal_fields.PERSONAL`), because commissions rest on them. The
affiliate's own labels (sub IDs, aff_click_id) are the affiliate's data and stay too. Only data of this app is changed;
`docs/personal-data.md` lists what other apps store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from tracking.capture import quarantine, spool
from tracking.click_id.codec import lowest_uuid
from tracking.retention.partitions import Partition, read_partitions
from tracking.retention.personal_fields import CLEAR, HAS_PERSONAL, PERSONAL, ClearingState, Progress, personal_state

Network = IPv4Network | IPv6Network


class CannotErase(RuntimeError):
    """Clicks outside of the database may be this visitor's: the erasure would not be complete."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The clicks to erase: of a visitor's cookie, of an address or network, or one click; half-open in time."""

    visitor: UUID | None = None
    network: Network | None = None
    click: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def condition(self) -> sql.Composed:
        parts = []
        if self.visitor:
            parts.append(sql.SQL("visitor = {}").format(self.visitor))
        if self.network:
            parts.append(sql.SQL("ip <<= {}::inet").format(str(self.network)))
        if self.click:
            parts.append(sql.SQL("id = {}").format(self.click))
        if not parts:
            raise ValueError("Say whose clicks: a visitor's, an address' or one.")
        if self.since:
            parts.append(sql.SQL("id >= {}").format(lowest_uuid(self.since)))
        if self.until:
            parts.append(sql.SQL("id < {}").format(lowest_uuid(self.until)))
        return sql.SQL(" AND ").join(parts)

    def reaches(self, partition: Partition) -> bool:
        """Whether the partition's time may include such clicks."""
        too_late = self.until and partition.starts and partition.starts >= self.until
        too_early = self.since and partition.ends and partition.ends <= self.since
        return not (too_late or too_early)

    def includes(self, refused: quarantine.RefusedClick) -> bool:
        """The same condition, for a click in a file. An unreadable click may belong to any visitor."""
        values, key = refused.values, refused.key
        if key is None:
            return True
        if self.visitor and _uuid(values.get("visitor")) != self.visitor:
            return False
        if self.network and not _within(values.get("ip"), self.network):
            return False
        if self.click and key != self.click:
            return False
        too_early = self.since and key < lowest_uuid(self.since)
        too_late = self.until and key >= lowest_uuid(self.until)
        return not (too_early or too_late)


@dataclass(frozen=True, slots=True)
class Erased:
    """The content of a partition, found or erased: clicks, how many had each field, and the first's and last's time."""

    partition: str
    clicks: int
    fields: dict[str, int]
    first: datetime
    last: datetime


_FIND = """
WITH found AS MATERIALIZED (
    SELECT id, clicked_at, ip IS NOT NULL AS ip, user_agent <> '' AS user_agent, referrer <> '' AS referrer,
           visitor IS NOT NULL AS visitor
    FROM {table} WHERE {condition} AND {has_personal} {rest}
) {erased}
SELECT count(*), min(clicked_at), max(clicked_at), {counts} FROM found
"""
_ERASED = ", erased AS (UPDATE {table} AS click SET {clear} FROM found WHERE click.id = found.id)"
_COUNT = "count(*) FILTER (WHERE {})"


def find(whose: Whose, *, progress: Progress | None = None) -> Iterator[Erased]:
    """The stored data of this visitor, by partition; nothing is changed."""
    return _each_partition(whose, sql.SQL(""), sql.SQL(""), progress)


def erase(whose: Whose, *, progress: Progress | None = None) -> Iterator[Erased]:
    """Clear the personal fields of these clicks, a partition and a commit at a time; a second run finds nothing.

    Clicks without marks keep their fields: see `check_marks`.
    """
    return _each_partition(whose, sql.SQL("AND marked_at IS NOT NULL FOR UPDATE"), sql.SQL(_ERASED), progress)


def _each_partition(whose: Whose, rest: sql.SQL, erased: sql.SQL, progress: Progress | None) -> Iterator[Erased]:
    """Only the key and the link are indexed: each month that still has personal fields is read."""
    partitions = [each for each in read_partitions() if whose.reaches(each)]
    counts = sql.SQL(", ").join(sql.SQL(_COUNT).format(sql.Identifier(name)) for name in PERSONAL)
    for number, partition in enumerate(partitions, 1):
        if personal_state(partition, before=None) is not ClearingState.CLEARED:
            parts = {"table": partition.table, "clear": CLEAR}
            query = sql.SQL(_FIND).format(
                **parts,
                condition=whose.condition,
                has_personal=HAS_PERSONAL,
                counts=counts,
                rest=rest,
                erased=erased.format(**parts),
            )
            clicks, first, last, *fields = _row(query)
            if clicks:
                yield Erased(partition.name, clicks, dict(zip(PERSONAL, fields, strict=True)), first, last)
        if progress:
            progress("Months looked at", number, len(partitions))


def _row(query: sql.Composed) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return tuple(cursor.fetchone() or ())


def check_marks(whose: Whose) -> None:
    """Raise `CannotErase` while some of these clicks have no marks: without a user agent a person looks like a bot."""
    query = sql.SQL("SELECT count(*) FROM tracking_click WHERE marked_at IS NULL AND {} AND {}")
    (unmarked,) = _row(query.format(whose.condition, HAS_PERSONAL))
    if unmarked:
        raise CannotErase(
            f"{unmarked:,} of these clicks have no marks yet, which need what is to be cleared. They get them within "
            "seconds while the worker runs: run this again."
        )


def check_files(whose: Whose, directory: Path) -> None:
    """Raise `CannotErase`, with what to do, when files of the spool may have clicks of this visitor.

    Raise OSError when the spool cannot be read.
    """
    quarantine.check_readable(directory)
    state = spool.state(directory)
    if state.segments:
        raise CannotErase(
            f"Clicks wait in {directory} for the database ({state.segments} segments), and some may be this visitor's. "
            "See `manage.py spool`; when they are drained, run this again."
        )
    if meant := [refused.path.name for refused in quarantine.refused_clicks(directory) if whose.includes(refused)]:
        raise CannotErase(
            "Clicks that are or may be this visitor's are among those that the database refused: "
            f"{', '.join(meant)} in {directory / spool.QUARANTINE}. Try `manage.py spool --retry-quarantine`, or "
            "delete these files."
        )
    if damaged := quarantine.damaged_segments(directory):
        raise CannotErase(
            f"{', '.join(path.name for path in damaged)} in {directory / spool.QUARANTINE} may hold clicks of this "
            "visitor. What is whole in it is in the database already: look at it, delete it, and run this again."
        )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _within(text: str | None, network: Network) -> bool:
    try:
        return bool(text) and ip_address(text or "") in network
    except ValueError:
        return False
