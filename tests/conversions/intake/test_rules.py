"""What counts and for whom: windows, locks, duplicates, the goal's rules, holds and status changes."""

from datetime import timedelta

import pytest

from affiliates.models import Affiliate, Enrollment, Offer
from conversions.intake import decide_left_over
from conversions.intake.read.receive import receive
from conversions.lifecycle.status import approve_due
from conversions.models import Conversion, Customer, CustomerLock, Postback, StatusChange, Trace
from tests.conversions.sending import NOW, outcome, received, send, send_all
from tests.factories import CouponCodeFactory


def the_conversion():
    return Conversion.objects.get()


class TestWindow:
    @pytest.mark.parametrize(
        ("ago", "status", "reason"),
        [
            (timedelta(days=30) - timedelta(seconds=1), "approved", "ok"),
            (timedelta(days=30) + timedelta(seconds=1), "rejected", "outside_window"),
            (-timedelta(minutes=4), "approved", "ok"),
            (-timedelta(minutes=6), "rejected", "before_click"),
        ],
    )
    def test_time_between_click_and_event_is_judged(self, world, ago, status, reason):
        decision = send(click_id=world.click(ago=ago), txid="1", event_type="purchase")
        assert (decision.http_status, decision.body["status"], decision.body["reason"]) == (200, status, reason)
        assert decision.body["outcome"] == ("accepted" if status == "approved" else "rejected")
        assert the_conversion().reason == reason

    def test_event_time_counts_not_arrival(self, world):
        cid = world.click(ago=timedelta(days=40))
        late = send(click_id=cid, txid="1", event_type="purchase", timestamp=(NOW - timedelta(days=20)).isoformat())
        assert late.body["status"] == "approved"

    def test_goals_own_window_goes_before_the_offers(self, world):
        world.purchase.attribution_window = timedelta(days=90)
        world.purchase.save()
        assert (
            send(click_id=world.click(ago=timedelta(days=60)), txid="1", event_type="purchase").body["status"]
            == "approved"
        )

    def test_the_senders_approval_does_not_lift_a_rule(self, world):
        cid = world.click(ago=timedelta(days=31))
        assert send(click_id=cid, txid="1", event_type="purchase", status="approved").body["reason"] == "outside_window"


