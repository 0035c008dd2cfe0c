"""Marks of a click: bot, duplicate, place, device.

They are set within seconds, off the hot path, and never remove a click. Any number of workers may run: each takes
clicks that no other one has locked, and writes marks and sums (`rollups.py`) in the transaction of that lock, so after
a crash the batch is simply repeated.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from tracking.consent.policy import refused_states
from tracking.counts.rollups import ADD_MARKED
from tracking.visitors.agents import UNKNOWN, Agent, describe
from tracking.visitors.geography import locate
from tracking.visitors.identity import is_new

# The texts that make up statements here are constants of this module.
# ruff: noqa: S608

BATCH = 10_000
FIRST = str(UUID(int=0))

_COLUMNS = "id::text, link_id, visitor::text, host(ip), user_agent"
_TAKE = f"""
SELECT {_COLUMNS} FROM tracking_click WHERE marked_at IS NULL AND id > %(after)s::uuid
ORDER BY tracking_click.id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""  # nosec B608 # names of our own, values are parameters
_AROUND = f"""
SELECT found.* FROM unnest(%(lows)s::uuid[], %(highs)s::uuid[]) AS span(low, high) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM tracking_click
    WHERE id >= span.low AND id < span.high AND link_id = ANY(%(links)s::bigint[])
        AND (visitor = ANY(%(visitors)s::uuid[]) OR ip = ANY(%(ips)s::inet[]))
    OFFSET 0 -- one range of the key after the other; as a plain join it might read the whole table
) AS found
"""  # nosec B608 # names of our own, values are parameters
_WRITE = f"""
WITH marked AS (
    UPDATE tracking_click AS click SET
        marked_at = %(now)s, country = mark.country, asn = mark.asn, is_data_centre = mark.is_data_centre,
        device = mark.device, os = mark.os, browser = mark.browser, is_bot = mark.is_bot,
        is_duplicate = mark.is_duplicate,
        user_agent = CASE WHEN click.consent = ANY(%(refused)s::text[]) THEN '' ELSE click.user_agent END
    FROM unnest(
        %(id)s::uuid[], %(country)s::text[], %(asn)s::bigint[], %(is_data_centre)s::boolean[], %(device)s::text[],
        %(os)s::text[], %(browser)s::text[], %(is_bot)s::boolean[], %(is_duplicate)s::boolean[]
    ) AS mark(id, country, asn, is_data_centre, device, os, browser, is_bot, is_duplicate)
    WHERE click.id = mark.id AND click.marked_at IS NULL AND click.id BETWEEN %(first)s::uuid AND %(last)s::uuid
    RETURNING click.link_id, click.clicked_at, click.country, click.device, click.is_bot, click.is_duplicate
), {ADD_MARKED}
SELECT count(*) FROM marked
"""  # nosec B608 # names of our own, values are parameters


class UnmarkedClick(NamedTuple):
    """A click without marks. `ip` and `user_agent` are missing if they were cleared before the click got its marks."""

    id: str
    link: int
    visitor: str | None
    ip: str | None
    user_agent: str

    @property
    def milliseconds(self) -> int:
        return int(self.id[:8] + self.id[9:13], 16)

    @property
    def brought_cookie(self) -> bool:
        return not is_new(self.visitor, self.id)


def is_bot_agent(user_agent: str) -> bool:
    """Whether a bot sends this user agent: for callers that need to know before the click has its marks."""
    return describe(user_agent).is_bot


def mark_waiting(*, now: datetime, seconds: float, batch: int = BATCH) -> int:
    """Mark clicks until none is left or the time is up; return how many."""
    until, marked, last = time.monotonic() + seconds, 0, FIRST
    while True:
        found, last = mark_clicks(now=now, limit=batch, after=last)
        marked += found
        if found < batch or time.monotonic() > until:
            return marked


