"""What a rule rejected may be corrected and sent again: decided anew, into the same conversion, once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from affiliates.models import Offer, User
from conversions.intake import Decision, intake
from conversions.lifecycle.operator_decisions import approve, reject
from conversions.models import (
    Conversion,
    Correction,
    Postback,
    QualificationRule,
    QualificationWait,
    RiskReview,
    StatusChange,
)
from conversions.qualification.waits import re_evaluate
from conversions.reasons.codes import Reason
from conversions.replay import replay
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.conversions.sending import NOW, World, outcome, received, send, send_all
from tests.payouts.deals import deal, flat, percent

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return World()


class Deposit:
    """A first deposit of at least 20 EUR, as sent; each sending may say something otherwise."""

    def __init__(self, world: World, **fields: Any) -> None:
        given = {"event_type": "ftd", "txid": "F-1", "customer_id": "carl", "revenue": "5", "currency": "EUR"}
        self.fields = {"click_id": world.click(), **given, **fields}

    def send(self, **fields: Any) -> Decision:
        return send(**{**self.fields, **fields})


def the_row() -> Conversion:
    """The conversion that is corrected: the first one made."""
    return Conversion.objects.earliest("pk")


def state() -> tuple[str, str]:
    row = the_row()
    return row.status, row.reason


def owed() -> Decimal:
    book_changes()
    return sum((row.amount for row in LedgerEntry.objects.all()), Decimal(0))


def test_a_corrected_amount_is_decided_anew_in_the_same_conversion(world: World) -> None:
    deal(flat(world.ftd, "120"))
    deposit = Deposit(world)
    first = deposit.send()
    assert outcome(first) == (200, "rejected", "below_minimum")
    second = deposit.send(revenue="50")
    assert outcome(second) == (200, "updated", "corrected")
    assert second.body["conversion_id"] == first.body["conversion_id"]
    assert second.body["status"] == "approved"
    assert (the_row().revenue, *state()) == (50, "approved", "corrected")
    assert (owed(), owed()) == (120, 120)


def test_says_from_what_to_what(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    second = deposit.send(revenue="50")
    change = the_row().status_changes.last()
    assert change is not None
    assert (change.from_status, change.to_status, change.reason) == ("rejected", "approved", "corrected")
    assert change.note == "Corrected: revenue."
    assert change.postback is not None
    assert change.postback.public_id == second.postback_id
    correction = Correction.objects.get()
    assert correction.changes == [("revenue", "5", "50")]
    assert "revenue 5.00 → 50.00" in str(change.postback.traces.get().steps)
    raw = [dict(row.parameters)["revenue"] for row in Postback.objects.order_by("pk")]
    assert raw == ["5", "50"]


def test_identical_facts_stay_a_duplicate_that_says_what_to_fix(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    again = deposit.send(revenue="5.00")
    assert outcome(again) == (200, "duplicate", "duplicate")
    assert "below the goal's minimum" in again.body["message"]
    assert "send the same txid with the right one" in again.body["message"]
    assert not Correction.objects.exists()


def test_a_retry_with_the_time_of_sending_is_no_correction(world: World) -> None:
    deposit = Deposit(world)
    deposit.send(timestamp=(NOW - HOUR / 2).isoformat())
    assert outcome(deposit.send(timestamp=NOW.isoformat())) == (200, "duplicate", "duplicate")


def test_what_fails_again_names_the_rule_and_keeps_the_last_word(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    again = deposit.send(revenue="19.99")
    assert outcome(again) == (200, "rejected", "below_minimum")
    steps = Postback.objects.get(public_id=again.postback_id).traces.get().steps
    assert any(step["step"] == "qualify" and step["rule"] == "minimum revenue 20.00 EUR" for step in steps)
    assert (the_row().revenue, *state()) == (Decimal("19.99"), "rejected", "below_minimum")
    assert the_row().status_changes.count() == 1
    assert outcome(deposit.send(revenue="20")) == (200, "updated", "corrected")
    assert [row.changes for row in Correction.objects.all()] == [
        [("revenue", "5", "19.99")],
        [("revenue", "19.99", "20")],
    ]


@pytest.mark.parametrize(
    ("mistake", "reason", "repaired"),
    [
        ({"timestamp": (NOW - 2 * DAY).isoformat()}, "before_click", {"timestamp": (NOW - HOUR / 2).isoformat()}),
        ({"country": "FR"}, "country_not_allowed", {"country": "DE"}),
        ({"revenue": "5", "currency": "EUR"}, "below_minimum", {"currency": "USD"}),
        ({"customer_id": "bea"}, "not_first", {"customer_id": "carl"}),
    ],
)
def test_any_fact_may_be_what_was_wrong(
    world: World, mistake: dict[str, str], reason: str, repaired: dict[str, str]
) -> None:
    QualificationRule.objects.create(goal=world.ftd, kind="country", countries=["DE"])
    Deposit(world, revenue="50", txid="F-0", customer_id="bea", country="DE").send()
    deposit = Deposit(world, **{"revenue": "50", "country": "DE", **mistake})
    first = deposit.send()
    assert outcome(first) == (200, "rejected", reason)
    second = deposit.send(**repaired)
    assert outcome(second) == (200, "updated", "corrected")
    row = Conversion.objects.get(public_id=first.body["conversion_id"])
    assert row.status == ("pending" if "currency" in repaired else "approved")
    assert row.reason == ("awaits_approval" if "currency" in repaired else "corrected")


def test_the_corrected_customer_is_locked_to_the_affiliate(world: World) -> None:
    Deposit(world, revenue="50", txid="F-0", customer_id="bea").send()
    deposit = Deposit(world, revenue="50", customer_id="bea")
    deposit.send()
    deposit.send(customer_id="carl")
    row = Conversion.objects.get(transaction_id="F-1")
    assert row.customer is not None
    assert row.customer.customer_id == "carl"
    assert row.customer.locks.get().enrollment.affiliate == world.ana


def test_old_words_do_not_undo_a_correction(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    deposit.send(revenue="50")
    assert outcome(deposit.send()) == (200, "duplicate", "duplicate")
    replay(list(Postback.objects.all()), by="Olga", now=NOW)
    assert (the_row().revenue, *state()) == (50, "approved", "corrected")
    assert [row.outcome for row in Postback.objects.order_by("pk")] == ["rejected", "updated", "duplicate"]


def test_nor_do_they_where_the_correction_failed_again(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    deposit.send(revenue="10")
    assert outcome(deposit.send()) == (200, "duplicate", "duplicate")
    replay(list(Postback.objects.all()), by="Olga", now=NOW)
    assert (the_row().revenue, Correction.objects.count()) == (10, 1)


def test_the_right_one_before_the_wrong_one_stands(world: World) -> None:
    deposit = Deposit(world)
    deposit.send(revenue="50")
    assert outcome(deposit.send(revenue="5")) == (409, "conflict", "transaction_conflict")
    assert (the_row().revenue, *state()) == (50, "approved", "ok")


def test_one_batch_brings_the_mistake_and_its_corrections(world: World) -> None:
    fields = Deposit(world).fields
    batch = [fields, {**fields, "revenue": "10"}, {**fields, "revenue": "50"}, {**fields, "revenue": "60"}]
    found = [outcome(decision)[1:] for decision in send_all(batch)]
    assert found == [
        ("rejected", "below_minimum"),
        ("rejected", "below_minimum"),
        ("updated", "corrected"),
        ("conflict", "transaction_conflict"),
    ]
    assert the_row().revenue == 50


@pytest.mark.parametrize("reversal_first", [True, False])
def test_a_reversal_holds_before_and_after_a_correction(world: World, reversal_first: bool) -> None:
    fields = Deposit(world).fields
    send(**fields)
    corrected, reversal = {**fields, "revenue": "50"}, {"txid": "F-1", "event_type": "ftd", "status": "rejected"}
    send_all([reversal, corrected] if reversal_first else [corrected, reversal])
    assert state() == ("rejected", "sent_rejected" if reversal_first else "reversed")
    assert outcome(send(**{**fields, "revenue": "70"})) == (409, "conflict", "transaction_conflict")
    assert owed() == 0


def test_what_the_sender_rejected_itself_is_not_counted_by_a_correction(world: World) -> None:
    order = Deposit(world, timestamp=(NOW - 2 * DAY).isoformat())
    order.send()
    assert state() == ("rejected", "before_click")
    order.send(status="rejected")
    repaired = order.send(revenue="60", status="approved", timestamp=NOW.isoformat())
    assert outcome(repaired) == (409, "conflict", "transaction_conflict")
    assert state() == ("rejected", "sent_rejected")


def test_a_replay_of_the_event_itself_is_no_later_rejection(world: World) -> None:
    deposit = Deposit(world, txid=None, status="rejected")
    deposit.send()
    assert state() == ("rejected", "below_minimum")
    replay(list(Postback.objects.all()), by="Olga", now=NOW)
    assert state() == ("rejected", "below_minimum")
    assert outcome(deposit.send(status=None, revenue="50")) == (409, "conflict", "transaction_conflict")


def test_a_persons_word_stays(world: World, olga: User) -> None:
    world.ftd.approval = "by_hand"
    world.ftd.save()
    deposit = Deposit(world, revenue="50")
    deposit.send()
    reject(conversion_id=the_row().pk, reason=Reason.OPERATOR_REJECTED, note="No", actor=olga, now=NOW)
    assert outcome(deposit.send(revenue="60")) == (409, "conflict", "transaction_conflict")
    assert state() == ("rejected", "operator_rejected")


def test_what_was_approved_on_appeal_stays(world: World, olga: User) -> None:
    deposit = Deposit(world)
    deposit.send()
    approve(conversion_id=the_row().pk, actor=olga, now=NOW, note="Fine")
    assert outcome(deposit.send(revenue="50")) == (409, "conflict", "transaction_conflict")
    assert (the_row().revenue, *state()) == (5, "approved", "appeal")


def test_what_was_refunded_stays(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    send(txid="F-1", event_type="ftd", refund="2", currency="EUR")
    assert outcome(deposit.send(revenue="50")) == (409, "conflict", "transaction_conflict")


def test_half_a_correction_is_asked_to_come_whole(world: World) -> None:
    Deposit(world).send()
    half = send(txid="F-1", event_type="ftd", revenue="50", currency="EUR")
    assert outcome(half) == (409, "conflict", "transaction_conflict")
    assert "Send it again in full, with this txid and corrected facts" in half.body["message"]


def test_a_correction_does_not_move_the_event_to_another_affiliate(world: World) -> None:
    deposit = Deposit(world)
    deposit.send()
    moved = deposit.send(revenue="50", click_id=world.click(world.ben_link))
    assert outcome(moved) == (409, "conflict", "transaction_conflict")
    assert (the_row().affiliate, *state()) == (world.ana, "rejected", "below_minimum")


def test_a_pixel_corrects_nothing(world: World) -> None:
    world.advertiser.allows_pixel = world.advertiser.trusts_pixel = True
    world.advertiser.save()
    deposit = Deposit(world)
    deposit.send()
    fields = {**deposit.fields, "revenue": "50", "token": None, "advertiser": world.advertiser.public_id}
    [decision] = intake([received(fields, endpoint=Postback.Endpoint.PIXEL)], now=NOW)
    assert outcome(decision) == (200, "duplicate", "duplicate")
    assert state() == ("rejected", "below_minimum")


def test_the_servers_word_on_what_a_pixel_reported_wrongly_meets_the_rules(world: World) -> None:
    world.advertiser.allows_pixel = True
    world.advertiser.save()
    deposit = Deposit(world, txid=None)
    fields = {**deposit.fields, "token": None, "advertiser": world.advertiser.public_id}
    intake([received(fields, endpoint=Postback.Endpoint.PIXEL)], now=NOW)
    assert state() == ("rejected", "below_minimum")
    assert outcome(deposit.send(txid="F-1", status="approved")) == (200, "rejected", "below_minimum")
    assert outcome(deposit.send(txid="F-1", status="approved", revenue="50")) == (200, "updated", "corrected")
    assert (the_row().transaction_id, the_row().reported_by, *state()) == ("F-1", "native", "approved", "corrected")


def test_a_corrected_event_waits_for_what_its_goal_asks(world: World) -> None:
    registration = world.registration
    QualificationRule.objects.create(goal=world.ftd, kind="requires", other_goal=registration, within=30 * DAY)
    deposit = Deposit(world)
    deposit.send()
    assert outcome(deposit.send(revenue="50")) == (200, "updated", "corrected")
    assert state() == ("pending", "awaits_rules")
    send(click_id=deposit.fields["click_id"], event_type="registration", txid="R", customer_id="carl")
    assert state() == ("approved", "qualified")


def test_what_waited_in_vain_may_wait_again(world: World) -> None:
    QualificationRule.objects.create(goal=world.purchase, kind="requires", other_goal=world.deposit, within=DAY)
    order = Deposit(world, event_type="purchase", revenue="50", timestamp=(NOW - HOUR / 2).isoformat())
    order.send()
    re_evaluate(now=NOW + 2 * DAY)
    assert state() == ("rejected", "not_qualified")
    at = NOW + 2 * DAY
    second = send(**{**order.fields, "timestamp": at.isoformat()}, at=at)
    assert (outcome(second), state()) == ((200, "updated", "corrected"), ("pending", "awaits_rules"))
    assert QualificationWait.objects.get().ended_at is None
    fields = {"click_id": order.fields["click_id"], "event_type": "deposit", "txid": "D", "revenue": "1"}
    send(**fields, customer_id="carl", at=at)
    assert state() == ("approved", "qualified")


def test_marks_of_risk_hold_what_is_corrected(world: World) -> None:
    deposit = Deposit(world, click_id=world.click(is_bot=True, marked_at=NOW))
    deposit.send()
    assert outcome(deposit.send(revenue="50")) == (202, "held", "risk_review")
    assert state() == ("pending", "risk_review")
    assert RiskReview.objects.get().resolved_at is None


def test_a_delay_counts_from_when_the_event_came_first(world: World) -> None:
    world.ftd.approval, world.ftd.approval_delay = "after_delay", 7 * DAY
    world.ftd.save()
    deposit = Deposit(world)
    deposit.send()
    send(**{**deposit.fields, "revenue": "50"}, at=NOW + DAY)
    assert (the_row().approve_at, the_row().received_at) == (NOW + 7 * DAY, NOW)


def test_a_cap_is_that_of_the_period_in_which_the_event_came(world: World) -> None:
    cap = {"kind": "cap", "number": 1, "scope": "goal", "period": "day"}
    QualificationRule.objects.create(goal=world.ftd, **cap)
    deposit = Deposit(world)
    deposit.send()
    later = {**deposit.fields, "txid": "F-2", "customer_id": "bea", "revenue": "30"}
    assert send(**later, at=NOW + DAY).body["outcome"] == "accepted"
    assert outcome(send(**{**deposit.fields, "revenue": "50"}, at=NOW + DAY)) == (200, "updated", "corrected")


def test_commission_is_that_of_the_corrected_amount_once(world: World) -> None:
    deal(percent(world.ftd, "10"))
    deposit = Deposit(world)
    deposit.send()
    book_changes()
    deposit.send(revenue="50")
    deposit.send(revenue="50")
    assert (owed(), LedgerEntry.objects.count()) == (5, 1)


def test_takes_no_more_queries_for_more_corrections(world: World) -> None:
    def corrections(number: int, revenue: str) -> list[dict[str, Any]]:
        return [
            Deposit(world, txid=f"{number}-{n}", customer_id=f"{number}-{n}", revenue=revenue).fields
            for n in range(number)
        ]

    counts = []
    for number in (3, 12):
        first = corrections(number, "5")
        send_all(first)
        with CaptureQueriesContext(connection) as queries:
            send_all([{**fields, "revenue": "50"} for fields in first])
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert StatusChange.objects.filter(reason="corrected").count() == 15


def test_an_offer_without_locks_corrects_as_well(world: World) -> None:
    world.offer.customer_lock = Offer.CustomerLock.NONE
    world.offer.save()
    deposit = Deposit(world)
    deposit.send()
    assert outcome(deposit.send(revenue="50")) == (200, "updated", "corrected")
