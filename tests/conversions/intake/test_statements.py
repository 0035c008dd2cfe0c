"""How many statements the server gets for a postback that comes alone: each is a message that both sides wait for."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from psycopg import pq

from conversions.endpoints.native import decide_batch
from conversions.intake import reference_cache
from conversions.models import Conversion, Trace
from tests.conversions.sending import World, received, send
from tests.factories import CouponCodeFactory

pytestmark = pytest.mark.django_db(transaction=True)
# From arrival to answer, with BEGIN and COMMIT.
MOST = 8


@pytest.fixture
def world() -> Iterator[World]:
    """The usual world, with the reference data in memory as in a web process that gets notifications."""
    for cache in reference_cache.ALL:
        cache.clear()
        cache.connected = True
    yield World()
    for cache in reference_cache.ALL:
        cache.connected = False
        cache.clear()


@contextmanager
def traced(statements: list[str]) -> Iterator[None]:
    """Collect what goes over the connection as a statement: libpq itself writes the messages down."""
    connection.ensure_connection()
    line = connection.connection.pgconn
    with tempfile.TemporaryFile("w+") as file:
        line.trace(file.fileno())
        line.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield
        finally:
            line.untrace()
        file.seek(0)
        messages = [text.split("\t") for text in file.read().splitlines()]
    statements += [parts[-1] for parts in messages if parts[0] == "F" and parts[2] in ("Query", "Execute")]


def statements_of(fields: dict[str, Any], outcome: str) -> list[str]:
    found: list[str] = []
    with traced(found):
        [decision] = decide_batch([received(fields)])
    assert not isinstance(decision, Exception)
    assert decision.body["outcome"] == outcome, decision.body
    return found


def first_deposit(world: World, **fields: Any) -> dict[str, Any]:
    return {
        "click_id": world.click(), "event_type": "ftd", "revenue": "80", "currency": "EUR", "txid": "t-1",
        "customer_id": "c-1", **fields,
    }  # fmt: skip


def of_a_new_customer(world: World) -> tuple[dict[str, Any], str]:
    return first_deposit(world), "accepted"


def without_a_customer(world: World) -> tuple[dict[str, Any], str]:
    return {"click_id": world.click(), "event_type": "purchase", "txid": "t-1"}, "accepted"


def of_a_known_customer(world: World) -> tuple[dict[str, Any], str]:
    send(**first_deposit(world, event_type="registration"))
    return first_deposit(world, txid="t-2"), "accepted"


def of_a_known_customer_without_a_click(world: World) -> tuple[dict[str, Any], str]:
    send(**first_deposit(world))
    return {"customer_id": "c-1", "event_type": "deposit", "revenue": "5", "txid": "t-2"}, "accepted"


def of_a_customer_that_two_affiliates_touched(world: World) -> tuple[dict[str, Any], str]:
    send(**first_deposit(world))
    return first_deposit(world, click_id=world.click(world.ben_link), event_type="purchase", txid="t-2"), "accepted"


def that_is_no_first_one(world: World) -> tuple[dict[str, Any], str]:
    send(**first_deposit(world))
    return first_deposit(world, txid="t-2"), "rejected"


def sent_again(world: World) -> tuple[dict[str, Any], str]:
    sent = first_deposit(world)
    send(**sent)
    return sent, "duplicate"


def sent_with_another_amount(world: World) -> tuple[dict[str, Any], str]:
    sent = first_deposit(world)
    send(**sent)
    return {**sent, "revenue": "81"}, "conflict"


def of_an_unknown_goal(world: World) -> tuple[dict[str, Any], str]:
    return first_deposit(world, event_type="nosuch"), "invalid"


def with_a_false_click(world: World) -> tuple[dict[str, Any], str]:
    return first_deposit(world, click_id="x"), "unknown_click"


def with_a_false_token(world: World) -> tuple[dict[str, Any], str]:
    return first_deposit(world, token="x"), "unauthorized"


def with_a_coupon(world: World) -> tuple[dict[str, Any], str]:
    CouponCodeFactory(enrollment=world.ana_link.enrollment, code="ANA10")
    return first_deposit(world, click_id=None, coupon="ana10"), "accepted"


def that_takes_back_what_is_not_there_yet(world: World) -> tuple[dict[str, Any], str]:
    return {"event_type": "ftd", "txid": "t-9", "status": "rejected"}, "held"


KINDS = (
    of_a_new_customer, without_a_customer, of_a_known_customer, of_a_known_customer_without_a_click,
    of_a_customer_that_two_affiliates_touched, that_is_no_first_one, sent_again, sent_with_another_amount,
    of_an_unknown_goal, with_a_false_click, with_a_false_token, with_a_coupon, that_takes_back_what_is_not_there_yet,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_lone_postback_takes_few_statements(
    world: World, kind: Callable[[World], tuple[dict[str, Any], str]]
) -> None:
    for link in (world.ana_link, world.ben_link):
        send(click_id=world.click(link), event_type="purchase", txid=f"reads {link}")
    fields, outcome = kind(world)
    taken = statements_of(fields, outcome)
    assert len(taken) <= MOST, f"{len(taken)}: {taken}"


def test_the_rows_of_a_postback_are_written_by_one_statement(world: World) -> None:
    send(click_id=world.click(), event_type="purchase", txid="reads the reference data")
    taken = statements_of(first_deposit(world), "accepted")
    assert len(taken) == 7
    row = Conversion.objects.get(transaction_id="t-1")
    assert row.customer
    assert (row.status_changes.count(), row.customer.locks.count(), row.customer.touches.count()) == (1, 1, 1)
    assert Trace.objects.get(conversion=row).postback == row.postbacks.get()


def test_the_statements_are_counted() -> None:
    found: list[str] = []
    with traced(found), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.execute("SELECT 2")
    assert len(found) == 2
