"""Sixty days in order of time: requests are received, decided, approved, booked, put on statements and paid."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings

from conversions.intake import Received, intake, reference_cache, resume_parked
from conversions.lifecycle.status import approve_due
from conversions.models import Conversion, Postback
from conversions.qualification.waits import re_evaluate
from conversions.risk.reviews import keep_up
from dashboard.demo import credentials
from dashboard.demo.clock import DAYS, DemoSpan, length
from dashboard.demo.data import CALENDAR, OFFER, OFFERS
from dashboard.demo.desk import Desk
from dashboard.demo.journeys import DemoRequest, Reports
from dashboard.demo.program import Ground
from payouts.ledger.booking import book_changes
from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks

# As many requests as a web process decides at once.
BATCH = 200
# Between two requests of one run of an advertiser's queue.
APART = timedelta(milliseconds=15)
BOOKED_AFTER = timedelta(seconds=1)
# When the advertisers' queues are sent, by how many days ago it was at most: the rarer the longer ago.
QUEUES_SENT = ((DAYS, "21:50"), (1, "14:50"), (1, "05:50"))
LIVE = tuple(timedelta(minutes=minutes) for minutes in (10, 30, 60, 120, 240))
# A run of a queue holds one event of a customer; the next ones follow in later runs. Live queues hold all.
NAMES_ONE = ("customer_id", "click_id", "txid")
# Statements are made early on the first of a month.
CLOSED_AT = timedelta(hours=6)
CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}

Action = Callable[[datetime], None]
Progress = Callable[[int, int], None]


class History:
    """Plays the reports, with the clock of each moment."""

    def __init__(self, ground: Ground, reports: Reports, *, scale: float) -> None:
        self._span, self._desk = ground.span, Desk(ground, reports.verdicts)
        self._waiting = deque(sorted(reports.sent, key=lambda sent: sent.at))
        self._often = scale >= 0.5

    def play(self, on_progress: Progress) -> None:
        """Do everything in the order of time."""
        with reference_cache.kept_by_hand():
            for at, action in sorted(self._agenda(), key=lambda entry: entry[0]):
                action(at)
                if action != self._deliver:
                    reference_cache.forget()
                if Conversion.objects.filter(booked_at=None, is_test=False).exists():
                    self._book(at)
                on_progress(min((at - self._span.since).days, DAYS), DAYS)
        for draft in CALENDAR["drafts"]:
            self._desk.draft(self._span.now, draft)

    def _agenda(self) -> Iterator[tuple[datetime, Action]]:
        span = self._span
        yield from ((at, self._deliver) for at in deliveries(span, often=self._often))
        yield from ((at, self._desk.morning) for at in mornings(span) if at <= span.now)
        for entry in CALENDAR["entries"]:
            given = {name: value for name, value in entry.items() if name not in ("at", "do")}
            yield span.at(entry["at"]), partial(getattr(self._desk, entry["do"]), **given)
        yield from ((at, self._pay_clicks) for at in nights(span) if at <= span.now)
        yield from (entry for entry in self._monthly() if entry[0] <= span.now)

    def _monthly(self) -> Iterator[tuple[datetime, Action]]:
        ends = month_ends(self._span)
        chosen = {"first": ends[:1], "last": ends[-1:], "all but last": ends[:-1]}
        for entry in CALENDAR["monthly"]:
            given = {name: value for name, value in entry.items() if name not in ("after", "of", "do")}
            for ends_at in chosen.get(entry.get("of", ""), ends):
                action = partial(getattr(self._desk, entry["do"]), ends_at=ends_at, **given)
                yield ends_at + length(entry["after"]), action

    def _deliver(self, at: datetime) -> None:
        """One run of the advertisers' queues, after what the worker has approved meanwhile."""
        approve_due(now=at)
        # What a worker does each minute is done here every third day, and in the last hours.
        if self._is_live(at) or (at - self._span.since).days % 3 == 0:
            resume_parked(now=at)
            re_evaluate(now=at)
            keep_up(now=at)
        due = self._due(at)
        for start in range(0, len(due), BATCH):
            batch = due[start : start + BATCH]
            intake([_received(sent, at - APART * (len(batch) - n)) for n, sent in enumerate(batch)], now=at)

    def _due(self, at: datetime) -> list[DemoRequest]:
        """Take what is sent in this run out of the queue: of each customer and click the oldest event.

        Events of one customer are decided one after the other, so a run without two of them is decided at once.
        """
        due: list[DemoRequest] = []
        later: list[DemoRequest] = []
        named: set[tuple[str, str]] = set()
        while self._waiting and self._waiting[0].at < at:
            sent = self._waiting.popleft()
            names = {(name, sent.fields[name]) for name in NAMES_ONE if name in sent.fields}
            (later if names & named and not self._is_live(at) else due).append(sent)
            named |= names
        self._waiting.extendleft(reversed(later))
        return due

    def _is_live(self, at: datetime) -> bool:
        return self._span.now - at <= LIVE[-1]

    def _book(self, at: datetime) -> None:
        while book_changes(limit=1000, now=at + BOOKED_AFTER) == 1000:
            pass

    def _pay_clicks(self, at: datetime) -> None:
        count_clicks(now=at)
        book_clicks(now=at)


