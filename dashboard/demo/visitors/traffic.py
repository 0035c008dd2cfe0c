"""The clicks: made up day by day and link by link, written by the same COPY that serves live visitors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
from django.db import connection

from dashboard.demo.program import chance
from dashboard.demo.program.groundwork import Ground
from dashboard.demo.program.offers import CHALLENGE
from dashboard.demo.program.partners import (
    CLICKS,
    CLICKS_CLOSED,
    LINK_SPECS,
    NORDIC,
    NORDIC_BLOCKED_ON_CHALLENGE,
    NORDIC_SUSPENDED,
)
from dashboard.demo.program.rhythm import DAYS, DemoSpan, moments
from dashboard.demo.visitors.people import Crowd, DemoVisitor
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

    def __init__(self, ground: Ground, span: DemoSpan, *, seed: int, scale: float) -> None:
        self._ground, self._span, self._scale = ground, span, scale
        self._chance = {code: chance.source(seed, f"clicks of {code}") for code in LINK_SPECS}
        self._crowds = {code: Crowd(self._chance[code], partner, link) for code, (partner, link) in LINK_SPECS.items()}

    def all_visits(self) -> list[DemoVisit]:
        """Every click of the time shown, in the order of time."""
        visits = [visit for code in LINK_SPECS for visit in self._through(code, self._chance[code])]
        return sorted(visits, key=lambda visit: visit.at)

    def visit(self, code: str, at: datetime) -> DemoVisit:
        """A human visit at a moment of choice."""
        while (visitor := self._crowds[code].visitor_of_crowd()).is_bot:
            pass
        return self._visit(code, at, visitor)

    def robot(self, code: str, at: datetime) -> DemoVisit:
        """A robot's visit at a moment of choice."""
        while not (visitor := self._crowds[code].visitor_of_crowd()).is_bot:
            pass
        return self._visit(code, at, visitor)

    def _through(self, code: str, rng: Random) -> list[DemoVisit]:
        _, link = LINK_SPECS[code]
        closed_at, visits = closing(self._span, code), []
        for days_ago in range(min(link.first_day, DAYS), -1, -1):
            for at in moments(rng, link=link, days_ago=days_ago, span=self._span, scale=self._scale):
                visitor = self._crowds[code].visitor_of_crowd()
                visits.append(self._visit(code, at, visitor))
                if rng.random() < AGAIN:
                    visits.append(self._visit(code, at + timedelta(seconds=rng.uniform(1, 20)), visitor, again=True))
        return [visit for visit in visits if visit.at < closed_at]

    def _visit(self, code: str, at: datetime, visitor: DemoVisitor, *, again: bool = False) -> DemoVisit:
        # A click's time is stored in whole milliseconds, as in its ID.
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        raw_id = codec.new_bytes(link_number=self._ground.links[code].pk, milliseconds=milliseconds(at))
        return DemoVisit(at=at, link=code, visitor=visitor, raw_id=raw_id, is_duplicate=again)


def closing(span: DemoSpan, code: str) -> datetime:
    """The moment from which the link no longer answers: later requests are not clicks."""
    partner, link = LINK_SPECS[code]
    if partner.name == CLICKS:
        return span.at(CLICKS_CLOSED, "16:05")
    if partner.name == NORDIC and link.offer == CHALLENGE:
        return span.at(NORDIC_BLOCKED_ON_CHALLENGE, "10:15")
    return span.at(NORDIC_SUSPENDED, "11:20") if partner.name == NORDIC else span.now


def milliseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def store(visits: Sequence[DemoVisit], ground: Ground, span: DemoSpan, on_progress: Progress) -> None:
    """Make the months' partitions, write the clicks, and mark robots and repeats as the marking task would."""
    make_partitions(first_day=span.since.date(), last_day=span.now.date())
    make_partitions_ahead(today=span.now.date())
    connection.ensure_connection()
    line = connection.connection
    assert isinstance(line, psycopg.Connection)
    for start in range(0, len(visits), CHUNK):
        chunk = visits[start : start + CHUNK]
        copy_rows(line, [_row(visit, ground) for visit in chunk])
        on_progress(start + len(chunk), len(visits))
    _mark(line, visits)


def _row(visit: DemoVisit, ground: Ground) -> bytes:
    visitor = visit.visitor
    return format_row(
        raw_id=visit.raw_id,
        milliseconds=milliseconds(visit.at),
        link_number=ground.links[visit.link].pk,
        ip=visitor.ip,
        visitor=visitor.cookie,
        texts=[visitor.user_agent, visitor.referrer, *visitor.labels],
    )


def _mark(line: psycopg.Connection, visits: Sequence[DemoVisit]) -> None:
    """Set a click's marks, and add it to the sums that reports read."""
    with line.cursor() as cursor:
        cursor.execute(MARKS)
        with cursor.copy("COPY demo_marks FROM STDIN") as copy:
            for visit in visits:
                who, agent = visit.visitor, describe(visit.visitor.user_agent)
                copy.write_row(
                    (
                        *(visit.raw_id.hex(), who.country, who.device, agent.os, agent.browser),
                        *(who.is_bot, visit.is_duplicate),
                    )
                )
        cursor.execute("ANALYZE demo_marks")
        cursor.execute(WRITE_MARKS, [MARKED_AFTER])
        cursor.execute("DROP TABLE demo_marks")
