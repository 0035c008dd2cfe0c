"""Requests that come before what they name: parked, said so, and decided when it is there or never comes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversions.intake import resume_parked
from conversions.intake.write.parked import pause
from conversions.models import Conversion, CustomerLock, ParkedPostback, Postback, StatusChange, Trace
from tests.conversions.sending import NOW, outcome, send, send_all
from tests.factories import TrackingLinkFactory
from tracking.click_id import codec
from tracking.models import TrackingLink

WAIT = timedelta(hours=72)
SOON = NOW + timedelta(seconds=30)


def deposit(txid="d1", *, customer="c-1", at=NOW, **fields):
    return send(at=at, **{"event_type": "deposit", "customer_id": customer, "txid": txid, "revenue": "50", **fields})


def register(world, *, customer="c-1", link=None, at=SOON, **fields):
    return send(
        at=at, click_id=world.click(link), event_type="registration", customer_id=customer, txid=f"r-{customer}",
        **fields,
    )  # fmt: skip


def decided():
    """Outcome and reason in force of each postback, in the order in which they came."""
    return list(Postback.objects.order_by("pk").values_list("outcome", "reason"))


class TestDepositBeforeRegistration:
    def test_is_held_and_shown_what_it_waits_for_and_until_when(self, world):
        decision = deposit()
        assert outcome(decision) == (202, "held", "waiting_for_customer")
        assert decision.body["waiting"] == {
            "for": "customer",
            "name": "c-1",
            "until": (NOW + WAIT).isoformat(),
            "postback_id": decision.postback_id,
        }
        assert decision.body["problems"] == []
        assert not Conversion.objects.exists()

    def test_is_counted_for_the_affiliate_who_brought_the_customer_as_soon_as_that_is_known(self, world):
        parameters = deposit().body["received"]
        assert outcome(register(world, link=world.ben_link)) == (200, "accepted", "ok")
        made = Conversion.objects.get(goal=world.deposit)
        assert (made.affiliate, made.evidence, made.status) == (world.ben, "lock", "approved")
        assert (made.received_at, made.occurred_at) == (NOW, NOW)
        assert not ParkedPostback.objects.exists()
        row = Postback.objects.earliest("pk")
        assert (row.outcome, row.conversion) == ("accepted", made)
        assert dict(row.parameters) == parameters
        assert [t.reason for t in row.traces.all()] == ["waiting_for_customer", "ok"]

    def test_those_of_one_customer_are_applied_in_the_order_of_their_time(self, world):
        for txid, hours in (("late", 1), ("early", 3), ("middle", 2)):
            deposit(txid, timestamp=(NOW - timedelta(hours=hours)).isoformat())
        register(world)
        made = Conversion.objects.filter(goal=world.deposit).order_by("pk")
        assert [row.transaction_id for row in made] == ["early", "middle", "late"]

    def test_of_two_first_deposits_the_earlier_is_the_first(self, world):
        for txid, hours in (("second", 1), ("first", 2)):
            deposit(txid, event_type="ftd", timestamp=(NOW - timedelta(hours=hours)).isoformat())
        register(world)
        made = Conversion.objects.filter(goal=world.ftd)
        assert {row.transaction_id: row.reason for row in made} == {"first": "ok", "second": "not_first"}

    def test_a_registration_that_does_not_count_brings_no_one(self, world):
        deposit()
        send(click_id=world.click(ago=timedelta(days=31)), event_type="registration", customer_id="c-1", txid="r")
        assert ParkedPostback.objects.count() == 1

    def test_another_advertisers_customer_of_the_same_name_is_another(self, world):
        deposit()
        ParkedPostback.objects.update(advertiser=TrackingLinkFactory().enrollment.offer.advertiser)
        register(world)
        assert ParkedPostback.objects.count() == 1

    def test_in_one_batch_the_order_does_not_matter(self, world):
        cid = world.click()
        send_all(
            [
                {"event_type": "deposit", "customer_id": "c-1", "txid": "d", "revenue": "10"},
                {"click_id": cid, "event_type": "registration", "customer_id": "c-1", "txid": "r"},
            ]
        )
        assert sorted(Conversion.objects.values_list("goal__code", flat=True)) == ["deposit", "registration"]

    def test_what_has_other_problems_is_refused_at_once_with_all_of_them(self, world):
        decision = deposit(revenue="x")
        assert outcome(decision)[:2] == (422, "invalid")
        assert {p["code"] for p in decision.body["problems"]} == {"bad_amount", "unknown_customer"}
        assert not ParkedPostback.objects.exists()

    def test_the_sender_may_lose_its_token_meanwhile(self, world):
        deposit()
        world.advertiser.secrets.update(revoked_at=NOW)
        ParkedPostback.objects.update(next_try_at=NOW)
        lock_customer(world)
        resume_parked(now=SOON)
        assert decided() == [("accepted", "ok")]


def lock_customer(world):
    """The customer becomes known by a way that wakes no parked postback."""
    customer = world.advertiser.customers.create(customer_id="c-1")
    CustomerLock.objects.create(
        customer=customer, offer=world.offer, enrollment=world.ana_link.enrollment, link=world.ana_link, locked_at=NOW
    )


class TestRepeats:
    def test_the_same_request_while_it_waits_is_shown_who_waits(self, world):
        first, second = deposit(), deposit(at=SOON)
        assert outcome(second) == (202, "held", "waiting_for_customer")
        assert second.body["waiting"]["postback_id"] == first.postback_id != second.postback_id
        assert first.postback_id in second.body["message"]

    def test_and_becomes_a_duplicate_when_the_first_is_counted(self, world):
        for _ in range(3):
            deposit()
        register(world)
        assert decided()[:3] == [("accepted", "ok"), ("duplicate", "duplicate"), ("duplicate", "duplicate")]
        assert Conversion.objects.filter(goal=world.deposit).count() == 1
        assert not ParkedPostback.objects.exists()

    def test_repeats_are_not_tried_again_by_themselves(self, world):
        for _ in range(3):
            deposit()
        assert resume_parked(now=NOW + timedelta(minutes=2)) == 1
        assert Trace.objects.count() == 4


class TestReversalBeforeSale:
    def sale(self, world, **fields):
        return send(at=SOON, click_id=world.click(), txid="s1", event_type="purchase", revenue="80", **fields)

    @pytest.mark.parametrize("with_click", [True, False])
    def test_waits_for_its_sale_and_reverses_it(self, world, with_click):
        fields = {"click_id": world.click()} if with_click else {}
        decision = send(txid="s1", event_type="purchase", status="rejected", **fields)
        assert outcome(decision) == (202, "held", "waiting_for_sale")
        assert decision.body["waiting"]["for"] == "sale"
        if with_click:
            answer = send(at=SOON, **fields, txid="s1", event_type="purchase", revenue="80")
        else:
            answer = self.sale(world)
        assert outcome(answer) == (200, "accepted", "ok")
        made = Conversion.objects.get()
        assert (made.status, made.reason, made.revenue) == ("rejected", "reversed", 80)
        assert [(c.from_status, c.to_status) for c in StatusChange.objects.order_by("id")] == [
            ("", "approved"),
            ("approved", "rejected"),
        ]
        assert decided() == [("updated", "status_updated"), ("accepted", "ok")]
        assert not ParkedPostback.objects.exists()

    def test_a_deposit_and_its_reversal_both_before_the_registration(self, world):
        deposit(status="rejected")
        deposit()
        assert ParkedPostback.objects.count() == 2
        register(world)
        made = Conversion.objects.get(goal=world.deposit)
        assert (made.status, made.status_changes.count()) == ("rejected", 2)
        assert not ParkedPostback.objects.exists()

    def test_a_rejection_whose_sale_never_comes_is_kept_as_one(self, world):
        send(click_id=world.click(), txid="s1", event_type="purchase", status="rejected")
        resume_parked(now=NOW + WAIT)
        assert decided() == [("rejected", "sale_never_came")]
        assert (Conversion.objects.get().status, Conversion.objects.get().affiliate) == ("rejected", world.ana)

    def test_without_a_click_there_is_nothing_to_keep(self, world):
        send(txid="s1", event_type="purchase", status="rejected")
        resume_parked(now=NOW + WAIT)
        assert decided() == [("unknown_click", "sale_never_came")]
        assert not Conversion.objects.exists()

    def test_a_forged_click_is_refused_at_once(self, world):
        decision = send(click_id=world.click()[:-1] + "!", txid="s1", event_type="purchase", status="rejected")
        assert outcome(decision) == (404, "unknown_click", "unknown_click")


class TestRunning:
    def test_again_after_a_minute_then_twice_as_long_up_to_six_hours(self):
        assert [pause(n) / timedelta(minutes=1) for n in (0, 1, 2, 8, 9, 1000)] == [1, 2, 4, 256, 360, 360]

    def test_a_try_leaves_a_trace_and_sets_the_next(self, world):
        deposit()
        assert resume_parked(now=NOW + timedelta(seconds=59)) == 0
        assert resume_parked(now=NOW + timedelta(seconds=60)) == 1
        row = ParkedPostback.objects.get()
        assert (row.tries, row.next_try_at) == (1, NOW + timedelta(seconds=180))
        assert row.expires_at == NOW + WAIT
        assert [t.outcome for t in Trace.objects.all()] == ["held", "held"]
        assert "Try 1" in str(Trace.objects.latest("pk").steps)

    def test_a_customer_made_known_otherwise_is_found_by_the_sweep(self, world):
        deposit()
        lock_customer(world)
        resume_parked(now=NOW + timedelta(minutes=1))
        assert decided() == [("accepted", "ok")]

    def test_expires_with_a_reason_of_its_own_and_is_decided_for_good(self, world):
        deposit()
        deposit()
        resume_parked(now=NOW + WAIT - timedelta(seconds=1))
        assert ParkedPostback.objects.count() == 2
        assert resume_parked(now=NOW + WAIT) == 2
        assert decided() == [("unknown_click", "customer_never_came")] * 2
        assert resume_parked(now=NOW + WAIT * 2) == 0
        register(world, at=NOW + WAIT)
        assert not Conversion.objects.filter(goal=world.deposit).exists()

    def test_what_expired_may_be_sent_again(self, world):
        deposit()
        resume_parked(now=NOW + WAIT)
        register(world, at=NOW + WAIT)
        assert outcome(deposit(at=NOW + WAIT)) == (200, "accepted", "ok")

    def test_link_that_comes_back(self, world):
        link = TrackingLinkFactory(enrollment=world.ana_link.enrollment)
        made = codec.new(link_number=link.pk, at=NOW - timedelta(hours=1))
        TrackingLink.objects.filter(pk=link.pk).delete()
        assert outcome(send(click_id=made.text, txid="1", event_type="purchase"))[2] == "waiting_for_click"
        link.save(force_insert=True)
        resume_parked(now=NOW + timedelta(minutes=1))
        assert decided() == [("accepted", "ok")]

    def test_link_that_never_comes(self, world):
        send(click_id=codec.new(link_number=999_999, at=NOW).text, txid="1", event_type="purchase")
        resume_parked(now=NOW + WAIT)
        assert decided() == [("unknown_click", "click_never_came")]

    def test_time_to_wait_is_a_setting(self, world, settings):
        settings.PARKED_HOURS = 1
        assert deposit().body["waiting"]["until"] == (NOW + timedelta(hours=1)).isoformat()


def test_a_failure_among_the_woken_spoils_no_answer(world, monkeypatch):
    deposit()

    def fail(pks, now):
        raise RuntimeError("the database is busy")

    with monkeypatch.context() as patched:
        patched.setattr("conversions.intake._try_again", fail)
        assert outcome(register(world)) == (200, "accepted", "ok")
    assert ParkedPostback.objects.get().next_try_at == SOON
    assert resume_parked(now=SOON) == 1
    assert decided()[0] == ("accepted", "ok")


def test_parking_costs_the_same_number_of_queries_for_one_as_for_fifty(world):
    def count(number):
        batch = [
            {"event_type": "deposit", "customer_id": f"c-{number}-{n}", "txid": f"{number}-{n}", "revenue": "5"}
            for n in range(number)
        ]
        with CaptureQueriesContext(connection) as queries:
            send_all(batch)
        return len(queries)

    assert count(1) == count(50)
