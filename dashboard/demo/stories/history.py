"""Sixty days in order of time: requests are received, decided, approved, booked, put on statements and paid."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings

from conversions.intake import Received, intake, reference_cache, resume_parked
from conversions.lifecycle.status import approve_due
from conversions.models import Conversion, Postback
from conversions.qualification.waits import re_evaluate
from conversions.risk.reviews import keep_up
from dashboard.demo.program import credentials
from dashboard.demo.program.groundwork import Ground, publish
from dashboard.demo.program.offers import CASINO, CHALLENGE, OFFERS, PLANS, VersionSpec
from dashboard.demo.program.partners import BEE, DUARTE
from dashboard.demo.program.paying import collect_batch, payment_came_back
from dashboard.demo.program.rhythm import DAYS, DemoSpan
from dashboard.demo.stories.affiliates import APPEALS
from dashboard.demo.stories.desk import Desk
from dashboard.demo.stories.objections import Objections
from dashboard.demo.visitors.journeys import DemoRequest, Reports
from dashboard.demo.visitors.traffic import closing
from payouts.anchors.making import make_anchor
from payouts.ledger.booking import adjust, book_changes
from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks
from payouts.models import CommissionPlan, Payout
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period

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
# Statements are made early on the first of a month, and paid some days later.
CLOSED_AT, PAID_AFTER = timedelta(hours=6), timedelta(days=4, hours=10)

CHARGED_BACK_AFTER = timedelta(days=9, hours=11)
RETURNED_AFTER, BATCHED_AFTER = PAID_AFTER + timedelta(days=3), PAID_AFTER + timedelta(hours=2)

SPECS = {offer.name: offer for offer in OFFERS}

Action = Callable[[datetime], None]
Progress = Callable[[int, int], None]


class History:
    """Plays the reports, with the clock of each moment."""

    def __init__(self, ground: Ground, reports: Reports, span: DemoSpan, *, scale: float) -> None:
        self._ground, self._span = ground, span
        self._desk = Desk(ground, reports.verdicts)
        self._objections = Objections(ground)
        self._appealed = reports.verdicts[APPEALS[0]]
        self._waiting = deque(sorted(reports.sent, key=lambda sent: sent.at))
        self._deliveries = deliveries(span, often=scale >= 0.5)
        self._closings = closings(span)

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

    def _agenda(self) -> Iterator[tuple[datetime, Action]]:
        span, desk, objections = self._span, self._desk, self._objections
        fixed: list[tuple[datetime, Action]] = [
            *((at, self._deliver) for at in self._deliveries),
            *((at, desk.morning) for at in mornings(span)),
            (span.at(57, "10:30"), desk.take_out_tests),
            (closing(span, "nordic-challenge"), desk.block_nordic_on_challenge),
            (closing(span, "bright-casino"), desk.close_brightlane),
            (closing(span, "nordic-casino"), desk.suspend_nordic),
            (span.at(15, "18:26"), objections.appeal_for_the_late_one),
            (span.at(13, "14:02"), partial(objections.uphold_it, self._appealed)),
            (span.at(9, "20:11"), objections.appeal_for_a_second_first),
            (span.at(6, "14:40"), objections.dismiss_what_is_old),
            (span.at(1, "19:05"), objections.appeal_for_a_late_one),
            (span.at(28, "15:45"), self._bonus),
            (span.at(15, "11:32"), self._correction),
            *((at, self._pay_clicks) for at in nights(span)),
            *((ends_at + CLOSED_AT, self._close) for ends_at in self._closings),
            *((ends_at + PAID_AFTER, self._pay) for ends_at in self._closings),
            *((ends_at + CHARGED_BACK_AFTER, desk.charge_back) for ends_at in self._closings[:-1]),
            *((ends_at + RETURNED_AFTER, partial(payment_came_back, self._ground)) for ends_at in self._closings[:1]),
            *((ends_at + BATCHED_AFTER, partial(collect_batch, self._ground)) for ends_at in self._closings[-1:]),
        ]
        yield from (entry for entry in fixed if entry[0] <= span.now)
        for days_ago, plan, version in self._ground.later_versions:
            yield span.at(days_ago, "15:20"), partial(self._publish, plan, version)

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

    def _publish(self, plan: CommissionPlan, version: VersionSpec, at: datetime) -> None:
        publish(self._ground, plan, version, self._span, now=at)

    def _bonus(self, at: datetime) -> None:
        self._adjust(DUARTE, "150", "Bonus: most new players of the quarter", at)

    def _correction(self, at: datetime) -> None:
        self._adjust(BEE, "-12.40", "Correction: a returned order was paid in last month's statement", at)

    def _adjust(self, name: str, amount: str, words: str, at: datetime) -> None:
        affiliate, actor = self._ground.affiliates[name], self._ground.operator
        adjust(affiliate=affiliate, amount=Decimal(amount), currency="EUR", arithmetic=words, actor=actor, now=at)

    def _close(self, at: datetime) -> None:
        close_period(ends_at=at - CLOSED_AT, now=at, actor=self._ground.finance)
        make_anchor(now=at)

    def _pay(self, at: datetime) -> None:
        """Pay what is due. Of the newest statements only those in euro: the dollar run is still to come."""
        due = Payout.objects.filter(status=Payout.Status.DUE).order_by("pk")
        if at - PAID_AFTER == self._closings[-1]:
            due = due.filter(currency="EUR")
        for number, payout in enumerate(due, start=1):
            kind = "SEPA" if payout.currency == "EUR" else "WIRE"
            reference = f"{kind}-{at:%Y%m%d}-{number:03d}"
            mark_paid(payout=payout, reference=reference, actor=self._ground.finance, now=at)


def deliveries(span: DemoSpan, *, often: bool) -> list[datetime]:
    """When queues are sent: once a day, lately thrice, nearly live at the end; once a day when not `often`."""
    times = QUEUES_SENT if often else QUEUES_SENT[:1]
    found = {span.at(days_ago, clock) for longest, clock in times for days_ago in range(longest, -1, -1)}
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
    versions = [version for plan in PLANS for version in plan.versions]
    since = max(version.days_ago for version in versions if not all(rule.goal for rule in version.rules))
    return [span.midnight(days_ago) + timedelta(minutes=40) for days_ago in range(since, -1, -1)]


def closings(span: DemoSpan) -> list[datetime]:
    """The ends of months within the time shown, as far as their statements are made by now."""
    firsts = (span.midnight(days_ago) for days_ago in range(DAYS - 1, -1, -1))
    return [first for first in firsts if first.day == 1 and first + CLOSED_AT <= span.now]


def _received(sent: DemoRequest, at: datetime) -> Received:
    """The request as an endpoint receives it: the casino uses GET, the prop firm sends JSON, the shop a form."""
    offer = SPECS[sent.offer]
    token = credentials.advertiser_token(offer.advertiser) if sent.token is None else sent.token
    headers = {"user-agent": offer.agent, "host": urlsplit(settings.PUBLIC_URL).netloc}
    fields = list(sent.fields.items())
    bearer = ""
    if sent.offer == CHALLENGE:
        headers["content-type"], bearer = "application/json", token
    elif token:
        fields.append(("token", token))
    if sent.offer not in (CASINO, CHALLENGE):
        headers["content-type"] = "application/x-www-form-urlencoded"
    return Received(
        endpoint=Postback.Endpoint.NATIVE,
        method="GET" if sent.offer == CASINO else "POST",
        path="/postback",
        parameters=fields,
        headers=headers,
        ip=offer.sender,
        is_secure=True,
        received_at=at.astimezone(UTC),
        bearer=bearer,
    )