class TestCustomerLock:
    def register(self, world, customer="c-1", link=None, **fields):
        return send(
            click_id=world.click(link), event_type="registration", customer_id=customer, txid=f"r-{customer}", **fields
        )

    def test_later_events_follow_the_customer_without_click_and_window(self, world):
        self.register(world)
        later = NOW + timedelta(days=200)
        decision = send(at=later, event_type="deposit", customer_id="c-1", txid="d1", revenue="50")
        assert outcome(decision) == (200, "accepted", "ok")
        deposit = Conversion.objects.get(goal=world.deposit)
        assert (deposit.affiliate, deposit.evidence) == (world.ana, "lock")
        assert deposit.click_id == Conversion.objects.get(goal=world.registration).click_id

    def test_first_affiliate_keeps_the_customer(self, world):
        self.register(world)
        send(click_id=world.click(world.ben_link), event_type="deposit", customer_id="c-1", txid="d1", revenue="50")
        assert Conversion.objects.get(goal=world.deposit).affiliate == world.ana
        assert "stays with Ana" in str(Trace.objects.last().steps)

    def test_last_click_takes_the_customer_over_where_the_offer_says_so(self, world):
        Offer.objects.update(customer_lock="last")
        self.register(world)
        later = NOW + timedelta(days=1)
        cid = world.click(world.ben_link, ago=-timedelta(hours=23))
        send(at=later, click_id=cid, event_type="deposit", customer_id="c-1", txid="d1", revenue="50")
        send(at=later, event_type="deposit", customer_id="c-1", txid="d2", revenue="50")
        assert {c.affiliate for c in Conversion.objects.filter(goal=world.deposit)} == {world.ben}
        assert CustomerLock.objects.get().enrollment.affiliate == world.ben

    def test_without_a_lock_every_event_needs_its_click(self, world):
        Offer.objects.update(customer_lock="none")
        self.register(world)
        assert not CustomerLock.objects.exists()
        decision = send(event_type="deposit", customer_id="c-1", txid="d1", revenue="50")
        assert outcome(decision) == (404, "unknown_click", "unknown_customer")

    def test_a_rejected_first_event_locks_no_one(self, world):
        send(click_id=world.click(ago=timedelta(days=31)), event_type="registration", customer_id="c-1", txid="r")
        assert not CustomerLock.objects.exists()

    def test_unknown_customer_without_a_click_is_waited_for(self, world):
        decision = send(event_type="deposit", customer_id="stranger", txid="d1", revenue="50")
        assert outcome(decision) == (202, "held", "waiting_for_customer")
        assert not Customer.objects.exists()

    def test_without_a_click_a_transaction_id_is_needed(self, world):
        self.register(world)
        decision = send(event_type="deposit", customer_id="c-1", revenue="50")
        assert outcome(decision) == (422, "invalid", "missing_transaction")

    def test_whole_story_in_one_batch(self, world):
        cid = world.click()
        decisions = send_all(
            [
                {"click_id": cid, "event_type": "registration", "customer_id": "c-9", "txid": "r"},
                {"event_type": "ftd", "customer_id": "c-9", "txid": "f", "revenue": "30"},
                {"event_type": "ftd", "customer_id": "c-9", "txid": "f2", "revenue": "30"},
                {"event_type": "deposit", "customer_id": "c-9", "txid": "d", "revenue": "10"},
            ]
        )
        assert [d.body["reason"] for d in decisions] == ["ok", "ok", "not_first", "ok"]
        assert Customer.objects.count() == CustomerLock.objects.count() == 1

    def test_coupon_names_the_affiliate_where_no_click_can(self, world):
        CouponCodeFactory(enrollment=world.ben_link.enrollment, code="BEN10")
        decision = send(coupon="ben10", event_type="purchase", txid="1", revenue="10")
        assert decision.body["outcome"] == "accepted"
        assert (the_conversion().affiliate, the_conversion().evidence) == (world.ben, "coupon")

    def test_unknown_coupon_is_reported(self, world):
        assert outcome(send(coupon="NOPE", event_type="purchase", txid="1"))[2] == "unknown_customer"


class TestDuplicates:
    def test_same_transaction_answers_the_first_conversion(self, world):
        fields = {"click_id": world.click(), "txid": "1", "event_type": "purchase", "revenue": "10.00"}
        first, second = send(**fields), send(**{**fields, "revenue": "10"})
        assert outcome(second) == (200, "duplicate", "duplicate")
        assert second.body["conversion_id"] == first.body["conversion_id"]
        assert Postback.objects.count() == 2

    def test_without_a_transaction_the_click_and_goal_decide(self, world):
        cid = world.click()
        first = send(click_id=cid, event_type="purchase")
        assert send(click_id=cid, event_type="purchase").body["conversion_id"] == first.body["conversion_id"]
        assert send(click_id=world.click(), event_type="purchase").body["outcome"] == "accepted"

    @pytest.mark.parametrize("changed", [{"revenue": "11"}, {"currency": "USD"}, {"payout": "5"}])
    def test_other_money_is_a_conflict_and_the_first_stands(self, world, changed):
        fields = {"click_id": world.click(), "txid": "1", "event_type": "purchase", "revenue": "10", "currency": "EUR"}
        send(**fields)
        for _ in range(2):  # also when the contradiction is repeated
            assert outcome(send(**{**fields, **changed})) == (409, "conflict", "transaction_conflict")
        assert the_conversion().revenue == 10

    def test_another_click_for_the_same_transaction_is_a_conflict(self, world):
        send(click_id=world.click(), txid="1", event_type="purchase")
        decision = send(click_id=world.click(world.ben_link), txid="1", event_type="purchase")
        assert outcome(decision) == (409, "conflict", "transaction_conflict")
        assert the_conversion().affiliate == world.ana

    def test_one_transaction_may_be_several_goals(self, world):
        cid = world.click()
        send(click_id=cid, txid="1", event_type="ftd", customer_id="c", revenue="50")
        send(click_id=cid, txid="1", event_type="deposit", customer_id="c", revenue="50")
        assert Conversion.objects.count() == 2

    def test_same_transaction_under_two_offers_of_one_advertiser_counts_once(self, world):
        first_link = world.ana_link
        world.offer = Offer.objects.create(
            advertiser=world.advertiser, name="Lucky Fox Sports", vertical="igaming", status="active",
            destination_url="https://casino.example/",
        )  # fmt: skip
        _, link = world.enroll("Ana on sports")
        world.goal("purchase")
        send(click_id=world.click(first_link), txid="1", event_type="purchase")
        assert send(click_id=world.click(link), txid="1", event_type="purchase").body["outcome"] == "conflict"
        assert Conversion.objects.count() == 1

    def test_a_refused_request_may_be_corrected_and_sent_again(self, world):
        cid = world.click()
        assert send(click_id=cid, txid="1", event_type="purchase", revenue="1,000").body["outcome"] == "invalid"
        assert send(click_id=cid, txid="1", event_type="purchase", revenue="1.00").body["outcome"] == "accepted"


