"""What contradicts a conversion waits for a person, who accepts the new amount or dismisses it: once, with a reason."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.models import User
from conversions.conflicts import ConflictRefused, accept, differences, dismiss
from conversions.intake import Decision
from conversions.lifecycle.operator_decisions import reject
from conversions.models import ConflictReview, Conversion, Correction, Postback, QualificationRule
from conversions.reasons.codes import Reason
from conversions.replay import replay
from dashboard.navigation import waiting
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry, Statement
from payouts.statements.statements import close_period
from tests.conversions.sending import NOW, World, outcome, send, send_all
from tests.factories import OperatorFactory
from tests.payouts.deals import deal, percent
from tests.rest import client_of
from tests.traces import gaps_of

pytestmark = pytest.mark.django_db
QUEUE = "/admin/conversions/conflictreview/"


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def desk(olga: User, client: Client) -> Client:
    client.force_login(olga)
    return client


def sale(world: World, **fields: Any) -> Decision:
    given = {"txid": "S-1", "event_type": "purchase", "revenue": "100", "currency": "EUR", "status": "approved"}
    return send(**{"click_id": world.click(), **given, **fields})


def other_money(revenue: str = "120", **fields: Any) -> Decision:
    given = {"txid": "S-1", "event_type": "purchase", "revenue": revenue, "currency": "EUR"}
    decision = send(**{**given, **fields})
    assert decision.http_status == 409, decision.body
    return decision


def the_review() -> ConflictReview:
    return ConflictReview.objects.select_related("conversion", "postback__advertiser").latest("pk")


def owed() -> Decimal:
    book_changes()
    return sum((row.amount for row in LedgerEntry.objects.all()), Decimal(0))


def take(actor: User, note: str = "The shop confirmed it") -> Conversion:
    return accept(review_id=the_review().pk, note=note, actor=actor, now=NOW)


def test_other_money_waits_with_both_sides(world: World) -> None:
    sale(world)
    other_money()
    assert [tuple(each) for each in differences([the_review()])[0]] == [("revenue", "100", "120")]
    assert waiting().conflicts == 1


def test_the_same_contradiction_waits_once_however_often_it_comes(world: World, olga: User) -> None:
    sale(world)
    fields = {"txid": "S-1", "event_type": "purchase", "revenue": "120", "currency": "EUR"}
    assert {outcome(found)[0] for found in send_all([fields] * 3)} == {409}
    other_money("130")
    assert ConflictReview.objects.count() == 2
    dismiss(review_id=ConflictReview.objects.earliest("pk").pk, note="No", actor=olga, now=NOW)
    other_money("120")
    assert waiting().conflicts == 1


def test_accepting_changes_the_amount_and_the_ledger_follows(world: World, olga: User) -> None:
    deal(percent(world.purchase, "10"))
    sale(world)
    assert owed() == 10
    other_money()
    take(olga)
    row = Conversion.objects.get()
    assert (row.status, row.revenue, owed()) == ("approved", 120, 12)
    assert [entry.amount for entry in LedgerEntry.objects.order_by("pk")] == [10, 2]
    correction = Correction.objects.get()
    assert (correction.actor, correction.note) == (olga, "The shop confirmed it")
    assert correction.words == "revenue 100.00 → 120.00"


def test_a_smaller_amount_takes_commission_back_after_a_statement(world: World, olga: User) -> None:
    deal(percent(world.purchase, "10"))
    sale(world)
    book_changes(now=NOW)
    close_period(ends_at=datetime(2026, 11, 1, tzinfo=UTC), now=NOW + timedelta(days=30))
    assert Statement.objects.get().closing == 10
    other_money("40")
    take(olga)
    assert (owed(), Statement.objects.get().closing) == (4, 10)
    assert LedgerEntry.objects.latest("pk").amount == -6


def test_another_currency_is_taken_back_and_booked_anew(world: World, olga: User) -> None:
    deal(percent(world.purchase, "10"))
    sale(world)
    owed()
    other_money("100", currency="USD")
    take(olga)
    book_changes()
    entries = LedgerEntry.objects.order_by("pk").values_list("amount", "currency")
    assert list(entries) == [(10, "EUR"), (-10, "EUR"), (10, "USD")]


def test_stands_on_the_trace_of_both(world: World, olga: User) -> None:
    sale(world)
    decision = other_money()
    take(olga)
    postback = Postback.objects.get(public_id=decision.postback_id)
    trace = postback.traces.latest("pk")
    assert (postback.outcome, postback.reason) == ("updated", "amount_accepted")
    assert trace.conversion == Conversion.objects.get()
    assert trace.steps[-1]["note"] == f"{olga} accepted it: revenue 100.00 → 120.00. The shop confirmed it"
    assert gaps_of(trace) == []


def test_dismissing_leaves_the_first_amount_and_says_why(world: World, olga: User) -> None:
    sale(world)
    decision = other_money()
    dismiss(review_id=the_review().pk, note="A typing error", actor=olga, now=NOW)
    review, trace = the_review(), Postback.objects.get(public_id=decision.postback_id).traces.latest("pk")
    assert (Conversion.objects.get().revenue, review.resolution, review.note) == (100, "dismissed", "A typing error")
    assert (trace.outcome, trace.reason) == ("conflict", "conflict_dismissed")
    assert gaps_of(trace) == []
    assert waiting().conflicts == 0


@pytest.mark.parametrize("again", [accept, dismiss])
def test_is_decided_once(world: World, olga: User, again: Any) -> None:
    sale(world)
    other_money()
    take(olga)
    with pytest.raises(ConflictRefused, match="was decided already: new amount accepted, by Olga"):
        again(review_id=the_review().pk, note="Again", actor=olga, now=NOW)
    assert Correction.objects.count() == 1


def test_later_words_undo_nothing(world: World, olga: User) -> None:
    first = sale(world)
    other_money()
    take(olga)
    assert outcome(send(txid="S-1", event_type="purchase", revenue="120", currency="EUR"))[1] == "duplicate"
    replay(list(Postback.objects.all()), by="Olga", now=NOW)
    assert Conversion.objects.get(public_id=first.body["conversion_id"]).revenue == 120
    assert ConflictReview.objects.count() == 1


def test_what_went_back_bounds_the_new_amount(world: World, olga: User) -> None:
    sale(world)
    send(txid="S-1", event_type="purchase", refund="50", currency="EUR")
    other_money("40")
    with pytest.raises(ConflictRefused, match=r"50.00 EUR of conversion .* was refunded: its revenue cannot be less"):
        take(olga)
    other_money("100", currency="USD")
    with pytest.raises(ConflictRefused, match="its currency can no longer change"):
        take(olga)
    other_money("50")
    take(olga)
    assert Conversion.objects.get().remaining_revenue == 0


def test_another_click_is_no_other_amount(world: World, olga: User) -> None:
    sale(world)
    other_money("100", click_id=world.click(world.ben_link))
    with pytest.raises(ConflictRefused, match="has these amounts already; dismiss it"):
        take(olga)


def test_a_rejected_one_takes_the_amount_and_stays_rejected(world: World, olga: User) -> None:
    deal(percent(world.purchase, "10"))
    sale(world)
    reject(conversion_id=Conversion.objects.get().pk, reason=Reason.FRAUD, note="Fraud", actor=olga, now=NOW)
    other_money()
    take(olga)
    row = Conversion.objects.get()
    assert (row.status, row.revenue, owed()) == ("rejected", 120, 0)


def test_what_waits_for_a_rule_is_judged_by_the_new_amount(world: World, olga: User) -> None:
    QualificationRule.objects.create(
        goal=world.purchase, kind="accumulated", amount=Decimal(110), other_goal=world.purchase
    )
    sale(world, customer_id="carl")
    assert Conversion.objects.get().reason == "awaits_rules"
    other_money(customer_id="carl")
    take(olga)
    assert Conversion.objects.get().reason == "qualified"


def test_the_database_wants_a_whole_decision(world: World, olga: User) -> None:
    sale(world)
    other_money()
    with pytest.raises(IntegrityError, match="conflict_decided_whole"), transaction.atomic():
        ConflictReview.objects.update(resolved_at=NOW, resolution="accepted", resolved_by=olga)


class TestPanel:
    def test_the_queue_shows_both_and_the_difference(self, world: World, desk: Client) -> None:
        sale(world)
        other_money()
        page = desk.get(QUEUE).content.decode()
        for text in ("S-1", "revenue 100.00 EUR", "revenue 120.00 EUR", "+20.00 EUR", "Lucky Fox Casino"):
            assert text in page
        detail = desk.get(reverse("admin:conversions_conflictreview_change", args=[the_review().pk])).content.decode()
        assert "+20.00 EUR" in detail
        assert "Accept the new amount" in detail

    def test_asks_for_the_reason_and_records_who(self, world: World, desk: Client, olga: User) -> None:
        sale(world)
        other_money()
        fields = {"action": "accept", "_selected_action": [the_review().pk], "confirmed": "1"}
        assert "This field is required" in desk.post(QUEUE, fields).content.decode()
        desk.post(QUEUE, fields | {"note": "The shop confirmed it"})
        assert (Conversion.objects.get().revenue, the_review().resolved_by) == (120, olga)
        assert "S-1" not in desk.get(QUEUE).content.decode()
        assert "+20.00 EUR" in desk.get(QUEUE, {"state": "accepted"}).content.decode()

    def test_what_cannot_be_accepted_is_reported_and_the_others_are(self, world: World, desk: Client) -> None:
        sale(world)
        other_money()
        other_money("100", click_id=world.click(world.ben_link))
        ids = list(ConflictReview.objects.order_by("pk").values_list("pk", flat=True))
        fields = {"action": "accept", "_selected_action": ids, "confirmed": "1", "note": "All"}
        page = desk.post(QUEUE, fields, follow=True).content.decode()
        assert "1 accepted." in page
        assert "changed meanwhile: check" in page
        assert (Conversion.objects.get().revenue, ConflictReview.objects.filter(resolved_at=None).count()) == (120, 1)

    def test_who_may_not_decide_sees_no_button(self, world: World, client: Client) -> None:
        from django.contrib.auth.models import Permission

        reader = OperatorFactory()
        reader.user_permissions.set(
            Permission.objects.filter(codename__in=["view_conflictreview", "change_conflictreview"])
        )
        client.force_login(reader)
        sale(world)
        other_money()
        page = reverse("admin:conversions_conflictreview_change", args=[the_review().pk])
        assert "Accept the new amount" not in client.get(page).content.decode()
        client.post(QUEUE, {"action": "accept", "_selected_action": [the_review().pk], "confirmed": "1", "note": "x"})
        assert the_review().resolved_at is None


class TestApi:
    def test_an_operator_accepts_once(self, world: World, desk: Client) -> None:
        sale(world)
        postback = other_money().postback_id
        address = f"/api/v1/postbacks/{postback}/accept/"
        assert desk.post(address, {}, content_type="application/json").status_code == 400
        answer = desk.post(address, {"note": "Confirmed"}, content_type="application/json")
        assert (answer.status_code, answer.json()["outcome"]) == (200, "updated")
        assert desk.post(address, {"note": "Again"}, content_type="application/json").status_code == 409
        assert Conversion.objects.get().revenue == 120

    def test_lists_what_is_open_and_dismisses_a_repeat_with_the_first(self, world: World, desk: Client) -> None:
        first = sale(world)
        other_money()
        repeat = other_money().postback_id
        listed = desk.get("/api/v1/postbacks/", {"waits_for_review": "true"}).json()["results"]
        assert len(listed) == 1
        answer = desk.post(f"/api/v1/postbacks/{repeat}/dismiss/", {"note": "No"}, content_type="application/json")
        assert answer.status_code == 200
        assert desk.get("/api/v1/postbacks/", {"waits_for_review": "true"}).json()["results"] == []
        other = f"/api/v1/postbacks/{first.postback_id}/accept/"
        assert desk.post(other, {"note": "x"}, content_type="application/json").status_code == 409

    def test_is_not_for_affiliates(self, world: World) -> None:
        sale(world)
        postback, client = other_money().postback_id, client_of(world.ana)
        assert client.post(f"/api/v1/postbacks/{postback}/accept/", {"note": "x"}).status_code == 403
