"""Who is credited: shortest times, locks that end, touches of several affiliates, tests apart from the rest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from affiliates.models import Offer
from conversions.intake import intake
from conversions.models import Conversion, Customer, CustomerLock, Goal, ParkedPostback, Postback, Touch, Trace
from conversions.qualification.caps import keep_caps
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from payouts.verification.verify import Verification
from tests.conversions.sending import NOW, outcome, received, send
from tests.factories import CommissionPlanFactory, CommissionRuleFactory, PlanVersionFactory, TrackingLinkFactory
from tracking.models import TrackingLink

DAY = timedelta(days=1)


def buy(world, txid, *, link=None, ago=timedelta(hours=1), at=NOW, customer="c-1", **fields):
    cid = world.click(link, ago=ago)
    return send(at=at, click_id=cid, event_type="purchase", customer_id=customer, txid=txid, **fields)


def credited(txid):
    return Conversion.objects.get(transaction_id=txid).affiliate


def last_trace():
    return str(Trace.objects.latest("pk").steps)


class TestShortestTime:
    @pytest.mark.parametrize(("seconds", "reason"), [(1.9, "too_early"), (2, "ok"), (-60, "too_early")])
    def test_of_the_offer(self, world, seconds, reason):
        Offer.objects.update(attribution_window_minimum=timedelta(seconds=2))
        decision = buy(world, "1", ago=timedelta(seconds=seconds))
        assert decision.body["reason"] == reason
        assert decision.body["outcome"] == ("accepted" if reason == "ok" else "rejected")

    @pytest.mark.parametrize(("own", "reason"), [(timedelta(0), "ok"), (timedelta(hours=2), "too_early")])
    def test_goals_own_goes_before_the_offers(self, world, own, reason):
        Offer.objects.update(attribution_window_minimum=timedelta(seconds=2))
        Goal.objects.update(attribution_window_minimum=own)
        assert buy(world, "1", ago=timedelta(seconds=1)).body["reason"] == reason

    def test_the_trace_says_the_time_and_the_window(self, world):
        Offer.objects.update(attribution_window_minimum=timedelta(seconds=2))
        buy(world, "1", ago=timedelta(seconds=1))
        assert "1 s after the click" in last_trace()
        assert "window of 30 days, from 2 s on" in last_trace()

    def test_clocks_that_differ_are_reported(self, world):
        assert buy(world, "1", ago=-timedelta(minutes=3)).body["reason"] == "ok"
        assert "clocks differ" in last_trace()

    @pytest.mark.parametrize("minimum", [timedelta(days=30), timedelta(seconds=-1)])
    def test_lies_below_the_window(self, world, minimum):
        with pytest.raises(IntegrityError), transaction.atomic():
            Offer.objects.update(attribution_window_minimum=minimum)


def test_a_pixels_cookie_that_is_too_old_is_named(world):
    cid = world.click(ago=31 * DAY)
    world.advertiser.allows_pixel = True
    world.advertiser.save()
    named = {"advertiser": world.advertiser.public_id, "token": None}
    request = received(
        {**named, "click_id": cid, "event_type": "purchase", "txid": "1"}, endpoint=Postback.Endpoint.PIXEL
    )
    decision = intake([request], now=NOW)[0]
    assert (decision.body["outcome"], decision.body["reason"]) == ("rejected", "cookie_expired")


class TestLockThatEnds:
    @pytest.fixture(autouse=True)
    def ninety_days(self, world):
        Offer.objects.update(customer_lock_expires=90 * DAY)
        buy(world, "first")

    def test_holds_until_then(self, world):
        at = NOW + 90 * DAY
        buy(world, "2", link=world.ben_link, at=at, ago=-90 * DAY + timedelta(hours=1))
        assert credited("2") == world.ana
        assert "The lock holds until the next click after" in last_trace()

    def test_the_next_click_takes_over_and_starts_anew(self, world):
        at = NOW + 91 * DAY
        buy(world, "2", link=world.ben_link, at=at, ago=-90 * DAY - timedelta(minutes=1))
        assert credited("2") == world.ben
        lock = CustomerLock.objects.get()
        assert (lock.enrollment.affiliate, lock.locked_at) == (world.ben, at)
        assert "Taken over from Ana by Ben: the lock ended" in last_trace()
        buy(world, "3", at=at + DAY, ago=-91 * DAY)
        assert credited("3") == world.ben

    def test_the_same_affiliate_may_be_the_next(self, world):
        at = NOW + 91 * DAY
        buy(world, "2", at=at, ago=-91 * DAY + timedelta(hours=1))
        assert CustomerLock.objects.get().locked_at == at
        assert "Brought again by Ana" in last_trace()

    def test_without_a_new_click_the_customer_stays(self, world):
        send(at=NOW + 400 * DAY, event_type="deposit", customer_id="c-1", txid="d", revenue="5")
        assert credited("d") == world.ana
        assert CustomerLock.objects.get().locked_at == NOW

    def test_a_click_outside_the_window_takes_no_one_over(self, world):
        buy(world, "2", link=world.ben_link, at=NOW + 130 * DAY, ago=-91 * DAY)
        assert credited("2") == world.ana


class TestTouches:
    def test_each_click_is_kept_once_with_its_time(self, world):
        cid = world.click(ago=timedelta(hours=2))
        for txid in ("1", "2"):
            send(click_id=cid, event_type="purchase", customer_id="c-1", txid=txid)
        touch = Touch.objects.get()
        assert (touch.enrollment, touch.link, touch.offer) == (world.ana_link.enrollment, world.ana_link, world.offer)
        assert abs(touch.at - (NOW - timedelta(hours=2))) < timedelta(seconds=1)

    def test_whichever_affiliate_is_credited_the_others_are_named(self, world):
        buy(world, "1")
        buy(world, "2", link=world.ben_link, ago=timedelta(minutes=5))
        buy(world, "3", ago=timedelta(minutes=1))
        assert {t.enrollment.affiliate for t in Touch.objects.all()} == {world.ana, world.ben}
        assert {c.affiliate for c in Conversion.objects.all()} == {world.ana}
        assert (
            "Ana is credited. The customer was touched by others as well: Ben on 2026-10-15 11:55 UTC." in last_trace()
        )

    def test_a_direct_visit_afterwards_names_them_too(self, world):
        buy(world, "1")
        buy(world, "2", link=world.ben_link, ago=timedelta(minutes=5))
        send(event_type="deposit", customer_id="c-1", txid="d", revenue="5")
        assert credited("d") == world.ana
        assert "touched by others as well: Ben" in last_trace()

    def test_rejected_events_leave_touches_as_well(self, world):
        buy(world, "1", ago=31 * DAY)
        assert Touch.objects.count() == 1

    def test_cannot_be_changed(self, world):
        buy(world, "1")
        with pytest.raises(ProgrammingError), transaction.atomic():
            Touch.objects.update(at=NOW)

    def test_events_without_customer_or_click_leave_none(self, world):
        send(click_id=world.click(), event_type="purchase", txid="1")
        assert not Touch.objects.exists()


class TestModels:
    def touched_by_both(self, world, model, *, lock="none", ago=2 * DAY):
        Offer.objects.update(attribution_model=model, customer_lock=lock)
        buy(world, "1", ago=ago)
        return buy(world, "2", link=world.ben_link, ago=timedelta(hours=1))

    def test_last_click_credits_the_one_that_the_event_names(self, world):
        self.touched_by_both(world, "last_click")
        assert (credited("1"), credited("2")) == (world.ana, world.ben)

    def test_first_click_credits_the_first_within_the_window(self, world):
        self.touched_by_both(world, "first_click")
        second = Conversion.objects.get(transaction_id="2")
        assert (second.affiliate, second.evidence, second.link) == (world.ana, "touch", world.ana_link)
        assert second.click_id == Conversion.objects.get(transaction_id="1").click_id
        assert "Ana touched the customer first" in str(Trace.objects.get(conversion=second).steps)

    def test_a_first_click_before_the_window_does_not_count(self, world):
        self.touched_by_both(world, "first_click", ago=31 * DAY)
        assert credited("2") == world.ben

    def test_another_customers_touch_does_not_count(self, world):
        Offer.objects.update(attribution_model="first_click", customer_lock="none")
        buy(world, "1", ago=2 * DAY)
        buy(world, "2", link=world.ben_link, customer="c-2")
        assert credited("2") == world.ben

    def test_first_click_keeps_a_last_click_from_taking_the_lock_over_within_the_window(self, world):
        self.touched_by_both(world, "first_click", lock="last")
        later = {"at": NOW + DAY, "ago": -timedelta(hours=12)}
        buy(world, "3", link=world.ben_link, **later)
        assert credited("3") == world.ana
        far = {"at": NOW + 40 * DAY, "ago": -39 * DAY}
        buy(world, "4", link=world.ben_link, **far)
        assert credited("4") == world.ben

    def test_the_same_sent_again_is_a_duplicate_though_another_click_is_credited(self, world):
        Offer.objects.update(attribution_model="first_click", customer_lock="none")
        buy(world, "1", ago=2 * DAY)
        cid = world.click(world.ben_link)
        fields = {"click_id": cid, "event_type": "purchase", "customer_id": "c-1", "txid": "2"}
        assert send(**fields).body["outcome"] == "accepted"
        assert send(**fields).body["outcome"] == "duplicate"
        assert send(**fields, status="rejected").body["outcome"] == "updated"


class TestTests:
    @pytest.fixture(autouse=True)
    def plan(self, world):
        version = PlanVersionFactory(plan=CommissionPlanFactory(offer=world.offer))
        CommissionRuleFactory(version=version, goal=world.purchase, amount=Decimal(25))

    def test_a_test_is_answered_as_what_it_is_and_earns_nothing(self, world):
        decision = buy(world, "1", test="1")
        assert outcome(decision) == (200, "accepted", "ok")
        assert decision.body["is_test"] is True
        assert Conversion.objects.get().is_test
        assert book_changes() == 0
        assert not LedgerEntry.objects.exists()
        run = Verification()
        assert (list(run.findings()), run.due) == ([], 0)

    def test_what_comes_of_a_test_link_is_a_test(self, world):
        link = TrackingLinkFactory(enrollment=world.ana_link.enrollment, is_test=True)
        assert buy(world, "1", link=link).body["is_test"] is True
        assert book_changes() == 0

    def test_a_real_event_says_nothing_of_tests_and_is_booked(self, world):
        assert "is_test" not in buy(world, "1", test="0").body
        assert book_changes() == 1

    def test_a_real_event_with_the_transaction_of_a_test_still_counts(self, world):
        buy(world, "1", test="true")
        assert buy(world, "1").body["outcome"] == "accepted"
        assert sorted(Conversion.objects.values_list("is_test", flat=True)) == [False, True]

    def test_a_real_event_with_the_transaction_of_a_test_links_event_still_counts(self, world):
        buy(world, "1", link=TrackingLinkFactory(enrollment=world.ana_link.enrollment, is_test=True))
        assert buy(world, "1").body["outcome"] == "accepted"
        assert sorted(Conversion.objects.values_list("is_test", flat=True)) == [False, True]

    def test_a_test_sent_again_is_a_duplicate_and_can_be_reversed(self, world):
        fields = {"click_id": world.click(), "event_type": "purchase", "txid": "1", "test": "1"}
        send(**fields)
        assert send(**fields).body["outcome"] == "duplicate"
        assert send(**fields, status="rejected").body["outcome"] == "updated"

    def test_a_reversal_of_a_test_waits_for_the_test(self, world):
        send(event_type="purchase", txid="1", test="1", status="rejected")
        buy(world, "1", customer=None)
        assert ParkedPostback.objects.exists()
        buy(world, "1", customer=None, test="1")
        assert set(Conversion.objects.values_list("is_test", "status")) == {(False, "approved"), (True, "rejected")}

    def test_a_test_locks_no_customer_and_leaves_no_touch(self, world):
        buy(world, "1", test="1")
        assert not CustomerLock.objects.exists()
        assert not Touch.objects.exists()
        buy(world, "2", link=world.ben_link)
        assert credited("2") == world.ben

    def test_a_test_is_not_the_customers_first(self, world):
        cid = world.click()
        fields = {"click_id": cid, "event_type": "ftd", "customer_id": "c-1", "revenue": "50"}
        send(**fields, txid="1", test="1")
        assert send(**fields, txid="2").body["reason"] == "ok"

    def test_tests_fill_no_cap(self, world):
        Offer.objects.update(daily_conversion_cap=1)
        buy(world, "1", test="1")
        keep_caps(now=NOW)
        assert Offer.objects.get(pk=world.offer.pk).capped_until is None
        buy(world, "2")
        keep_caps(now=NOW)
        assert Offer.objects.get(pk=world.offer.pk).capped_until is not None

    def test_customers_of_tests_are_there_to_be_seen(self, world):
        buy(world, "1", test="1")
        assert Customer.objects.get().conversions.count() == 1
        assert TrackingLink.objects.filter(is_test=True).count() == 0
