"""Intake looks rows up by an index, also where its plans were made for small tables and nothing was counted since."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from conversions.intake import connection as intake_connection
from conversions.intake.connection import use_own_connection
from conversions.models import Postback
from tests.conversions.sending import World, send

# Many more rows than fit on a few pages, in every table that grows with postbacks, as copies of what is there.
COPIES = 5_000
# Above any ID that the tests before this one have taken from a sequence.
FIRST = 1_000_000_000
GROW = {
    "conversions_postback": {"public_id": "'pb' || n", "transaction_id": "'copy-' || n", "id": f"{FIRST} + n"},
    "conversions_customer": {"customer_id": "'copy-' || n", "id": f"{FIRST} + n"},
    "conversions_conversion": {
        "public_id": "'cv' || n", "dedupe_key": "'copy-' || n", "customer_id": f"{FIRST} + n", "id": f"{FIRST} + n",
    },
    "conversions_statuschange": {"conversion_id": f"{FIRST} + n", "id": f"{FIRST} + n"},
    "conversions_trace": {"conversion_id": f"{FIRST} + n", "postback_id": f"{FIRST} + n", "id": f"{FIRST} + n"},
    "conversions_touch": {"customer_id": f"{FIRST} + n", "id": f"{FIRST} + n"},
    "conversions_customerlock": {"customer_id": f"{FIRST} + n", "id": f"{FIRST} + n"},
    "conversions_addresssighting": {"customer_id": "'copy-' || n", "id": f"{FIRST} + n"},
    "conversions_parkedpostback": {"postback_id": f"{FIRST} + n", "awaited": "'copy-' || n"},
}  # fmt: skip


@pytest.fixture
def own_connection(transactional_db: None) -> Iterator[None]:
    """The connection that a web process decides postbacks with."""
    before = connection.settings_dict
    use_own_connection()
    yield
    connection.close()
    connection.settings_dict = before
    del intake_connection._plans.made_at


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def grow(table: str, values: dict[str, str]) -> None:
    """Copy the table's first row many times, with these values in place of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        columns = [name for (name,) in cursor.fetchall()]
    taken = ", ".join(values.get(name, f"kept.{name}") for name in columns)
    run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} "
        f"FROM (SELECT * FROM {table} LIMIT 1) AS kept, generate_series(1, {COPIES}) AS n"
    )


def deposit(world: World, number: int, **fields: str) -> dict[str, str]:
    return {
        "click_id": world.click(ip="81.2.69.142"), "event_type": "ftd", "revenue": "80", "txid": f"t-{number}",
        "customer_id": f"c-{number}", **fields,
    }  # fmt: skip


def of_a_new_customer(world: World) -> None:
    send(**deposit(world, 50))


def of_a_known_customer(world: World) -> None:
    send(**deposit(world, 51, customer_id="c-1", event_type="deposit"))


def sent_again(world: World) -> None:
    send(**deposit(world, 1))


def that_is_parked(world: World) -> None:
    send(event_type="ftd", txid="t-52", status="rejected")


def that_parked_ones_wait_for(world: World) -> None:
    send(**deposit(world, 8))


KINDS = (of_a_new_customer, of_a_known_customer, sent_again, that_is_parked, that_parked_ones_wait_for)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_table_is_read_whole_after_it_has_grown(own_connection: None, kind: Callable[[World], None]) -> None:
    """The row locks, lookups and writes of a postback, its checks of foreign keys and its triggers."""
    world = World()
    run("ANALYZE")
    for number in (1, 2, 3):
        send(**deposit(world, number))
    send(event_type="ftd", txid="t-8", status="rejected")
    run("ANALYZE")
    for number in (4, 5, 6):
        send(**deposit(world, number))
    with transaction.atomic():
        for table, values in GROW.items():
            grow(table, values)
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run(f"SELECT setval(pg_get_serial_sequence('conversions_postback', 'id'), {FIRST + COPIES + 1})")
        before = read_whole()
        kind(world)
        run("SET CONSTRAINTS ALL IMMEDIATE")
        assert read_whole() == before
        assert Postback.objects.count() > COPIES
        transaction.set_rollback(True)


def read_whole() -> dict[str, int]:
    """How often each table that grows was read from its first page on, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)", [[*GROW]])
        return dict(cursor.fetchall())
