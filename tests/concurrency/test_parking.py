"""A deposit and the registration that it waits for at the same moment, in two processes: never both parked."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from conversions.intake import pipeline, resume_parked
from conversions.intake.judge.find_origin import report_unknown_origin
from conversions.intake.read.lock import lock_events
from conversions.intake.write.parked import wake_parked
from conversions.models import Conversion, ParkedPostback, Trace
from payouts.ledger.booking import book_changes
from tests.concurrency.test_identical_postbacks import at_once
from tests.conversions.sending import NOW, TOKEN, World, send
from tests.servers import Web, database_url, running

pytestmark = pytest.mark.django_db(transaction=True)
PAIRS = 12


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(tmp_path):
    web = Web(log=tmp_path / "web.log", env={"DATABASE_URL": database_url()})
    with running(web):
        yield web


def deposit(customer, **fields):
    return {"event_type": "deposit", "customer_id": customer, "txid": f"d-{customer}", "revenue": "50", **fields}


def registration(world, customer):
    return {
        "click_id": world.click(),
        "event_type": "registration",
        "customer_id": customer,
        "txid": f"r-{customer}",
        "timestamp": NOW.isoformat(),
    }


def test_registration_and_deposit_at_the_same_moment_in_two_processes(world, web):
    there = [registration(world, f"c-{n}") for n in range(PAIRS)]

    def act(n):
        customer = n // 2
        if n % 2:
            return web.postback(token=TOKEN, **there[customer]).json["outcome"]
        return send(at=datetime.now(UTC), **deposit(f"c-{customer}")).body["outcome"]

    outcomes = at_once(PAIRS * 2, act)
    assert set(outcomes[1::2]) == {"accepted"}
    assert set(outcomes[::2]) <= {"accepted", "held"}
    assert not ParkedPostback.objects.exists()
    assert Conversion.objects.filter(goal=world.deposit, status="approved").count() == PAIRS


def test_sale_and_its_reversal_at_the_same_moment(world):
    clicks = [world.click() for _ in range(PAIRS)]

    def act(n):
        event = {"click_id": clicks[n // 2], "event_type": "purchase", "txid": f"s{n // 2}"}
        return send(**event, revenue="80") if n % 2 else send(**event, status="rejected")

    at_once(PAIRS * 2, act)
    assert not ParkedPostback.objects.exists()
    assert set(Conversion.objects.values_list("status", "reason")) == {("rejected", "reversed")}
    assert {row.status_changes.count() for row in Conversion.objects.all()} == {2}


def test_two_workers_decide_each_parked_one_once(world):
    for n in range(PAIRS):
        send(**deposit("c-1", txid=f"d{n}"))
    ParkedPostback.objects.update(awaited="another customer")  # so that the registration wakes no parked postback
    send(**registration(world, "c-1"))
    ParkedPostback.objects.update(awaited="c-1")
    at_once(4, lambda n: resume_parked(now=NOW + timedelta(minutes=2)))
    assert not ParkedPostback.objects.exists()
    assert Conversion.objects.filter(goal=world.deposit).count() == PAIRS
    assert Trace.objects.count() == PAIRS * 2 + 1
    assert book_changes() == PAIRS + 1


def test_the_race_is_real_without_the_lock(world, monkeypatch):
    """Without the advisory lock each looks before the other has written; then only the sweep brings them together."""
    both_have_looked = threading.Barrier(2)
    looked = pipeline.JUDGE.index(report_unknown_origin) + 1

    def wait(cases):
        both_have_looked.wait(10)

    there = registration(world, "c-1")
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "READ", tuple(step for step in pipeline.READ if step is not lock_events))
        patched.setattr(pipeline, "JUDGE", (*pipeline.JUDGE[:looked], wait, *pipeline.JUDGE[looked:]))
        patched.setattr(pipeline, "WRITE", tuple(step for step in pipeline.WRITE if step is not wake_parked))
        at_once(2, lambda n: send(**there) if n else send(**deposit("c-1")))
    assert ParkedPostback.objects.count() == 1
    assert resume_parked(now=NOW + timedelta(minutes=2)) == 1
    assert not ParkedPostback.objects.exists()
    assert Conversion.objects.count() == 2
