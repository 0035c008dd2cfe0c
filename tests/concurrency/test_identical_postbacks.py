"""Fifty times the same postback at once, to two processes: one conversion, one commission."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections

from conversions.intake import pipeline
from conversions.intake.judge.look_up import look_up_events
from conversions.intake.read.lock import lock_events
from conversions.models import Conversion, Postback
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.conversions.sending import TOKEN, World, send
from tests.factories import ClickFactory, CommissionPlanFactory, CommissionRuleFactory, PlanVersionFactory
from tests.servers import Web, database_url, running
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    world = World()
    version = PlanVersionFactory(plan=CommissionPlanFactory(offer=world.offer))
    CommissionRuleFactory(version=version, goal=world.purchase, amount=Decimal("25"))
    return world


@pytest.fixture
def web(tmp_path):
    web = Web(log=tmp_path / "web.log", env={"DATABASE_URL": database_url()})
    with running(web):
        yield web


def at_once(number, action):
    """Run an action in so many threads that all start together; the results in any order."""
    barrier = threading.Barrier(number)

    def run(n):
        barrier.wait(30)
        try:
            return action(n)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_fifty_identical_postbacks_make_one_conversion_and_one_commission(world, web):
    cid = web.click(world.ana_link.code)
    fields = {"token": TOKEN, "click_id": cid, "txid": "once", "event_type": "purchase", "revenue": "80"}
    answers = at_once(50, lambda n: web.postback(**fields))
    assert {answer.status for answer in answers} == {200}
    outcomes = [answer.json["outcome"] for answer in answers]
    assert sorted(outcomes) == ["accepted"] + ["duplicate"] * 49
    assert len({answer.json["conversion_id"] for answer in answers}) == 1
    assert Postback.objects.count() == 50
    at_once(4, lambda n: book_changes())
    assert [(entry.affiliate, entry.amount) for entry in LedgerEntry.objects.all()] == [(world.ana, Decimal(25))]


def test_without_a_transaction_id_the_click_decides_just_as_well(world, web):
    cid = web.click(world.ana_link.code)
    answers = at_once(20, lambda n: web.postback(token=TOKEN, click_id=cid, event_type="purchase"))
    assert sorted(answer.json["outcome"] for answer in answers) == ["accepted"] + ["duplicate"] * 19
    assert Conversion.objects.count() == 1


def test_first_deposits_of_one_customer_race_and_one_wins(world, web):
    cid = web.click(world.ana_link.code)

    def deposit(n):
        return web.postback(
            token=TOKEN, click_id=cid, txid=f"f{n}", event_type="ftd", customer_id="c", revenue="50"
        ).json

    answers = at_once(12, deposit)
    assert sorted(answer["reason"] for answer in answers) == ["not_first"] * 11 + ["ok"]
    assert Conversion.objects.filter(status="approved").count() == 1


def test_the_race_is_real_without_the_lock(world, monkeypatch):
    """Without the advisory lock both threads find no conversion; then only the constraint is left to refuse."""
    cid = codec.text_of(ClickFactory(link=world.ana_link).id)
    both_have_looked = threading.Barrier(2)

    def look_then_wait(cases):
        look_up_events(cases)
        both_have_looked.wait(10)

    monkeypatch.setattr(pipeline, "READ", tuple(step for step in pipeline.READ if step is not lock_events))
    monkeypatch.setattr(pipeline, "JUDGE", (look_then_wait, *pipeline.JUDGE[1:]))
    errors = at_once(
        2, lambda n: _error_of(lambda: send(click_id=cid, txid="race", event_type="ftd", customer_id="c", revenue="50"))
    )
    assert sorted(error is None for error in errors) == [False, True]
    assert Conversion.objects.count() == 1
    assert connection.vendor == "postgresql"


def _error_of(action):
    try:
        action()
    except Exception as error:
        return error
    return None
