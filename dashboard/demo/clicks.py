"""The clicks: made up day by day and link by link, written by the same COPY that serves live visitors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
from django.db import connection

from dashboard.demo.clock import DAYS, DemoSpan, source
from dashboard.demo.data import CALENDAR, LINK
from dashboard.demo.program import Ground
from dashboard.demo.visitors import DemoVisitor, moments, visitor
from tracking.capture.clicks import copy_rows, format_row
from tracking.click_id import codec
from tracking.counts.rollups import ADD_MARKED
from tracking.retention.partitions import make_partitions, make_partitions_ahead
from tracking.visitors.agents import describe

CHUNK = 5_000
# An impatient visitor, or a page that preloads its link, clicks again within seconds.
AGAIN = 0.035
MARKED_AFTER = timedelta(seconds=2)
MARKS = (
    "CREATE TEMP TABLE demo_marks "
    "(id uuid, country text, device text, os text, browser text, is_bot bool, is_duplicate bool)"
)
# Its texts are constants.
WRITE_MARKS = f"""
    WITH marked AS (
        UPDATE tracking_click AS click SET marked_at = clicked_at + %s, country = found.country,
            device = found.device, os = found.os, browser = found.browser,
            is_bot = found.is_bot, is_duplicate = found.is_duplicate
        FROM demo_marks AS found WHERE click.id = found.id
        RETURNING click.link_id, click.clicked_at, click.country, click.device, click.is_bot, click.is_duplicate
    ), {ADD_MARKED}
    SELECT count(*) FROM marked
"""  # noqa: S608 # nosec B608 # of constants only

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class DemoVisit:
    """One click of the demo, and who made it."""

    at: datetime
    link: str
    visitor: DemoVisitor
    raw_id: bytes
    is_duplicate: bool = False

    @property
    def click_text(self) -> str:
        return codec.sign(self.raw_id)


class Traffic:
    """Makes visits. Each link draws from a source of chance of its own."""

    def __init__(self, ground: Ground, *, seed: int, scale: float) -> None:
        self._ground, self._scale = ground, scale
        self._chance = {code: source(seed, f"clicks of {code}") for code in LINK}

    def all_visits(self) -> list[DemoVisit]:
        """Every click of the time shown, in the order of time."""
        visits = [visit for code in LINK for visit in self._through(code, self._chance[code])]
        return sorted(visits, key=lambda visit: visit.at)

    def visit(self, code: str, at: datetime, *, robot: bool = False) -> DemoVisit:
        """A person's or a robot's visit at a moment of choice."""
        while (found := visitor(self._chance[code], *LINK[code])).is_bot != robot:
            pass
        return self._visit(code, at, found)

    def _through(self, code: str, rng: Random) -> list[DemoVisit]:
        affiliate, link = LINK[code]
        span, visits = self._ground.span, []
        closed_at = closing(span, code)
        for days_ago in range(min(link.get("first_day", DAYS), DAYS), -1, -1):
            for at in moments(rng, link, days_ago=days_ago, span=span, scale=self._scale):
                found = visitor(rng, affiliate, link)
                visits.append(self._visit(code, at, found))
                if rng.random() < AGAIN:
                    visits.append(self._visit(code, at + timedelta(seconds=rng.uniform(1, 20)), found, again=True))
        return [visit for visit in visits if visit.at < closed_at]

    def _visit(self, code: str, at: datetime, found: DemoVisitor, *, again: bool = False) -> DemoVisit:
        # A click's time is stored in whole milliseconds, as in its ID.
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        raw_id = codec.new_bytes(link_number=self._ground.links[code].pk, milliseconds=milliseconds(at))
        return DemoVisit(at=at, link=code, visitor=found, raw_id=raw_id, is_duplicate=again)


def closing(span: DemoSpan, code: str) -> datetime:
    """The moment from which the link no longer answers: later requests are not clicks."""
    affiliate, link = LINK[code]
    closes = (
        span.at(entry["at"])
        for entry in CALENDAR["entries"]
        if entry["do"] in ("block", "change_status")
        and entry["affiliate"] == affiliate["name"]
        and entry.get("offer", link["offer"]) == link["offer"]
    )
    return min(closes, default=span.now)


def milliseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def store(visits: Sequence[DemoVisit], ground: Ground, on_progress: Progress) -> None:
    """Make the months' partitions, write the clicks, and mark robots and repeats as the marking task would."""
    make_partitions(first_day=ground.span.since.date(), last_day=ground.span.now.date())
    make_partitions_ahead(today=ground.span.now.date())
    connection.ensure_connection()
    line = connection.connection
    assert isinstance(line, psycopg.Connection)
    for start in range(0, len(visits), CHUNK):
        chunk = visits[start : start + CHUNK]
        copy_rows(line, [_row(visit, ground) for visit in chunk])
        on_progress(start + len(chunk), len(visits))
    _mark(line, visits)


def _row(visit: DemoVisit, ground: Ground) -> bytes:
    return format_row(
        raw_id=visit.raw_id,
        milliseconds=milliseconds(visit.at),
        link_number=ground.links[visit.link].pk,
        ip=visit.visitor.ip,
        visitor=visit.visitor.cookie,
        texts=[visit.visitor.user_agent, visit.visitor.referrer, *visit.visitor.labels],
    )


def _mark(line: psycopg.Connection, visits: Sequence[DemoVisit]) -> None:
    """Set a click's marks, and add it to the sums that reports read."""
    with line.cursor() as cursor:
        cursor.execute(MARKS)
        with cursor.copy("COPY demo_marks FROM STDIN") as copy:
            for visit in visits:
                who, agent = visit.visitor, describe(visit.visitor.user_agent)
                marks = (who.country, who.device, agent.os, agent.browser, who.is_bot, visit.is_duplicate)
                copy.write_row((visit.raw_id.hex(), *marks))
        cursor.execute("ANALYZE demo_marks")
        cursor.execute(WRITE_MARKS, [MARKED_AFTER])
        cursor.execute("DROP TABLE demo_marks")
