"""What makes two postbacks one event, as the goal says: the transaction, the click, or the customer, once ever."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from affiliates.models import Offer
from conversions.admin.forms import GoalForm
from conversions.intake import Decision
from conversions.models import Conversion, Goal
from tests.conversions.sending import NOW, World, outcome, send, send_all
from tests.factories import GoalFactory, OfferFactory

pytestmark = pytest.mark.django_db
By = Goal.DedupeBy
DUPLICATE = (200, "duplicate", "duplicate")


@pytest.fixture
def world(db: None) -> World:
    return World()


def by(goal: Goal, value: str, **fields: Any) -> None:
    Goal.objects.filter(pk=goal.pk).update(dedupe_by=value, **fields)


def test_once_for_a_customer_whatever_the_transaction_and_click_say(world: World) -> None:
    by(world.purchase, By.CUSTOMER, needs_customer_id=True)
    fields = {"event_type": "purchase", "customer_id": "Carl", "revenue": "10", "currency": "EUR"}
    first = send(click_id=world.click(), txid="1", **fields)
    assert outcome(first)[1] == "accepted"
    again = [
        send(click_id=world.click(), txid="2", **{**fields, "revenue": "99"}),
        send(click_id=world.click(), **fields),
        send(txid="3", **fields),
    ]
    assert [outcome(found) for found in again] == [DUPLICATE] * 3
    assert {found.body["conversion_id"] for found in again} == {first.body["conversion_id"]}
    assert outcome(send(click_id=world.click(), txid="1", **{**fields, "customer_id": "Dora"}))[1] == "accepted"


def test_once_for_a_click(world: World) -> None:
    by(world.purchase, By.CLICK)
    cid = world.click()
    batch = [{"click_id": cid, "txid": str(number), "event_type": "purchase"} for number in (1, 2, 3)]
    assert [outcome(found)[1] for found in send_all(batch)] == ["accepted", "duplicate", "duplicate"]
    assert outcome(send(click_id=world.click(), txid="1", event_type="purchase"))[1] == "accepted"


@pytest.mark.parametrize("value", [By.CLICK, By.CUSTOMER])
def test_a_status_update_may_name_the_transaction_alone(world: World, value: str) -> None:
    by(world.purchase, value, needs_customer_id=True)
    send(click_id=world.click(), txid="1", event_type="purchase", customer_id="Carl")
    update = send(txid="1", event_type="purchase", status="rejected")
    assert outcome(update) == (200, "updated", "status_updated")
    assert Conversion.objects.get().status == "rejected"


def test_the_same_transaction_with_other_money_is_still_a_conflict(world: World) -> None:
    by(world.purchase, By.CUSTOMER, needs_customer_id=True)
    fields = {"event_type": "purchase", "customer_id": "Carl", "currency": "EUR", "txid": "1"}
    send(click_id=world.click(), revenue="10", **fields)
    assert outcome(send(revenue="20", **fields)) == (409, "conflict", "transaction_conflict")


def later(world: World, cid: str, hours: float, **fields: Any) -> Decision:
    at = NOW + timedelta(hours=hours)
    return send(at=at, click_id=cid, event_type="purchase", **fields)


def test_without_a_transaction_a_click_counts_again_after_the_window(world: World) -> None:
    by(world.purchase, By.TRANSACTION, dedupe_window=timedelta(hours=24))
    cid = world.click()
    hours = (0, 1, 23.9, 24.5, 25, 48, 49)
    answers = [outcome(later(world, cid, each))[1] for each in hours]
    assert answers == ["accepted", "duplicate", "duplicate", "accepted", "duplicate", "duplicate", "accepted"]
    assert Conversion.objects.count() == 3
    # What happened in an earlier window, and is sent late, is no new event either.
    assert outcome(later(world, cid, 50, timestamp=(NOW + timedelta(hours=2)).isoformat()))[1] == "duplicate"


def test_the_window_concerns_no_transaction(world: World) -> None:
    by(world.purchase, By.TRANSACTION, dedupe_window=timedelta(hours=24))
    cid = world.click()
    assert [outcome(later(world, cid, 0, txid=name))[1] for name in "ab"] == ["accepted", "accepted"]
    assert outcome(later(world, cid, 48, txid="a"))[1] == "duplicate"


def test_tests_stay_apart(world: World) -> None:
    by(world.purchase, By.CUSTOMER, needs_customer_id=True)
    fields = {"event_type": "purchase", "customer_id": "Carl", "txid": "1"}
    assert outcome(send(click_id=world.click(), test="1", **fields))[1] == "accepted"
    assert outcome(send(click_id=world.click(), **fields))[1] == "accepted"


def test_the_database_wants_the_customer_known(world: World) -> None:
    with pytest.raises(IntegrityError, match="goal_once_for_customer_knows_it"), transaction.atomic():
        by(world.purchase, By.CUSTOMER)


def form(goal: Goal, **changed: Any) -> GoalForm:
    given = {name: getattr(goal, name) for name in ("name", "code", "kind", "position", "is_active", "approval")}
    return GoalForm({**given, "offer": goal.offer_id, "dedupe_by": "transaction", **changed}, instance=goal)


def test_the_form_explains_what_does_not_fit(world: World) -> None:
    assert form(world.purchase).is_valid()
    assert "needs_customer_id" in form(world.purchase, dedupe_by="customer").errors
    assert "dedupe_window" in form(world.purchase, dedupe_by="click", dedupe_window="2").errors
    other: Offer = OfferFactory(advertiser=world.advertiser, name="Lucky Fox Poker")
    GoalFactory(offer=other, code="purchase")
    found = form(world.purchase, dedupe_by="click").errors["dedupe_by"][0]
    assert "Lucky Fox Poker has a goal with this code" in found