class TestStatus:
    def sale(self, world, status, **fields):
        return send(click_id=self.cid, txid="1", event_type="purchase", status=status, **fields)

    @pytest.fixture(autouse=True)
    def click(self, world):
        self.cid = world.click()

    @pytest.mark.parametrize(
        ("approval", "status", "reason"),
        [
            ("at_once", "approved", "ok"),
            ("by_hand", "pending", "awaits_approval"),
            ("after_delay", "pending", "awaits_delay"),
        ],
    )
    def test_goals_default_holds_when_the_sender_says_nothing(self, world, approval, status, reason):
        world.goal("sale", approval=approval, approval_delay=timedelta(days=14))
        decision = send(click_id=self.cid, txid="1", event_type="sale")
        assert (decision.body["status"], decision.body["reason"]) == (status, reason)
        assert (the_conversion().approve_at is not None) == (approval == "after_delay")

    def test_delayed_conversion_is_approved_when_its_time_comes(self, world):
        world.goal("sale", approval="after_delay", approval_delay=timedelta(days=14))
        send(click_id=self.cid, txid="1", event_type="sale")
        assert approve_due(now=NOW + timedelta(days=14) - timedelta(seconds=1)) == 0
        assert approve_due(now=NOW + timedelta(days=14)) == 1
        assert approve_due(now=NOW + timedelta(days=14)) == 0
        assert (the_conversion().status, the_conversion().reason) == ("approved", "delay_passed")
        assert [c.source for c in the_conversion().status_changes.all()] == ["postback", "automatic"]

    def test_pending_then_approved_then_reversed(self, world):
        steps = [self.sale(world, status).body for status in ("pending", "approved", "rejected")]
        assert [s["outcome"] for s in steps] == ["accepted", "updated", "updated"]
        changes = StatusChange.objects.order_by("id")
        assert [(c.from_status, c.to_status, c.reason) for c in changes] == [
            ("", "pending", "sent_pending"),
            ("pending", "approved", "advertiser_approved"),
            ("approved", "rejected", "reversed"),
        ]
        assert all(c.postback for c in changes)

    def test_a_change_makes_the_conversion_due_for_booking_again(self, world):
        self.sale(world, "approved")
        Conversion.objects.update(booked_at=NOW)
        self.sale(world, "rejected")
        assert the_conversion().booked_at is None

    def test_a_late_retry_of_an_old_request_changes_nothing(self, world):
        for status in ("pending", "approved", "rejected"):
            self.sale(world, status)
        for status in ("pending", "approved", "rejected"):
            assert outcome(self.sale(world, status)) == (200, "duplicate", "duplicate")
        assert the_conversion().status == "rejected"
        assert StatusChange.objects.count() == 3

    def test_what_was_rejected_is_not_approved_by_a_postback(self, world):
        self.sale(world, "pending")
        self.sale(world, "rejected")
        assert outcome(self.sale(world, "approved")) == (409, "conflict", "status_not_allowed")
        assert the_conversion().status == "rejected"

    def test_an_update_needs_neither_click_nor_money_again(self, world):
        self.sale(world, "pending", revenue="10", currency="EUR")
        decision = send(txid="1", event_type="purchase", status="approved")
        assert outcome(decision) == (200, "updated", "status_updated")

    def test_news_older_than_the_status_is_a_duplicate(self, world):
        self.sale(world, "approved", revenue="10")
        assert self.sale(world, "pending").body["outcome"] == "duplicate"
        assert the_conversion().status == "approved"


