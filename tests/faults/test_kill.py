"""`kill -9` of web, worker and database under a run of clicks and postbacks: nothing answered is lost or doubled."""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faults.installation import Installation
from tracking.capture import spool
from tracking.click_id import codec

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(300)]

KILLS = 20
SETUP = """
from decimal import Decimal
from tests.scenarios.story import Program
program = Program("Shop", vertical="shop")
program.goal("purchase", flat="10")
program.enroll("Ana")
program.links["Ana"].code = "ana-shop"
program.links["Ana"].save()
"""


class Visitors:
    """Threads that click and buy until told to stop, and remember what they were answered."""

    def __init__(self, web, number=6, *, buying=0.5):
        self.web, self.buying, self.stopping = web, buying, threading.Event()
        self.clicks: list[str] = []
        self.conversions: dict[str, str] = {}
        self.failures = 0
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(number)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        chance = random.Random(number)
        while not self.stopping.is_set():
            try:
                cid = self.web.click("ana-shop", sub1=number)
                self.clicks.append(cid)
                if chance.random() < self.buying:
                    self.buy(cid, chance)
            except OSError:
                self.failures += 1
                time.sleep(0.05)

    def buy(self, cid, chance):
        """Send the postback as a good sender does: again, until it is answered."""
        txid = uuid4().hex
        while True:
            try:
                answer = self.web.postback(
                    token="aft_shop", click_id=cid, txid=txid, event_type="purchase", revenue="50"
                )
            except OSError:
                answer = None
            if answer and answer.status == 200:
                assert answer.json["outcome"] in {"accepted", "duplicate"}, answer.text
                self.conversions[txid] = answer.json["conversion_id"]
                if chance.random() < 0.7:
                    return
            elif answer:
                assert answer.status == 503, answer.text
            if self.stopping.is_set():
                return
            time.sleep(0.05)


def check_nothing_is_lost_or_doubled(it, visitors):
    stored = [row[0] for row in it.query("SELECT id FROM tracking_click")]
    answered = {codec.parse(text).uuid for text in visitors.clicks}
    assert len(stored) == len(set(stored))
    assert answered <= set(stored)
    kept = it.query("SELECT transaction_id, public_id FROM conversions_conversion")
    assert len(kept) == len({txid for txid, _ in kept})
    assert visitors.conversions.items() <= dict(kept).items()
    it.until(
        lambda: not it.query("SELECT 1 FROM conversions_conversion WHERE booked_at IS NULL LIMIT 1"),
        what="the worker to book every conversion",
    )
    it.until(
        lambda: not it.query("SELECT 1 FROM conversions_postback WHERE decided_at IS NULL LIMIT 1"),
        what="left-over postbacks to be decided",
    )
    ((conversions,),) = it.query("SELECT count(*) FROM conversions_conversion WHERE status = 'approved'")
    ((entries, total),) = it.query("SELECT count(*), sum(amount) FROM payouts_ledgerentry")
    assert entries == conversions
    assert total == 10 * conversions
    it.manage("verify_ledger")


def test_killing_each_part_under_load_loses_and_doubles_nothing(tmp_path):
    chance = random.Random(20261120)
    with Installation(tmp_path) as it:
        it.manage("shell", "-c", SETUP)
        with Visitors(it.web) as visitors:
            for part in ("web", "database", "worker", "web", "database"):
                time.sleep(0.8 + chance.random())
                answered = len(visitors.clicks)
                it.kill(part)
                time.sleep(chance.random())
                it.revive(part)
                it.until(
                    lambda before=answered: len(visitors.clicks) > before, what=f"clicks after the {part} came back"
                )
        assert len(visitors.clicks) > 100
        assert len(visitors.conversions) > 20
        it.until(lambda: spool.state(tmp_path / "spool").segments == 0, what="the spool to be drained")
        check_nothing_is_lost_or_doubled(it, visitors)


