"""200 senders at once, most of what they say said before, a web server killed twice: each event counts once.

The events are of three kinds: sales with a transaction ID, some reversed or refunded in part, sign-ups without one,
and orders that a pixel and the advertiser's server both tell. Senders do as good ones do: what was not answered, or
answered with a 503, is sent again.
"""

import json
import random
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from queue import Empty, SimpleQueue
from time import sleep
from typing import Any

import pytest

from tests.faults.installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(300)]

SENDERS, REQUESTS = 200, 5_000
SALES, SIGN_UPS, ORDERS = 1_000, 400, 300
SETUP = f"""
import json
from datetime import timedelta
from django.utils import timezone
from conversions.models import RiskPolicy
from tests.factories import ClickFactory
from tests.scenarios.story import Program
from tracking.click_id import codec
from tracking.models import Click
program = Program("Shop", vertical="shop")
program.goal("sale", percent="10")
program.goal("signup", flat="3")
program.goal("order", flat="5")
advertiser = program.offer.advertiser
advertiser.allows_pixel = True
advertiser.save()
RiskPolicy.objects.create(offer=program.offer, threshold=1000)
links = [program.enroll(name) and program.links[name] for name in ("Ana", "Ben")]
at, clicks = timezone.now() - timedelta(hours=1), []
for number in range({SALES + SIGN_UPS + ORDERS}):
    link = links[number % 2]
    key = codec.new(link_number=link.pk, at=at)
    ip = f"93.7.{{number // 250}}.{{number % 250}}"
    clicks.append(ClickFactory.build(id=key.uuid, link=link, clicked_at=at, marked_at=at, ip=ip))
Click.objects.bulk_create(clicks)
print(json.dumps([advertiser.public_id, *(codec.text_of(click.id) for click in clicks)]))
"""
WHAT_CAME = """
SELECT goal.code, row.transaction_id, row.click_id, row.status, row.refunded::float,
       coalesce((SELECT sum(amount) FROM payouts_ledgerentry line WHERE line.conversion_id = row.id), 0)::float,
       (SELECT count(*) FROM payouts_ledgerentry line WHERE line.conversion_id = row.id AND kind = 'commission')
FROM conversions_conversion row JOIN conversions_goal goal ON goal.id = row.goal_id
"""
BALANCE = """
import json
from affiliates.models import Affiliate
from payouts.queries import balances
print(json.dumps({row.name: str(dict(balances(row))["EUR"]) for row in Affiliate.objects.all()}))
"""


@dataclass(frozen=True)
class Event:
    """One real event: what is said of it, in which requests, and what must be there once all is said."""

    name: str
    click: str
    requests: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    status: str
    commission: Decimal


def real_events(advertiser: str, clicks: list[str]) -> list[Event]:
    found, clicks = [], list(clicks)
    for number in range(SALES):
        click, output = clicks.pop(), {"txid": f"S{number}", "event_type": "sale"}
        sale = _request(**output, click_id=click, revenue="100.00", currency="EUR")
        if number % 5 == 0:
            found.append(
                Event(f"S{number}", click, (sale, _request(**output, status="rejected")), "rejected", Decimal(0))
            )
        elif number % 5 == 1:
            refund = _request(**output, refund="40.00", currency="EUR")
            found.append(Event(f"S{number}", click, (sale, refund), "approved", Decimal(6)))
        else:
            found.append(Event(f"S{number}", click, (sale,), "approved", Decimal(10)))
    for _ in range(SIGN_UPS):
        click = clicks.pop()
        found.append(Event(click, click, (_request(event_type="signup", click_id=click),), "approved", Decimal(3)))
    for number in range(ORDERS):
        click, output = clicks.pop(), {"event_type": "order", "revenue": "20.00", "currency": "EUR"}
        sent = {**output, "click_id": click, "advertiser": advertiser} | ({"txid": f"O{number}"} if number % 2 else {})
        pixel = ("/pixel.gif", tuple(sent.items()))
        server = _request(**output, click_id=click, txid=f"O{number}")
        found.append(Event(f"O{number}", click, (pixel, server), "approved", Decimal(5)))
    return found