class TestGoalRules:
    @pytest.mark.parametrize(("revenue", "reason"), [("19.99", "below_minimum"), ("20.00", "ok")])
    def test_minimum_revenue(self, world, revenue, reason):
        decision = send(click_id=world.click(), txid="1", event_type="ftd", customer_id="c", revenue=revenue)
        assert decision.body["reason"] == reason

    def test_minimum_in_another_currency_waits_for_a_person(self, world):
        decision = send(
            click_id=world.click(), txid="1", event_type="ftd", customer_id="c", revenue="5", currency="USD"
        )
        assert (decision.body["status"], decision.body["reason"]) == ("pending", "awaits_approval")

    def test_once_per_customer(self, world):
        cid = world.click()
        send(click_id=cid, txid="1", event_type="ftd", customer_id="c", revenue="50")
        assert (
            send(click_id=cid, txid="2", event_type="ftd", customer_id="c", revenue="50").body["reason"] == "not_first"
        )
        assert send(click_id=cid, txid="3", event_type="ftd", customer_id="d", revenue="50").body["reason"] == "ok"

    def test_a_rejected_first_leaves_room_for_another(self, world):
        cid = world.click()
        send(click_id=cid, txid="1", event_type="ftd", customer_id="c", revenue="5")
        assert send(click_id=cid, txid="2", event_type="ftd", customer_id="c", revenue="50").body["reason"] == "ok"

    def test_inactive_goal_is_unknown(self, world):
        type(world.purchase).objects.update(is_active=False)
        assert outcome(send(click_id=world.click(), txid="1", event_type="purchase"))[2] == "unknown_goal"


class TestHolds:
    def test_a_bots_click_is_held_never_dropped(self, world):
        decision = send(
            click_id=world.click(is_bot=True, marked_at=NOW), txid="1", event_type="purchase", status="approved"
        )
        assert outcome(decision) == (202, "held", "risk_review")
        assert the_conversion().status == "pending"

    def test_a_bot_is_known_before_the_worker_has_marked_its_click(self, world):
        cid = world.click(user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)", marked_at=None)
        assert outcome(send(click_id=cid, txid="1", event_type="purchase")) == (202, "held", "risk_review")

    @pytest.mark.parametrize("status", [Affiliate.Status.SUSPENDED, Affiliate.Status.CLOSED])
    def test_conversions_of_a_closed_affiliate_wait_for_a_person(self, world, status):
        cid = world.click()
        Affiliate.objects.update(status=status)
        assert outcome(send(click_id=cid, txid="1", event_type="purchase")) == (202, "held", "affiliate_closed")

    def test_conversions_of_a_blocked_enrollment_wait_for_a_person(self, world):
        cid = world.click()
        Enrollment.objects.update(status=Enrollment.Status.BLOCKED)
        assert outcome(send(click_id=cid, txid="1", event_type="purchase")) == (202, "held", "affiliate_closed")


def test_a_request_left_undecided_by_a_crash_is_taken_up_with_the_same_result(world):
    cid = world.click()
    receive([received({"click_id": cid, "txid": "1", "event_type": "purchase", "revenue": "10"})])
    assert decide_left_over(received_before=NOW, now=NOW) == 0
    assert decide_left_over(received_before=NOW + timedelta(seconds=1), now=NOW) == 1
    assert decide_left_over(received_before=NOW + timedelta(seconds=1), now=NOW) == 0
    assert Postback.objects.get().outcome == "accepted"
    assert the_conversion().revenue == 10
    repeat = send(click_id=cid, txid="1", event_type="purchase", revenue="10")
    assert repeat.body["outcome"] == "duplicate"
