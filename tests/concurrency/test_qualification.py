"""Rules at once: two events of one customer, and a cap that many customers race for."""

from decimal import Decimal

import pytest

from conversions.models import Conversion, QualificationRule
from conversions.qualification.waits import re_evaluate
from tests.concurrency.test_identical_postbacks import at_once
from tests.conversions.sending import NOW, World, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return World()


def test_two_deposits_at_once_add_up(world):
    QualificationRule.objects.create(
        goal=world.purchase, kind="accumulated", amount=Decimal(100), other_goal=world.deposit
    )
    cid = world.click()
    send(click_id=cid, txid="p", event_type="purchase", customer_id="c", revenue="10")
    at_once(6, lambda n: send(click_id=cid, txid=f"d{n}", event_type="deposit", customer_id="c", revenue="15"))
    assert Conversion.objects.get(transaction_id="p").status == "approved"


def test_a_cap_is_not_overrun_by_requests_at_once(world):
    QualificationRule.objects.create(goal=world.purchase, kind="cap", number=3, scope="affiliate", period="day")
    clicks = [world.click() for _ in range(8)]
    at_once(8, lambda n: send(click_id=clicks[n], txid=f"p{n}", event_type="purchase"))
    assert Conversion.objects.filter(status="approved").count() == 3
    assert Conversion.objects.filter(reason="over_cap").count() == 5


def test_a_sweep_and_an_event_at_once_move_a_conversion_once(world):
    QualificationRule.objects.create(goal=world.purchase, kind="requires", other_goal=world.registration)
    cid = world.click()
    for n in range(4):
        send(click_id=cid, txid=f"p{n}", event_type="purchase", customer_id=f"c{n}")

    def act(n):
        if n < 4:
            return send(click_id=cid, txid=f"r{n}", event_type="registration", customer_id=f"c{n}")
        return re_evaluate(now=NOW)

    at_once(8, act)
    re_evaluate(now=NOW)
    rows = Conversion.objects.filter(goal=world.purchase)
    assert {(row.status, row.status_changes.count()) for row in rows} == {("approved", 2)}