@pytest.mark.timeout(900)
def test_twenty_random_kills_under_load_lose_and_double_nothing(tmp_path):
    """Any part, whole or one of its processes alone; AFFIDAVIT_KILLS_SEED repeats a run."""
    seed = int(os.environ.get("AFFIDAVIT_KILLS_SEED", "") or random.randrange(10**6))
    chance = random.Random(seed)
    killed = Counter()
    with Installation(tmp_path) as it:
        it.manage("shell", "-c", SETUP)
        with Visitors(it.web) as visitors:
            for _ in range(KILLS):
                time.sleep(chance.random())
                part, is_whole = chance.choice(("web", "database", "worker", "redis", "beat")), chance.random() < 0.5
                killed[part if is_whole else f"one process of {part}"] += 1
                kill = it.kill if is_whole else partial(kill_one_process, chance=chance, it=it)
                kill(part)
                time.sleep(chance.random())
                it.revive(part)
                answered = len(visitors.clicks)
                it.until(
                    lambda before=answered: len(visitors.clicks) > before, what=f"clicks after the {part}, seed {seed}"
                )
        print(
            f"seed {seed}: killed {dict(killed)}; {len(visitors.clicks)} clicks and {len(visitors.conversions)} "
            f"conversions answered, {visitors.failures} clicks without an answer"
        )
        it.until(lambda: spool.state(tmp_path / "spool").segments == 0, what="the spool to be drained")
        check_nothing_is_lost_or_doubled(it, visitors)


def kill_one_process(part, *, chance, it):
    """`kill -9` of one process of a part: the first, or one of those that it started."""
    leader = it.daemon(part).pid
    children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    with suppress(ProcessLookupError):
        os.kill(int(chance.choice([leader, *children])), signal.SIGKILL)


def test_without_its_database_it_goes_on_redirecting_and_catches_up(tmp_path):
    """Killed, then frozen: every click is redirected, every one is stored once, postbacks are told to try again."""
    with Installation(tmp_path) as it:
        it.manage("shell", "-c", SETUP)
        it.web.click("ana-shop")
        with Visitors(it.web, 4, buying=0) as visitors:
            time.sleep(1)
            it.kill("database")
            time.sleep(5)
            refused = it.web.postback(token="aft_shop", txid="1", event_type="purchase", revenue="1")
            it.revive("database")
            time.sleep(1)
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for pid in it.postgres._processes():
                    with suppress(ProcessLookupError):  # Its helpers come and go.
                        os.kill(pid, number)
                time.sleep(6 if number == signal.SIGSTOP else 2)
        assert visitors.failures == 0
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        it.until(lambda: spool.state(tmp_path / "spool").segments == 0, what="the spool to be drained")
        stored = [row[0] for row in it.query("SELECT id FROM tracking_click")]
        assert len(stored) == len(set(stored))
        assert {codec.parse(text).uuid for text in visitors.clicks} <= set(stored)
        assert len(visitors.clicks) > 500


def test_approved_conversion_is_booked_by_the_worker_and_trace_is_there(tmp_path):
    """The demo's promise, on the same processes: from the click to the ledger without a hand."""
    with Installation(tmp_path) as it:
        it.manage("shell", "-c", SETUP)
        cid = it.web.click("ana-shop")
        answer = it.web.postback(token="aft_shop", click_id=cid, txid="1", event_type="purchase", revenue="9")
        assert json.loads(answer.text)["outcome"] == "accepted"
        it.until(
            lambda: it.query("SELECT amount FROM payouts_ledgerentry") == [(10,)], what="the commission of 10.00 EUR"
        )
        reversal = it.web.postback(token="aft_shop", txid="1", event_type="purchase", status="rejected")
        assert reversal.json["outcome"] == "updated"
        it.until(
            lambda: it.query("SELECT sum(amount) FROM payouts_ledgerentry") == [(0,)], what="the reversal to be booked"
        )