def mark_clicks(*, now: datetime, limit: int = BATCH, after: str = FIRST) -> tuple[int, str]:
    """Mark the oldest clicks that have no marks and are not locked, and add them to the sums.

    Return how many, and the key of the last one: the next batch can start there.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, {"limit": limit, "after": after})
        clicks = [UnmarkedClick(*row) for row in cursor.fetchall()]
        if not clicks:
            return 0, after
        seconds = settings.CLICK_DUPLICATE_SECONDS
        duplicates = duplicates_among(clicks, _around(clicks, seconds), seconds=seconds) if seconds else set()
        cursor.execute(_WRITE, {"now": now, "refused": list(refused_states()), **_marks(clicks, duplicates)})
        return int(cursor.fetchone()[0]), clicks[-1].id


def _marks(clicks: Sequence[UnmarkedClick], duplicates: set[str]) -> dict[str, Any]:
    agents = [_agent(click) for click in clicks]
    places = [locate(click.ip) for click in clicks]
    return {
        "id": [click.id for click in clicks],
        "country": [place.country for place in places],
        "asn": [place.asn for place in places],
        "is_data_centre": [place.is_data_centre for place in places],
        "device": [agent.device for agent in agents],
        "os": [agent.os for agent in agents],
        "browser": [agent.browser for agent in agents],
        "is_bot": [agent.is_bot for agent in agents],
        "is_duplicate": [click.id in duplicates for click in clicks],
        "first": clicks[0].id,
        "last": clicks[-1].id,
    }


def _agent(click: UnmarkedClick) -> Agent:
    """A click whose personal fields were cleared has an unknown agent; one without a user agent is a bot's."""
    return describe(click.user_agent) if click.user_agent or click.ip else UNKNOWN


def duplicates_among(clicks: Iterable[UnmarkedClick], around: Iterable[UnmarkedClick], *, seconds: int) -> set[str]:
    """The clicks that followed another one of the same visitor on the same link within this many seconds.

    The same visitor is the same cookie; if both clicks have none, the same address with the same agent. `around` are
    clicks made shortly before, or in between; those that are also in `clicks` do no harm.
    """
    found: set[str] = set()
    latest: dict[tuple[object, ...], int] = {}
    for click in sorted({click.id: click for click in (*around, *clicks)}.values()):
        moment = click.milliseconds
        for key in _identities(click):
            if moment - latest.get(key, -(2**63)) <= seconds * 1000:
                found.add(click.id)
            latest[key] = moment
    return found


def _identities(click: UnmarkedClick) -> Iterator[tuple[object, ...]]:
    if click.visitor:
        yield click.link, click.visitor
    if click.ip and not click.brought_cookie:
        yield click.link, click.ip, click.user_agent


def _around(clicks: Sequence[UnmarkedClick], seconds: int) -> list[UnmarkedClick]:
    """Clicks that one of these may duplicate, by time, link, and cookie or address."""
    spans = _spans(clicks, milliseconds=seconds * 1000)
    with connection.cursor() as cursor:
        cursor.execute(
            _AROUND,
            {
                "lows": [low for low, _ in spans],
                "highs": [high for _, high in spans],
                "links": list({click.link for click in clicks}),
                "visitors": list({click.visitor for click in clicks if click.brought_cookie}),
                "ips": list({click.ip for click in clicks if click.ip and not click.brought_cookie}),
            },
        )
        return [UnmarkedClick(*row) for row in cursor.fetchall()]


@dataclass(slots=True)
class _Span:
    starts: int
    last: UnmarkedClick


def _spans(clicks: Sequence[UnmarkedClick], *, milliseconds: int) -> list[tuple[str, str]]:
    """The ranges of click keys to search. Old clicks out of a spool make several, with days between them."""
    spans: list[_Span] = []
    for click in clicks:
        starts = max(click.milliseconds - milliseconds, 0)
        if spans and starts <= spans[-1].last.milliseconds:
            spans[-1].last = click
        else:
            spans.append(_Span(starts, click))
    return [(f"{span.starts:012x}{'0' * 20}", span.last.id) for span in spans]