def deliveries(span: DemoSpan, *, often: bool) -> list[datetime]:
    """When queues are sent: once a day, lately thrice, nearly live at the end; once a day when not `often`."""
    times = QUEUES_SENT if often else QUEUES_SENT[:1]
    found = {span.at(f"{days_ago} {clock}") for longest, clock in times for days_ago in range(longest, -1, -1)}
    if often:
        found |= {span.now - ago for ago in LIVE}
    last = span.now - 2 * BOOKED_AFTER
    return sorted({at for at in found if at < last} | {last})


def mornings(span: DemoSpan) -> list[datetime]:
    """When the operator decides what waits: three days a week, not always at the same minute."""
    days = ((days_ago, span.midnight(days_ago)) for days_ago in range(DAYS, -1, -1))
    return [
        midnight + timedelta(hours=8, minutes=(37 * days_ago) % 50 + 5)
        for days_ago, midnight in days
        if midnight.weekday() in (0, 2, 4)
    ]


def nights(span: DemoSpan) -> list[datetime]:
    """When the clicks of the day before are counted and paid: since the first plan that pays for clicks."""
    versions = [version for plan in OFFERS["plans"] for version in plan["versions"]]
    since = max(version["days_ago"] for version in versions if not all("goal" in rule for rule in version["rules"]))
    return [span.midnight(days_ago) + timedelta(minutes=40) for days_ago in range(since, -1, -1)]


def month_ends(span: DemoSpan) -> list[datetime]:
    """The ends of months within the time shown, as far as their statements are made by now."""
    firsts = (span.midnight(days_ago) for days_ago in range(DAYS - 1, -1, -1))
    return [first for first in firsts if first.day == 1 and first + CLOSED_AT <= span.now]


def _received(sent: DemoRequest, at: datetime) -> Received:
    """The request as an endpoint receives it, in the advertiser's way: a query, JSON or a form."""
    offer = OFFER[sent.offer]
    token = credentials.advertiser_token(offer["advertiser"]) if sent.token is None else sent.token
    headers = {"user-agent": offer["agent"], "host": urlsplit(settings.PUBLIC_URL).netloc}
    if content_type := CONTENT_TYPES.get(offer["way"]):
        headers["content-type"] = content_type
    is_json = offer["way"] == "json"
    return Received(
        endpoint=Postback.Endpoint.NATIVE,
        method="GET" if offer["way"] == "query" else "POST",
        path="/postback",
        parameters=[*sent.fields.items(), *([("token", token)] if token and not is_json else [])],
        headers=headers,
        ip=offer["sender"],
        is_secure=True,
        received_at=at.astimezone(UTC),
        bearer=token if is_json else "",
    )