def _request(**fields: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return "/postback", tuple({"token": "aft_shop", **fields}.items())


def all_requests(events: list[Event], chance: random.Random) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Each request once, then repeats of any of them until there are enough; in no order at all."""
    once = [request for event in events for request in event.requests]
    found = once + chance.choices(once, k=REQUESTS - len(once))
    chance.shuffle(found)
    return found


class Senders:
    """Threads that send until the queue is empty, and keep what they were answered."""

    def __init__(self, it: Installation, requests: list[Any]) -> None:
        self.it, self.queue = it, SimpleQueue[Any]()
        for request in requests:
            self.queue.put(request)
        self.answers: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.tried_again = 0

    def send_all(self) -> None:
        threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        self._kill_the_web_server_when(0.3)
        self._kill_the_web_server_when(0.6)
        for thread in threads:
            thread.join()

    def _kill_the_web_server_when(self, share: float) -> None:
        self.it.until(lambda: len(self.answers) > share * REQUESTS * 0.9, what=f"{share:.0%} of the answers")
        self.it.kill("web")
        self.it.revive("web")

    def _run(self) -> None:
        while True:
            try:
                path, fields = self.queue.get_nowait()
            except Empty:
                return
            while not self._answered(path, dict(fields)):
                self.tried_again += 1
                sleep(0.1)

    def _answered(self, path: str, fields: dict[str, str]) -> bool:
        try:
            answer = self.it.web.request("GET", path, fields)
        except OSError:
            return False
        if path == "/pixel.gif":
            self.answers.append({"outcome": answer.headers["x-affidavit-outcome"], "postback_id": ""})
            return bool(answer.headers["x-affidavit-outcome"]) and answer.headers["x-affidavit-reason"] != "try_again"
        if answer.status not in (200, 202):
            if answer.status != 503:
                self.wrong.append(f"{answer.status} {fields}: {answer.text[:300]}")
            return answer.status != 503
        self.answers.append(json.loads(answer.text))
        return True


def test_each_event_counts_once_however_often_and_by_however_many_it_is_reported(tmp_path):
    chance = random.Random(20261121)
    with Installation(tmp_path) as it:
        advertiser, *clicks = json.loads(it.manage("shell", "-c", SETUP).strip().splitlines()[-1])
        events = real_events(advertiser, clicks)
        senders = Senders(it, all_requests(events, chance))
        senders.send_all()
        assert not senders.wrong
        assert senders.tried_again, "killing the web server was to break off some answers"
        it.until(
            lambda: not it.query("SELECT 1 FROM conversions_postback WHERE decided_at IS NULL LIMIT 1"),
            what="left-over postbacks to be decided",
        )
        it.until(lambda: not it.query("SELECT 1 FROM conversions_parkedpostback LIMIT 1"), what="nothing to wait")
        it.until(
            lambda: not it.query("SELECT 1 FROM conversions_conversion WHERE booked_at IS NULL LIMIT 1"),
            what="the worker to book every conversion",
        )
        check_events(it, events, clicks)
        check_answers(it, senders)
        it.manage("verify_ledger")


def check_events(it: Installation, events: list[Event], clicks: list[str]) -> None:
    rows = it.query(WHAT_CAME)
    names = Counter(transaction or str(click) for _, transaction, click, *_ in rows)
    assert max(names.values()) == 1
    assert len(rows) == len(events) == SALES + SIGN_UPS + ORDERS
    wanted = Counter((event.status, float(event.commission)) for event in events)
    assert Counter((status, owed) for *_, status, _, owed, _ in rows) == wanted
    by_name = {transaction: (status, owed) for _, transaction, _, status, _, owed, _ in rows if transaction}
    sent = {event.name: (event.status, float(event.commission)) for event in events if event.name[0] in "SO"}
    assert {name: found for name, found in by_name.items() if name in sent} == sent
    assert max(commissions for *_, commissions in rows) == 1
    owner = {click: ("Ana", "Ben")[number % 2] for number, click in enumerate(clicks)}
    earned: dict[str, Decimal] = defaultdict(Decimal)
    for event in events:
        earned[owner[event.click]] += event.commission
    shown = json.loads(it.manage("shell", "-c", BALANCE).strip().splitlines()[-1])
    assert {name: Decimal(text) for name, text in shown.items()} == earned


def check_answers(it: Installation, senders: Senders) -> None:
    """Every request that was answered is stored and decided, each as a request of its own."""
    reported = [answer["postback_id"] for answer in senders.answers if answer["postback_id"]]
    assert len(reported) == len(set(reported))
    stored = {public_id for (public_id,) in it.query("SELECT public_id FROM conversions_postback")}
    assert set(reported) <= stored
    assert len(stored) >= REQUESTS
    outcomes = {answer["outcome"] for answer in senders.answers}
    assert outcomes <= {"accepted", "updated", "duplicate", "held", "unavailable"}
