"""What goes back to customers: in parts, once each, never more than was paid; rules and reports go by what is left."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from affiliates.models import User
from conversions.intake import Decision, intake, resume_parked
from conversions.lifecycle.refunds import RefundRefused, refund
from conversions.models import Conversion, ParkedPostback, Postback, Refund, StatusChange
from dashboard.trace.events import RefundEvent
from dashboard.trace.lookup import look_up
from dashboard.trace.story import story_of
from payouts.ledger.booking import book_changes
from payouts.models import LedgerEntry
from tests.conversions.sending import NOW, World, outcome, received, send, send_all
from tests.payouts.deals import deal, flat, percent
from tests.rest import client_of

pytestmark = pytest.mark.django_db
Status = Conversion.Status


@pytest.fixture
def world(db: None) -> World:
    return World()


def sale(world: World, **fields: Any) -> Conversion:
    given = {"txid": "S-1", "event_type": "purchase", "revenue": "100.00", "currency": "EUR", "status": "approved"}
    decision = send(click_id=world.click(), **{**given, **fields})
    assert decision.body["outcome"] == "accepted", decision.body
    return Conversion.objects.get(public_id=decision.body["conversion_id"])


def give_back(amount: str, **fields: Any) -> Decision:
    return send(**{"txid": "S-1", "event_type": "purchase", "refund": amount, "currency": "EUR", **fields})


def owed() -> Decimal:
    book_changes()
    return sum((row.amount for row in LedgerEntry.objects.all()), Decimal(0))


def test_a_part_shrinks_the_commission_that_is_a_share(world: World) -> None:
    deal(percent(world.purchase, "10"))
    row = sale(world)
    assert owed() == 10
    assert outcome(give_back("20.00")) == (200, "updated", "partly_refunded")
    row.refresh_from_db()
    assert (row.status, row.revenue, row.refunded, row.remaining_revenue) == ("approved", 100, 20, 80)
    assert owed() == 8
    assert LedgerEntry.objects.get(kind="reversal").amount == -2


def test_an_amount_per_event_stays_until_all_went_back(world: World) -> None:
    deal(flat(world.purchase, "7"))
    row = sale(world)
    give_back("99.99")
    assert owed() == 7
    assert outcome(give_back("0.01")) == (200, "updated", "refunded")
    row.refresh_from_db()
    assert (row.status, row.reason, owed()) == ("rejected", "refunded", 0)
    change = row.status_changes.last()
    assert change is not None
    assert (change.from_status, change.source, change.postback is not None) == ("approved", "postback", True)


def test_the_same_refund_twice_counts_once(world: World) -> None:
    row = sale(world)
    first, again = give_back("20.00"), give_back("20.00")
    assert outcome(again) == (200, "duplicate", "duplicate")
    assert first.body["conversion_id"] == again.body["conversion_id"] == row.public_id
    assert Refund.objects.get().amount == 20


def test_two_refunds_of_the_same_amount_have_an_id_each(world: World) -> None:
    row = sale(world)
    batch = [{"txid": "S-1", "event_type": "purchase", "refund": "20", "refund_id": name} for name in "aba"]
    assert [outcome(decision)[1] for decision in send_all(batch)] == ["updated", "updated", "duplicate"]
    row.refresh_from_db()
    assert row.refunded == 40


def test_an_id_with_another_amount_is_a_conflict(world: World) -> None:
    sale(world)
    give_back("20", refund_id="a")
    assert outcome(give_back("30", refund_id="a")) == (409, "conflict", "transaction_conflict")


def test_no_more_goes_back_than_was_paid(world: World) -> None:
    row = sale(world)
    give_back("60")
    assert outcome(give_back("40.01")) == (409, "conflict", "refund_too_large")
    row.refresh_from_db()
    assert row.refunded == 60


def test_a_refund_has_no_more_decimals_than_its_currency(world: World) -> None:
    row = sale(world, revenue="100", currency="JPY")
    decision = give_back("0.5", currency="JPY")
    assert outcome(decision) == (422, "invalid", "bad_amount")
    assert [problem["field"] for problem in decision.body["problems"]] == ["refund"]
    row.refresh_from_db()
    assert row.refunded == 0
    assert outcome(give_back("5", currency="JPY")) == (200, "updated", "partly_refunded")


def test_nothing_goes_back_of_a_sale_without_revenue(world: World) -> None:
    sale(world, revenue=None, currency=None)
    decision = give_back("1")
    assert outcome(decision) == (409, "conflict", "refund_too_large")
    assert "came without revenue" in str(Postback.objects.latest("id").traces.get().steps)


def test_another_currency_is_a_conflict(world: World) -> None:
    sale(world)
    assert outcome(give_back("20", currency="USD")) == (409, "conflict", "transaction_conflict")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"refund": "-5"}, "bad_amount"),
        ({"refund": "0"}, "bad_amount"),
        ({"refund": "5", "status": "rejected"}, "bad_status"),
        ({"refund": "5", "txid": None}, "missing_transaction"),
    ],
)
def test_says_what_is_wrong_with_a_refund(world: World, fields: dict[str, Any], reason: str) -> None:
    sale(world)
    decision = give_back("5", **fields)
    assert (decision.http_status, decision.body["outcome"]) == (422, "invalid")
    assert reason in [problem["code"] for problem in decision.body["problems"]]
    assert not Refund.objects.exists()


def test_a_refund_that_overtakes_its_sale_waits_for_it(world: World) -> None:
    assert outcome(give_back("20")) == (202, "held", "waiting_for_sale")
    assert not Conversion.objects.exists()
    row = sale(world)
    row.refresh_from_db()
    assert (row.refunded, ParkedPostback.objects.count()) == (20, 0)


def test_a_refund_whose_sale_never_comes_is_given_up(world: World) -> None:
    give_back("20", click_id=world.click())
    resume_parked(now=NOW + timedelta(hours=73))
    assert Postback.objects.get().reason == "sale_never_came"
    assert not Conversion.objects.exists()


def test_one_batch_brings_sale_and_refunds(world: World) -> None:
    fields = {"txid": "S-1", "event_type": "purchase", "currency": "EUR"}
    batch = [
        {**fields, "click_id": world.click(), "revenue": "50"},
        {**fields, "refund": "20"},
        {**fields, "refund": "30"},
    ]
    assert [outcome(found)[2] for found in send_all(batch)] == ["ok", "partly_refunded", "refunded"]


def test_a_refund_of_what_is_pending_is_kept_for_its_approval(world: World) -> None:
    deal(percent(world.purchase, "10"))
    row = sale(world, status="pending")
    give_back("20")
    send(txid="S-1", event_type="purchase", status="approved")
    row.refresh_from_db()
    assert (row.status, owed()) == ("approved", 8)


def test_a_pixel_refunds_nothing(world: World) -> None:
    world.advertiser.allows_pixel = True
    world.advertiser.save()
    row = sale(world)
    fields = {"txid": "S-1", "event_type": "purchase", "refund": "20", "click_id": world.click(), "token": None}
    fields["advertiser"] = world.advertiser.public_id
    intake([received(fields, endpoint=Postback.Endpoint.PIXEL)], now=NOW)
    row.refresh_from_db()
    assert row.refunded == 0


def test_the_database_keeps_the_sum(world: World, olga: User) -> None:
    row = sale(world)
    given = {"conversion": row, "occurred_at": NOW, "received_at": NOW}
    Refund.objects.create(amount=Decimal(60), **given)
    row.refresh_from_db()
    assert (row.refunded, row.booked_at) == (60, None)
    with pytest.raises(IntegrityError, match="refunded_within_revenue"), transaction.atomic():
        Refund.objects.create(amount=Decimal(41), **given)
    with pytest.raises(IntegrityError, match="refund_above_zero"), transaction.atomic():
        Refund.objects.create(amount=Decimal(-1), **given)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        Refund.objects.update(amount=Decimal(1))


def test_an_operator_refunds_by_panel_and_api(world: World, olga: User) -> None:
    row, client = sale(world), Client()
    client.force_login(olga)
    address = f"/api/v1/conversions/{row.public_id}/refund/"
    body = {"amount": "20.00", "refund_id": "R1", "note": "Sent back"}
    answer = client.post(address, body, content_type="application/json")
    assert (answer.status_code, answer.json()["refunded"], answer.json()["revenue"]) == (200, "20.00", "100.00")
    assert client.post(address, body, content_type="application/json").status_code == 409
    page = f"/admin/conversions/conversion/{row.pk}/refund/"
    assert "80.00 EUR left" in client.get(page).content.decode()
    form = {"confirmed": "1", "amount": "90", "note": "Too much"}
    assert "has 80.00 EUR left" in client.post(page, form).content.decode()
    assert client.post(page, {**form, "amount": "80"}).status_code == 302
    row.refresh_from_db()
    assert (row.status, row.refunds.get(amount=80).actor) == ("rejected", olga)


def test_an_affiliate_does_not_refund(world: World) -> None:
    row, client = sale(world), client_of(world.ana)
    answer = client.post(f"/api/v1/conversions/{row.public_id}/refund/", {"amount": "1", "note": "x"})
    assert answer.status_code == 403
    assert "refunded" not in client.get(f"/api/v1/conversions/{row.public_id}/").json()


def test_refuses_what_the_currency_has_no_coin_for(world: World, olga: User) -> None:
    row = sale(world, revenue="5000", currency="JPY")
    source = StatusChange.Source.OPERATOR
    with pytest.raises(RefundRefused, match="JPY has 0 decimals"):
        refund(conversion=row, amount=Decimal("0.5"), occurred_at=NOW, now=NOW, source=source, actor=olga)


def test_the_whole_story_reports_it(world: World) -> None:
    row = sale(world)
    give_back("20", refund_id="R1")
    events = story_of(look_up(row.public_id)).events
    [event] = [event for event in events if isinstance(event, RefundEvent)]
    assert (event.row.amount, event.row.refund_id) == (20, "R1")
