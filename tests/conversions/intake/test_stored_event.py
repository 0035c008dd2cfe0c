"""The event that was read is stored beside the request, and whatever is settled later rests on it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.intake.facts import changes_of
from conversions.intake.parsed_event import VERSION, ParsedEvent, as_document, from_document
from conversions.models import Conversion, Postback
from conversions.replay import replay
from tests.conversions.sending import NOW, TOKEN, World, send
from tracking.click_id.codec import ClickID

FIRST, LAST = (datetime.fromisoformat(text) for text in ("2000-01-01", "2100-01-01"))
AMOUNTS = st.none() | st.decimals(min_value=0, max_value=10**12, places=8)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
EVENTS = st.builds(
    ParsedEvent,
    click_text=TEXTS,
    click=st.none() | st.uuids().map(ClickID),
    transaction_id=TEXTS,
    goal_code=TEXTS,
    payout=AMOUNTS,
    revenue=AMOUNTS,
    volume=AMOUNTS,
    deductions=st.dictionaries(st.sampled_from(["bonus", "fees"]), st.just("1.50"), max_size=2),
    refund=AMOUNTS,
    currency=st.sampled_from(["", "EUR", "JPY"]),
    occurred_at=st.none() | st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    customer_id=TEXTS,
    country=st.sampled_from(["", "DE"]),
    extras=st.dictionaries(TEXTS, TEXTS, max_size=3),
)


@given(EVENTS)
def test_a_stored_event_is_read_back_as_it_was(event: ParsedEvent) -> None:
    assert from_document(as_document(event)) == event


def test_a_document_of_an_unknown_version_is_not_guessed_at() -> None:
    assert from_document({"version": VERSION + 1, "revenue": "1"}) is None


def test_absent_values_are_left_out() -> None:
    assert as_document(ParsedEvent(transaction_id="1")) == {"version": VERSION, "transaction_id": "1"}


def test_what_is_read_otherwise_is_named() -> None:
    click = ClickID(UUID(int=1))
    before = ParsedEvent(click=click, revenue=Decimal("12.50"), goal_code="sale")
    after = ParsedEvent(click=click, revenue=Decimal(1250), goal_code="sale", status="approved")
    assert changes_of(before, after) == "revenue 12.5 → 1250; status not given → approved"
    assert changes_of(before, before) == ""


@pytest.fixture
def world(db: None) -> World:
    return World()


def read(row: Postback) -> ParsedEvent:
    event = from_document(row.event)
    assert event
    return event


def sell(world: World, **fields: str) -> Postback:
    given = {"click_id": world.click(), "event_type": "purchase", "txid": "t1", "revenue": "50", "currency": "EUR"}
    send(**{**given, **fields})
    return Postback.objects.latest("pk")


def test_the_event_stands_beside_the_request(world: World) -> None:
    row = sell(world, country="de", customer_id="Carl", color="red")
    event = read(row)
    assert (event.transaction_id, event.goal_code, event.revenue) == ("t1", "purchase", Decimal(50))
    assert (event.country, event.customer_id, event.extras) == ("DE", "Carl", {"color": "red"})
    assert event.click
    assert event.click.uuid == row.click_id


def test_a_request_that_was_refused_before_it_was_read_has_none(world: World) -> None:
    assert sell(world, token="wrong").event == {}


def test_a_correction_is_compared_with_what_was_read_then(world: World) -> None:
    """The stored request may say anything by now: what counts is what was read on receipt."""
    row = sell(world, event_type="ftd", customer_id="Carl", revenue="5")
    assert row.outcome == "rejected"
    Postback.objects.filter(pk=row.pk).update(parameters=[["nonsense", "1"]])
    sell(world, event_type="ftd", customer_id="Carl", revenue="50", click_id=dict(row.parameters)["click_id"])
    assert Conversion.objects.get().revenue == Decimal(50)


def test_a_replay_reads_anew_and_names_the_difference(world: World) -> None:
    row = sell(world)
    changed = [[name, "70" if name == "revenue" else value] for name, value in row.parameters]
    Postback.objects.filter(pk=row.pk).update(parameters=changed)
    [found] = replay([Postback.objects.get()], by="Olga", now=NOW + timedelta(minutes=1), dry=True)
    assert found.changes == "revenue 50.00 → 70.00"
    assert read(Postback.objects.get()).revenue == Decimal(50)
    [same] = replay([Postback.objects.get()], by="Olga", now=NOW, dry=False)
    assert same.changes == "revenue 50.00 → 70.00"
    assert read(Postback.objects.get()).revenue == Decimal(70)


def test_a_replay_that_changes_nothing_keeps_the_event(world: World) -> None:
    row = sell(world)
    replay([row], by="Olga", now=NOW)
    assert read(Postback.objects.get()) == read(row)


def test_a_request_stored_without_its_event_is_parsed_again(world: World) -> None:
    """Such as one from before events were stored: a repeat is no correction."""
    row = sell(world, event_type="ftd", customer_id="Carl", revenue="5", country="DE")
    Postback.objects.update(event={})
    given = dict(row.parameters) | {"token": TOKEN}
    assert send(**given).body["outcome"] == "duplicate"
    assert send(**{**given, "revenue": "50"}).body["outcome"] == "updated"


def test_a_token_in_a_wrong_field_is_not_stored_with_the_event(world: World) -> None:
    row = sell(world, coupon=TOKEN)
    assert TOKEN not in str(row.event)
