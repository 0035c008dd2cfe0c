"""What operators do about postbacks that wait: see what for, try now, give up with a reason."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from conversions.intake import expire_parked, try_parked
from conversions.models import Conversion, ParkedPostback, Postback, Trace
from tests.conversions.sending import NOW, World, send

LIST = reverse("admin:conversions_parkedpostback_changelist")
CONFIRMED = {"confirmed": "yes"}


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def deposit(txid: str = "d1", customer: str = "c-1", **fields):
    return send(event_type="deposit", customer_id=customer, txid=txid, revenue="50", **fields)


def do(desk: Client, name: str, **fields):
    chosen = {"action": name, "_selected_action": list(ParkedPostback.objects.values_list("pk", flat=True))}
    return desk.post(LIST, {**chosen, **CONFIRMED, **fields}, follow=True)


def register(world: World, customer: str = "c-1") -> None:
    """Bring the customer without waking who waits, as when the process ends before it does."""
    waiting = list(ParkedPostback.objects.all())
    ParkedPostback.objects.update(awaited="another customer")
    send(click_id=world.click(), event_type="registration", customer_id=customer, txid=f"r-{customer}")
    ParkedPostback.objects.bulk_update(waiting, ["awaited"])


def test_the_list_says_what_each_waits_for_and_until_when(world, desk):
    decision = deposit()
    page = desk.get(LIST).content.decode()
    assert decision.postback_id in page
    assert "The customer&#x27;s first event" in page
    assert "c-1" in page
    assert "0 attempts so far" in page


@pytest.mark.parametrize(("term", "found"), [("d1", 1), ("c-1", 1), ("c-", 0), ("d2", 1), ("", 2)])
def test_search_is_by_postback_transaction_or_what_is_awaited(world, desk, term, found):
    deposit("d1", "c-1")
    deposit("d2", "c-2")
    assert len(desk.get(LIST, {"q": term}).context["cl"].result_list) == found


def test_a_rejection_that_waits_names_its_goal_and_transaction(world, desk):
    send(event_type="purchase", txid="t9", status="rejected", click_id=world.click())
    assert "purchase · t9" in desk.get(LIST).content.decode()


class TestTryNow:
    def test_what_has_come_meanwhile_is_counted(self, world, desk):
        deposit()
        register(world)
        page = do(desk, "try_now").content.decode()
        assert "Tried again: 1 accepted." in page
        assert not ParkedPostback.objects.exists()
        assert Conversion.objects.get(goal=world.deposit).affiliate == world.ana

    def test_what_is_still_not_there_waits_on(self, world, desk):
        deposit()
        before = ParkedPostback.objects.get()
        ParkedPostback.objects.update(expires_at=NOW + timedelta(days=36_500))
        assert "Tried again: 1 still waiting." in do(desk, "try_now").content.decode()
        after = ParkedPostback.objects.get()
        assert (after.tries, after.parked_at) == (1, before.parked_at)

    def test_twice_is_harmless(self, world):
        deposit()
        register(world)
        [pk] = ParkedPostback.objects.values_list("pk", flat=True)
        assert [try_parked([pk], now=NOW), try_parked([pk], now=NOW)] == [1, 0]
        assert Conversion.objects.filter(goal=world.deposit).count() == 1


class TestGivingUp:
    def test_needs_a_reason(self, world, desk):
        deposit()
        assert "This field is required" in do(desk, "give_up", note=" ").content.decode()
        assert ParkedPostback.objects.exists()

    def test_the_trace_says_who_and_why(self, world, desk, olga):
        decision = deposit()
        page = do(desk, "give_up", note="A test of theirs").content.decode()
        assert "Expired: 1 unknown click. Reason: A test of theirs" in page
        assert not ParkedPostback.objects.exists()
        row = Postback.objects.get(public_id=decision.postback_id)
        assert (row.outcome, row.reason) == ("unknown_click", "customer_never_came")
        assert f"{olga} gave it up: A test of theirs" in Trace.objects.latest("pk").steps[-1]["note"]

    def test_what_came_meanwhile_is_counted_all_the_same(self, world, desk):
        deposit()
        register(world)
        assert "Expired: 1 accepted." in do(desk, "give_up", note="Too late").content.decode()
        assert Conversion.objects.filter(goal=world.deposit).count() == 1

    def test_repeats_go_with_it_and_others_wait_on(self, world):
        first = deposit()
        deposit()
        deposit("d2")
        pk = Postback.objects.get(public_id=first.postback_id).pk
        expire_parked([pk], by="Olga", note="A test", now=NOW)
        assert [row.postback.transaction_id for row in ParkedPostback.objects.all()] == ["d2"]

    def test_it_may_be_sent_again_and_counted_later(self, world):
        decision = deposit()
        expire_parked([Postback.objects.get(public_id=decision.postback_id).pk], by="Olga", note="A test", now=NOW)
        assert deposit().body["outcome"] == "held"
        send(click_id=world.click(), event_type="registration", customer_id="c-1", txid="r")
        assert Conversion.objects.filter(goal=world.deposit).count() == 1

    def test_from_its_own_page_the_way_leads_back_to_the_list(self, world, desk):
        deposit()
        path = reverse("admin:conversions_parkedpostback_give_up", args=[ParkedPostback.objects.get().pk])
        response = desk.post(path, {**CONFIRMED, "note": "A test"})
        assert (response.status_code, response["Location"]) == (302, LIST)


def test_the_touches_of_a_customer_are_a_link_away(world, desk):
    for name, link in (("c-1", world.ana_link), ("c-1", world.ben_link), ("c-2", world.ben_link)):
        send(click_id=world.click(link), event_type="deposit", customer_id=name, txid=f"{name}{link}", revenue="50")
    path = reverse("admin:conversions_touch_changelist")
    assert len(desk.get(path).context["cl"].result_list) == 3
    customer = Conversion.objects.filter(customer__customer_id="c-1").earliest("pk").customer
    rows = desk.get(path, {"customer": customer.pk}).context["cl"].result_list
    assert {row.enrollment.affiliate for row in rows} == {world.ana, world.ben}
    assert (
        f"?customer={customer.pk}"
        in desk.get(reverse("admin:conversions_customer_change", args=[customer.pk])).content.decode()
    )
    for nonsense in ("x", "99999999", "9" * 40, "-1"):
        assert len(desk.get(path, {"customer": nonsense}, follow=True).context["cl"].result_list) == 3
