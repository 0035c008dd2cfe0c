"""How operators decide conversions, and read postbacks and goals."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from affiliates.models import Offer
from conversions.intake import intake, resume_parked
from conversions.lifecycle import status as lifecycle
from conversions.models import Conversion, Customer, Goal, Postback, StatusChange
from conversions.qualification.words import all_words
from conversions.reasons.codes import Reason
from tests.conversions.sending import NOW, World, received, send
from tests.factories import ConversionFactory, CustomerFactory, GoalFactory, OfferFactory, PostbackFactory
from tracking.click_id.codec import text_of

LIST = "/admin/conversions/conversion/"
CONFIRMED = {"confirmed": "yes"}
Status = Conversion.Status


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def decide(desk: Client, rows: list[Conversion], name: str, **fields):
    chosen = {"action": name, "_selected_action": [row.pk for row in rows]}
    return desk.post(LIST, {**chosen, **CONFIRMED, "note": "", **fields}, follow=True)


def pending(**fields) -> Conversion:
    return ConversionFactory(status=Status.PENDING, reason=Reason.AWAITS_APPROVAL, **fields)


def listed(response) -> set[int]:
    return {row.pk for row in response.context["cl"].result_list}


class TestDeciding:
    def test_approving_appends_who_when_and_why_and_makes_it_due(self, desk, olga):
        row = pending(booked_at="2026-10-15T12:00Z")
        response = decide(desk, [row], "approve", reason="operator_approved", note="Checked")
        row.refresh_from_db()
        assert (row.status, row.reason, row.booked_at) == (Status.APPROVED, Reason.OPERATOR_APPROVED, None)
        change = StatusChange.objects.get()
        assert (change.from_status, change.to_status, change.actor) == ("pending", "approved", olga)
        assert (change.source, change.note) == (StatusChange.Source.OPERATOR, "Checked")
        assert "1 conversion approved: approved by an operator. Note: Checked" in response.content.decode()

    def test_nothing_happens_before_the_confirmation(self, desk):
        row = pending()
        page = desk.post(LIST, {"action": "approve", "index": "0", "_selected_action": [row.pk]})
        assert row.public_id in page.content.decode()
        row.refresh_from_db()
        assert row.status == Status.PENDING

    def test_rejecting_needs_a_note(self, desk):
        row = pending()
        page = decide(desk, [row], "reject", reason="fraud").content.decode()
        assert "This field is required" in page
        row.refresh_from_db()
        assert row.status == Status.PENDING

    def test_an_approved_conversion_is_reversed(self, desk):
        row = ConversionFactory()
        decide(desk, [row], "reject", reason="reversed", note="Chargeback")
        row.refresh_from_db()
        assert (row.status, row.reason) == (Status.REJECTED, Reason.REVERSED)

    def test_an_appeal_needs_a_note(self, desk):
        row = ConversionFactory(status=Status.REJECTED, reason=Reason.FRAUD)
        assert "Say why in a few words" in decide(desk, [row], "approve", reason="appeal").content.decode()
        decide(desk, [row], "approve", reason="appeal", note="The invoice was found")
        row.refresh_from_db()
        assert (row.status, row.reason) == (Status.APPROVED, Reason.APPEAL)

    def test_a_reason_that_does_not_fit_names_the_conversion_and_changes_none(self, desk):
        waiting, refused = pending(), ConversionFactory(status=Status.REJECTED, reason=Reason.FRAUD)
        page = decide(desk, [waiting, refused], "approve", reason="operator_approved").content.decode()
        assert f"does not fit {refused.public_id} (rejected). Decide them separately." in page
        assert {row.status for row in Conversion.objects.all()} == {Status.PENDING, Status.REJECTED}
        assert not StatusChange.objects.exists()

    @pytest.mark.parametrize("reason", ["ok", "duplicate", "appeal", "bad_token", ""])
    def test_reasons_that_are_not_an_operators_are_refused(self, desk, reason):
        row = pending()
        decide(desk, [row], "approve", reason=reason, note="x")
        row.refresh_from_db()
        assert row.status == Status.PENDING

    def test_a_refusal_of_the_lifecycle_is_worded_as_its_own(self, desk, monkeypatch):
        monkeypatch.setitem(lifecycle.ALLOWED, Status.PENDING, frozenset())
        row = pending()
        page = decide(desk, [row], "approve", reason="operator_approved").content.decode()
        assert f"Nothing was changed. Conversion {row.public_id} is pending and cannot become approved." in page
        assert not StatusChange.objects.exists()

    def test_what_is_approved_already_is_left_alone(self, desk):
        done, row = ConversionFactory(), pending()
        page = decide(desk, [done, row], "approve", reason="operator_approved").content.decode()
        assert "1 conversion approved: approved by an operator; 1 unchanged." in page
        assert StatusChange.objects.get().conversion == row

    def test_the_page_of_one_offers_only_the_step_that_is_left(self, desk):
        row = ConversionFactory()
        page = desk.get(reverse("admin:conversions_conversion_change", args=[row.pk])).content.decode()
        assert reverse("admin:conversions_conversion_reject", args=[row.pk]) in page
        assert reverse("admin:conversions_conversion_approve", args=[row.pk]) not in page
        path = reverse("admin:conversions_conversion_reject", args=[row.pk])
        desk.post(path, {**CONFIRMED, "reason": "test_event", "note": "Ours"})
        row.refresh_from_db()
        assert row.status == Status.REJECTED

    def test_too_many_at_once_are_refused(self, desk, monkeypatch):
        monkeypatch.setattr("web.panel.base.PanelAdmin.ASK_BOUND", 1)
        rows = [pending(), pending()]
        page = decide(desk, rows, "approve", reason="operator_approved").content.decode()
        assert "At most 1 at once." in page
        assert not StatusChange.objects.exists()


class TestFinding:
    def test_by_every_id_that_people_have(self, desk):
        world = World()
        click = world.click()
        send(click_id=click, event_type="ftd", txid="TX-9", customer_id="Carl", revenue="50", currency="EUR")
        ConversionFactory()
        row = Conversion.objects.get(transaction_id="TX-9")
        for term in (row.public_id, "TX-9", "Carl", click, str(row.click_id)):
            assert listed(desk.get(LIST, {"q": term})) == {row.pk}, term

    def test_postbacks_by_every_id_that_people_have(self, desk):
        world = World()
        click = world.click()
        decision = send(click_id=click, event_type="purchase", txid="TX-9", revenue="50", currency="EUR")
        PostbackFactory()
        for term in (decision.postback_id, "TX-9", click):
            found = desk.get("/admin/conversions/postback/", {"q": term}).context["cl"].result_list
            assert [row.public_id for row in found] == [decision.postback_id], term

    def test_a_customer_has_a_filter_of_its_own(self, desk):
        customer = CustomerFactory()
        row = ConversionFactory(customer=customer)
        ConversionFactory()
        assert listed(desk.get(LIST, {"customer__id__exact": customer.pk})) == {row.pk}


class TestPostbacks:
    def test_the_page_shows_what_was_sent_and_answered(self, desk):
        world = World()
        decision = send(click_id=world.click(), event_type="purchase", txid="TX-9", revenue="50", currency="EUR")
        row = Postback.objects.get()
        page = desk.get(reverse("admin:conversions_postback_change", args=[row.pk])).content.decode()
        assert "HTTP 200" in page
        assert decision.body["conversion_id"] in page
        assert "TX-9" in page
        assert "aft_the_token" not in page

    def test_what_a_sender_wrote_is_shown_as_text(self, desk):
        row = PostbackFactory(parameters=[["<b>x</b>", "<script>alert(1)</script>"]])
        page = desk.get(reverse("admin:conversions_postback_change", args=[row.pk])).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page

    def test_those_not_decided_yet_are_filtered(self, desk):
        row = PostbackFactory()
        PostbackFactory(decided_at="2026-10-15T12:00Z", outcome="accepted", reason="ok")
        assert listed(desk.get("/admin/conversions/postback/", {"decided": "no"})) == {row.pk}


class TestParked:
    def test_are_filtered_and_say_what_they_wait_for_and_until_when(self, desk):
        world = World()
        send(event_type="deposit", customer_id="c-77", txid="d1", revenue="50")
        send(click_id=world.click(), event_type="purchase", txid="p1")
        row = Postback.objects.earliest("pk")
        page = desk.get("/admin/conversions/postback/", {"parked": "waiting"})
        assert listed(page) == {row.pk}
        assert "until" in page.content.decode()
        page = desk.get(f"/admin/conversions/postback/{row.pk}/change/").content.decode()
        assert "first event" in page
        assert "c-77" in page
        assert "0 attempts so far" in page

    def test_those_that_waited_in_vain_have_a_filter(self, desk):
        World()
        send(event_type="deposit", customer_id="c-77", txid="d1", revenue="50")
        assert listed(desk.get("/admin/conversions/postback/", {"parked": "in_vain"})) == set()
        resume_parked(now=NOW + timedelta(hours=72))
        assert listed(desk.get("/admin/conversions/postback/", {"parked": "in_vain"})) == {Postback.objects.get().pk}
        assert listed(desk.get("/admin/conversions/postback/", {"parked": "waiting"})) == set()


class TestCustomers:
    def test_the_page_shows_the_lock_with_its_end_and_every_touch(self, desk):
        world = World()
        Offer.objects.update(customer_lock_expires=timedelta(days=90))
        cids = [world.click(link) for link in (world.ana_link, world.ben_link)]
        for n, cid in enumerate(cids):
            send(click_id=cid, event_type="purchase", customer_id="c-1", txid=f"t{n}")
        page = desk.get(f"/admin/conversions/customer/{Customer.objects.get().pk}/change/").content.decode()
        assert all(cid in page for cid in cids)
        assert "Next click takes over after" in page
        assert "2027" in page  # ninety days after 15 October 2026


class TestGoals:
    def goal(self, offer, **fields):
        rules = {"approval": "by_hand", "approval_delay": "", "attribution_window": "", "minimum_revenue": ""}
        rules |= {"rules-TOTAL_FORMS": 0, "rules-INITIAL_FORMS": 0}
        return {"offer": offer.pk, "code": "ftd", "name": "FTD", "kind": "ftd", "position": 1, **rules, **fields}

    def test_approval_after_a_delay_asks_for_the_delay(self, desk):
        path, offer = reverse("admin:conversions_goal_add"), OfferFactory()
        page = desk.post(path, self.goal(offer, approval="after_delay")).content.decode()
        assert "Say after how many days the goal is approved." in page
        desk.post(path, self.goal(offer, approval="after_delay", approval_delay="14", minimum_revenue="20"))
        goal = Goal.objects.get()
        assert (goal.approval_delay, goal.minimum_revenue) == (timedelta(days=14), Decimal(20))

    def test_a_code_in_use_does_not_change(self, desk):
        goal = GoalFactory(code="ftd")
        ConversionFactory(goal=goal)
        path = reverse("admin:conversions_goal_change", args=[goal.pk])
        desk.post(path, self.goal(goal.offer, code="other", name="First deposit"))
        goal.refresh_from_db()
        assert (goal.code, goal.name) == ("ftd", "First deposit")

    def test_a_rule_is_added_and_an_incomplete_one_shown_what_it_lacks(self, desk):
        goal = GoalFactory(code="ftd")
        path = reverse("admin:conversions_goal_change", args=[goal.pk])
        fields = self.goal(goal.offer) | {"rules-TOTAL_FORMS": 1, "rules-0-kind": "accumulated", "rules-0-within": "30",
                                          "rules-0-over_cap": "reject", "rules-0-goal": goal.pk}  # fmt: skip
        assert "Give the minimum, more than 0." in desk.post(path, fields).content.decode()
        desk.post(path, fields | {"rules-0-amount": "100"})
        assert all_words(goal) == ["First deposit (FTD) amounts add up to 100.00 EUR, within 30 days"]

    def test_are_edited_on_their_offers_page(self, desk):
        goal = GoalFactory()
        page = desk.get(reverse("admin:affiliates_offer_change", args=[goal.offer_id])).content.decode()
        assert f'name="goals-0-code" value="{goal.code}"' in page


class TestReviews:
    @pytest.fixture
    def held(self, desk):
        world = World()
        send(click_id=world.click(is_bot=True, marked_at=NOW), event_type="purchase", txid="1", revenue="50")
        return Conversion.objects.get()

    def test_the_queue_shows_the_parts_of_the_score(self, desk, held):
        page = desk.get("/admin/conversions/riskreview/").content.decode()
        assert held.public_id in page
        assert "100 of 100" in page
        assert "Bot 100" in page
        detail = desk.get(reverse("admin:conversions_conversion_change", args=[held.pk])).content.decode()
        assert "The click was made by a bot." in detail

    @pytest.mark.parametrize(("decision", "reason", "status"), [("approve", "operator_approved", "approved"),
                                                            ("reject", "fraud", "rejected")])  # fmt: skip
    def test_are_decided_with_a_reason_and_leave_the_queue(self, desk, held, decision, reason, status):
        fields = {"action": decision, "_selected_action": [held.pk], "confirmed": "1", "reason": reason}
        assert "This field is required" in desk.post("/admin/conversions/riskreview/", fields).content.decode()
        desk.post("/admin/conversions/riskreview/", fields | {"note": "Called."})
        held.refresh_from_db()
        assert (held.status, held.reason) == (status, reason)
        assert listed(desk.get("/admin/conversions/riskreview/")) == set()


def test_the_click_id_of_a_conversion_is_shown_signed(desk):
    world = World()
    click = world.click()
    send(click_id=click, event_type="purchase", txid="1", revenue="50", currency="EUR")
    row = Conversion.objects.get()
    assert text_of(row.click_id) == click
    assert click in desk.get(reverse("admin:conversions_conversion_change", args=[row.pk])).content.decode()


class TestTurnedAway:
    """An advertiser's page shows who failed to send as it."""

    @pytest.fixture
    def page(self, desk: Client) -> Callable[[World], str]:
        return lambda world: desk.get(f"/admin/affiliates/advertiser/{world.advertiser.pk}/change/").content.decode()

    def test_no_one(self, page: Callable[[World], str]) -> None:
        assert "every request named the advertiser correctly" in page(World())

    def test_an_unknown_token_from_its_own_address(self, page: Callable[[World], str], desk: Client) -> None:
        world, now = World(), timezone.now()
        good = {"click_id": world.click(), "event_type": "purchase", "txid": "T1"}
        intake([received(good, at=now), received({"token": "aft_wrong"}, at=now)], now=now)
        intake([received({"token": "aft_wrong"}, at=now, ip="203.0.113.9")], now=now)
        shown = page(world)
        assert "198.51.100.20" in shown
        assert "203.0.113.9" not in shown
        (address,) = re.findall(r'href="(/admin/conversions/postback/\?q=198[^"]+)"', shown)
        rows = listed(desk.get(unescape(address)))
        assert rows == set(Postback.objects.filter(ip="198.51.100.20", reason="bad_token").values_list("pk", flat=True))

    def test_its_own_requests_that_were_forbidden(self, page: Callable[[World], str]) -> None:
        world, now = World(), timezone.now()
        world.advertiser.sender_networks = ["203.0.113.0/24"]
        world.advertiser.save()
        intake([received({"txid": "T1"}, at=now)], now=now)
        assert str(Reason.SENDER_NOT_ALLOWED.label) in unescape(page(world))
