"""The number of clicks by day, hour, link, country or device. Exact at any moment, in any time zone.

Whole hours and days (UTC) come from the rollups. The rest is counted in the click table: the edges of a period, days
that begin within an hour in the reader's time zone, and clicks that have no marks yet. One statement reads all of it,
so a click that gets its marks meanwhile is counted once.

`links` are the numbers of links to count for; None counts for all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from django.db import connection

from tracking.click_id.codec import lowest_uuid
from tracking.models import ALL_LINKS

# The texts that make up statements here are constants of this module.
# ruff: noqa: S608

HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Links = Collection[int] | None
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class ClickCounts:
    """Clicks, and how many of them were bots, or further clicks of the same visitor (that were no bots).

    Clicks without marks yet are neither.
    """

    clicks: int = 0
    bots: int = 0
    duplicates: int = 0

    @property
    def unique(self) -> int:
        """The rest, which payments are based on: neither bots nor duplicates."""
        return self.clicks - self.bots - self.duplicates

    def __add__(self, other: "ClickCounts") -> "ClickCounts":
        return ClickCounts(self.clicks + other.clicks, self.bots + other.bots, self.duplicates + other.duplicates)


def total(*, since: datetime, until: datetime, links: Links = None) -> ClickCounts:
    return by_moments(moments=[since, until], links=links)[0]


def by_day(*, first_on: date, last_on: date, zone: tzinfo, links: Links = None) -> dict[date, ClickCounts]:
    """Each day of the time zone from the first to the last, both included, also those without clicks."""
    days = [first_on + timedelta(days=number) for number in range((last_on - first_on).days + 1)]
    moments = [datetime.combine(on, time(), zone) for on in (*days, last_on + timedelta(days=1))]
    return dict(zip(days, by_moments(moments=moments, links=links), strict=True))


def by_hour(*, since: datetime, until: datetime, links: Links = None) -> dict[datetime, ClickCounts]:
    """Each hour (UTC) from its start, also those without clicks; the first and the last may be cut short."""
    moments = [since.astimezone(UTC)]
    while moments[-1] < until:
        moments.append(min(_floor(moments[-1], HOUR) + HOUR, until))
    return dict(zip(moments[:-1], by_moments(moments=moments, links=links), strict=True))


def by_moments(*, moments: Sequence[datetime], links: Links = None) -> list[ClickCounts]:
    """Counts between each moment and the next one. Moments are aware and ascend."""
    slot = "width_bucket({}, %(moments)s::timestamptz[])".format
    keys = {DAYS: slot("day::timestamp AT TIME ZONE 'UTC'"), HOURS: slot("hour"), CLICKS: slot("clicked_at")}
    found = _read(keys, moments, links)
    return [found.get(number, ClickCounts()) for number in range(1, len(moments))]


def by_link(*, since: datetime, until: datetime, links: Links = None) -> dict[int, ClickCounts]:
    """Counts of the links that were clicked."""
    return _read({DAYS: "link_number", HOURS: "link_number", CLICKS: "link_id"}, [since, until], links, each_link=True)


def by_country(*, since: datetime, until: datetime, links: Links = None) -> dict[str, ClickCounts]:
    """Counts by country code; an empty one where the country is not known (yet)."""
    return _read({AUDIENCES: "country", CLICKS: "country"}, [since, until], links)


def by_device(*, since: datetime, until: datetime, links: Links = None) -> dict[str, ClickCounts]:
    """Counts by class of device (see `agents.Agent`); an empty one where it is not known (yet)."""
    return _read({AUDIENCES: "device", CLICKS: "device"}, [since, until], links)


@dataclass(frozen=True, slots=True)
class _Source:
    """A source of clicks: a rollup by its step in time, or the clicks themselves."""

    table: str
    column: str
    type: str
    step: timedelta

    def part(self, key: str, condition: str, spans: list[Span]) -> tuple[str, dict[str, Any]]:
        """A SELECT of counts by key within the spans, and its parameters.

        With one span in the statement the database knows how large it is. Several are read one by one, each as a range
        of an index; with a plain join the database may read the whole table.
        """
        made = {"date": datetime.date, "uuid": lowest_uuid}.get(self.type, datetime.isoformat)
        lows, highs = [made(low) for low, _ in spans], [made(high) for _, high in spans]
        is_one = len(spans) == 1
        edges = {f"{self.table}_low": lows[0] if is_one else lows, f"{self.table}_high": highs[0] if is_one else highs}
        low, high = (f"%({name})s::{self.type}" for name in edges) if is_one else ("span.low", "span.high")
        counts = f"""
            SELECT {key} AS key, {_SUMS if self.step else _COUNTS} FROM {self.table}
            WHERE {self.column} >= {low} AND {self.column} < {high} AND {condition} GROUP BY 1
        """  # nosec B608 # of our own names, values are parameters
        if not is_one:
            named = ", ".join(f"%({name})s::{self.type}[]" for name in edges)
            counts = f"SELECT found.* FROM unnest({named}) AS span(low, high) CROSS JOIN LATERAL ({counts}) AS found"  # nosec B608 # names of our own, values are parameters
        return counts, edges


_SUMS = "sum(clicks) AS clicks, sum(bots) AS bots, sum(duplicates) AS duplicates"
_COUNTS = (
    "count(*) AS clicks, count(*) FILTER (WHERE is_bot) AS bots, "
    "count(*) FILTER (WHERE is_duplicate AND NOT is_bot) AS duplicates"
)
DAYS = _Source("tracking_clickday", "day", "date", timedelta(days=1))
AUDIENCES = _Source("tracking_clickaudience", "day", "date", timedelta(days=1))
HOURS = _Source("tracking_clickhour", "hour", "timestamptz", HOUR)
CLICKS = _Source("tracking_click", "id", "uuid", timedelta(0))


def _read(
    keys: dict[_Source, str], moments: Sequence[datetime], links: Links, *, each_link: bool = False
) -> dict[Any, ClickCounts]:
    """Counts by key. The sources are listed from the coarsest to the finest, with the expression of the key in each."""
    moments = [moment.astimezone(UTC) for moment in moments]
    parameters: dict[str, Any] = {"moments": moments, "links": [ALL_LINKS] if links is None else list(links)}
    parameters |= {"since": lowest_uuid(moments[0]), "until": lowest_uuid(moments[-1])}
    of_links = "link_id = ANY(%(links)s::bigint[])" if links is not None else "true"
    of_sums = f"link_number <> {ALL_LINKS}" if each_link and links is None else "link_number = ANY(%(links)s::bigint[])"
    parts = [f"SELECT {keys[CLICKS]} AS key, {_COUNTS} FROM tracking_click WHERE {_UNMARKED} AND {of_links} GROUP BY 1"]  # nosec B608 # names of our own, values are parameters
    for source, spans in _cover(list(keys), moments).items():
        if spans:
            condition = f"marked_at IS NOT NULL AND {of_links}" if source is CLICKS else of_sums
            part, edges = source.part(keys[source], condition, spans)
            parts.append(part)
            parameters |= edges
    return _added(" UNION ALL ".join(parts), parameters)


_UNMARKED = "marked_at IS NULL AND id >= %(since)s AND id < %(until)s"


def _added(parts: str, parameters: dict[str, Any]) -> dict[Any, ClickCounts]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT key, sum(clicks), sum(bots), sum(duplicates) FROM ({parts}) AS part GROUP BY 1",  # nosec B608 # names of our own, values are parameters
            parameters,  # nosec B608 # names of our own, values are parameters
        )
        return {key: ClickCounts(*map(int, numbers)) for key, *numbers in cursor.fetchall()}


def _cover(sources: list[_Source], moments: Sequence[datetime]) -> dict[_Source, list[Span]]:
    """The spans of time to count in each source, so that each moment is covered once and as coarsely as possible."""
    spans: dict[_Source, list[Span]] = {source: [] for source in sources}
    for starts, ends in pairwise(moments):
        _cut(starts, ends, sources, spans)
    return spans


def _cut(starts: datetime, ends: datetime, sources: list[_Source], spans: dict[_Source, list[Span]]) -> None:
    """Assign whole units to the first source, and the rest on both sides of them to the others."""
    source, *finer = sources
    if starts >= ends:
        return
    if not finer:
        _append(spans[source], (starts, ends))
        return
    first, last = _floor(starts + source.step - timedelta.resolution, source.step), _floor(ends, source.step)
    if first >= last:
        _cut(starts, ends, finer, spans)
        return
    _cut(starts, first, finer, spans)
    _append(spans[source], (first, last))
    _cut(last, ends, finer, spans)


def _append(spans: list[Span], span: Span) -> None:
    """Add a span, as part of the one before if that ends where it begins."""
    if spans and spans[-1][1] == span[0]:
        spans[-1] = (spans[-1][0], span[1])
    else:
        spans.append(span)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - EPOCH) % step
