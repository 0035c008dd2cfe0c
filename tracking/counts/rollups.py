"""Sums of marked clicks, so that a report over millions of them reads thousands of rows.

A click is added when it gets its marks, in the same transaction and once, because marks are set once (`ADD_MARKED`
follows the UPDATE of `marks.py`). So late clicks, out of a spool, are added to the hour they belong to. Each set of
sums has a row for each link and one for all of them (number 0); many clicks cause one write per row.

`rebuild` makes rows from the clicks again, for days whose clicks are all still stored. It takes the lock that every
writer of hours needs, a day at a time, and then sees a click either marked and added, or neither.
"""

# The texts that make up statements here are constants of this module.
# ruff: noqa: S608

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from records.periods import months_after
from tracking.click_id.codec import lowest_uuid
from tracking.retention.partitions import read_partitions

_HOUR = "date_trunc('hour', clicked_at, 'UTC')"
_DAY = "(clicked_at AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of sums: its key beside the link's number, with the expression over a click that gives each column."""

    table: str
    key: dict[str, str]

    @property
    def _columns(self) -> str:
        return ", ".join(("link_number", *self.key))

    def sums(self, clicks: str) -> str:
        """Rows from clicks, ordered by key: all writers take the row locks in one order."""
        named = ", ".join(f"{expression} AS {column}" for column, expression in self.key.items())
        key = ", ".join(self.key)
        return f"""
            SELECT coalesce(link_id, 0) AS link_number, {key}, count(*) AS clicks,
                count(*) FILTER (WHERE is_bot) AS bots,
                count(*) FILTER (WHERE is_duplicate AND NOT is_bot) AS duplicates
            FROM (SELECT link_id, is_bot, is_duplicate, {named} FROM {clicks}) AS click
            GROUP BY GROUPING SETS ((link_id, {key}), ({key})) ORDER BY {self._columns}
        """  # nosec B608 # names of our own, values are parameters

    def insert(self, clicks: str) -> str:
        return f"INSERT INTO {self.table} AS kept ({self._columns}, clicks, bots, duplicates) {self.sums(clicks)}"

    def add(self, clicks: str) -> str:
        return f"""{self.insert(clicks)} ON CONFLICT ({self._columns}) DO UPDATE SET
            clicks = kept.clicks + excluded.clicks, bots = kept.bots + excluded.bots,
            duplicates = kept.duplicates + excluded.duplicates"""  # nosec B608 # names of our own, values are parameters

    def differences(self, clicks: str) -> str:
        return f"""
            SELECT count(*) FROM ({self.sums(clicks)}) AS made
            FULL JOIN (SELECT * FROM {self.table} WHERE {self.day_range}) AS kept USING ({self._columns})
            WHERE (made.clicks, made.bots, made.duplicates) IS DISTINCT FROM (kept.clicks, kept.bots, kept.duplicates)
        """  # nosec B608 # names of our own, values are parameters

    @property
    def day_range(self) -> str:
        return "hour >= %(starts)s AND hour < %(ends)s" if "hour" in self.key else "day = %(day)s"


HOURS = Rollup("tracking_clickhour", {"hour": _HOUR})
DAYS = Rollup("tracking_clickday", {"day": _DAY})
AUDIENCES = Rollup("tracking_clickaudience", {"day": _DAY, "country": "country", "device": "device"})
ROLLUPS = (HOURS, DAYS, AUDIENCES)

# Follows `WITH marked AS (UPDATE tracking_click ... RETURNING ...)`.
ADD_MARKED = ", ".join(f"{rollup.table}_sums AS ({rollup.add('marked')})" for rollup in ROLLUPS)
# Every writer of sums takes this lock first, as hours come first in `ADD_MARKED`; readers need none.
_LOCK = "LOCK TABLE tracking_clickhour IN SHARE ROW EXCLUSIVE MODE"
_CLICKS = "(SELECT * FROM tracking_click WHERE id >= %(low)s AND id < %(high)s AND marked_at IS NOT NULL) AS stored"


class ClicksGone(ValueError):
    """Clicks of these days may have been dropped: sums made from the rest would be too small."""


def first_whole_day(*, now: datetime) -> date:
    """The first day whose clicks are all still stored."""
    first = min((partition.starts for partition in read_partitions() if partition.starts), default=now)
    if settings.CLICK_ROW_MONTHS:
        # Months that ended by then are dropped, so the month of that moment is the first complete one.
        first = max(first, months_after(now.astimezone(UTC), -settings.CLICK_ROW_MONTHS).replace(day=1))
    return first.astimezone(UTC).date()


def days(*, first: date | None, last: date | None, now: datetime) -> list[date]:
    """The days to check, both ends included; by default all possible ones. Raise `ClicksGone` or ValueError."""
    oldest = first_whole_day(now=now)
    first, last = first or oldest, last or now.astimezone(UTC).date()
    if first < oldest:
        raise ClicksGone(
            f"Clicks of before {oldest} are not stored any more, so their sums stay as they are. Give --from {oldest} "
            "or a later day."
        )
    if last < first:
        raise ValueError(f"The last day, {last}, lies before the first, {first}.")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def compare(*, day: date) -> int:
    """The number of sums of the day that differ from its clicks. Needs no lock: marks and sums appear together."""
    return sum(_differences(rollup, day) for rollup in ROLLUPS)


def rebuild(*, day: date) -> int:
    """Rebuild the day's sums from its clicks where they differ; return how many did.

    Marking waits meanwhile; clicks that it marks afterwards were not marked, and so not counted, here.
    """
    differing = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        for rollup in ROLLUPS:
            if found := _differences(rollup, day):
                cursor.execute(f"DELETE FROM {rollup.table} WHERE {rollup.day_range}", _bounds(day))  # nosec B608 # names of our own, values are parameters
                cursor.execute(rollup.insert(_CLICKS), _bounds(day))
                differing += found
    return differing


def _differences(rollup: Rollup, day: date) -> int:
    with connection.cursor() as cursor:
        cursor.execute(rollup.differences(_CLICKS), _bounds(day))
        return int(cursor.fetchone()[0])


def _bounds(day: date) -> dict[str, Any]:
    starts = datetime.combine(day, time(), UTC)
    ends = starts + timedelta(days=1)
    return {"day": day, "starts": starts, "ends": ends, "low": lowest_uuid(starts), "high": lowest_uuid(ends)}
