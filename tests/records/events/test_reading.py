"""Readers of events see each one once, in order, however late its transaction commits."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from records.events.reading import FIRST, horizon, read, take, waiting
from records.models import Event, EventCursor

pytestmark = pytest.mark.django_db(transaction=True)

WRITE = "INSERT INTO records_event (kind, subject_id) VALUES ('test.written', %s) RETURNING id"


@contextmanager
def writer() -> Iterator[psycopg.Connection]:
    """Another process's connection, in a transaction until it commits or rolls back."""
    other = psycopg.connect(
        dbname=connection.settings_dict["NAME"],
        user=connection.settings_dict["USER"],
        password=connection.settings_dict["PASSWORD"],
        host=connection.settings_dict["HOST"],
        port=connection.settings_dict["PORT"],
    )
    try:
        yield other
    finally:
        other.close()


def write(other: psycopg.Connection, subject: int = 1) -> int:
    row = other.execute(WRITE, [subject]).fetchone()
    assert row
    return int(row[0])


def read_on(position: int) -> tuple[list[int], int]:
    page = read(after=position, limit=1000)
    return [event.id for event in page.events], page.position


def naive(position: int) -> tuple[list[int], int]:
    """What most outboxes do."""
    found = list(Event.objects.filter(id__gt=position).order_by("id").values_list("id", flat=True))
    return found, (found[-1] if found else position)


def seen_around_a_late_commit(reader: Callable[[int], tuple[list[int], int]]) -> tuple[list[int], list[int]]:
    """The IDs of two transactions, where the first commits after the second was read; and those that were read."""
    start = horizon()
    with writer() as slow, writer() as quick:
        written = [write(slow), write(quick)]
        quick.commit()
        early, position = reader(start)
        slow.commit()
    late, _ = reader(position)
    return written, early + late


def test_an_event_that_commits_late_is_not_skipped() -> None:
    written, seen = seen_around_a_late_commit(read_on)
    assert seen == written


def test_a_reader_that_only_compares_ids_skips_it() -> None:
    written, seen = seen_around_a_late_commit(naive)
    assert seen == written[1:]


def test_a_transaction_that_rolls_back_holds_readers_up_until_then_and_no_longer() -> None:
    start = horizon()
    with writer() as slow, writer() as quick:
        write(slow)
        second = write(quick)
        quick.commit()
        assert read_on(start) == ([], start)
        slow.rollback()
    assert read_on(start)[0] == [second]


def test_a_savepoint_that_rolls_back_does_not_let_later_events_of_its_transaction_be_skipped() -> None:
    start = horizon()
    with writer() as slow, writer() as quick:
        slow.execute("SAVEPOINT first")
        write(slow)
        slow.execute("ROLLBACK TO SAVEPOINT first")
        kept = write(slow)
        after = write(quick)
        quick.commit()
        assert read_on(start)[0] == []
        slow.commit()
    assert read_on(start)[0] == [kept, after]


def test_a_transaction_that_writes_no_events_holds_nobody_up() -> None:
    start = horizon()
    with writer() as idle, writer() as quick:
        idle.execute("CREATE TEMPORARY TABLE other (id int)")
        written = write(quick)
        quick.commit()
        assert read_on(start)[0] == [written]


def test_a_writer_that_is_killed_holds_nobody_up() -> None:
    start = horizon()
    with writer() as killed, writer() as quick:
        write(killed)
        written = write(quick)
        quick.commit()
        quick.execute("SELECT pg_terminate_backend(%s)", [killed.info.backend_pid])
        assert eventually(lambda: read_on(start)[0] == [written])


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


@pytest.mark.slow
def test_under_load_every_committed_event_is_read_once_and_in_order() -> None:
    """Writers that wait, roll back and use savepoints, beside a reader that never rests."""
    committed: list[int] = []
    position = horizon()
    threads = [threading.Thread(target=write_at_random, args=[number, committed]) for number in range(8)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads):
        ids, position = read_on(position)
        seen += ids
    ids, position = read_on(position)
    seen += ids
    assert seen == sorted(committed)
    assert len(committed) > 100
    connection.close()


def write_at_random(number: int, committed: list[int]) -> None:
    chance = random.Random(number)
    with writer() as other:
        for _ in range(40):
            written = [write(other)]
            time.sleep(chance.random() / 100)
            if chance.random() < 0.3:
                other.execute("SAVEPOINT one")
                write(other)
                other.execute("ROLLBACK TO SAVEPOINT one")
            written += [write(other) for _ in range(chance.randrange(3))]
            if chance.random() < 0.2:
                other.rollback()
            else:
                other.commit()
                committed += written


def test_only_a_transaction_that_sees_every_commit_may_read() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(DatabaseError, match="READ COMMITTED, this one is REPEATABLE READ"):
            horizon()


class TestRead:
    def written(self, *kinds: str) -> list[int]:
        rows = [Event.objects.create(kind=kind, subject_id=1, affiliate_id=number) for number, kind in enumerate(kinds)]
        return [row.id for row in rows]

    def test_stops_at_the_limit_and_goes_on_from_there(self) -> None:
        start = horizon()
        first, second, third = self.written("a", "a", "a")
        page = read(after=start, limit=2)
        assert ([event.id for event in page.events], page.position) == ([first, second], second)
        assert [event.id for event in read(after=page.position, limit=2).events] == [third]

    def test_passes_over_other_kinds(self) -> None:
        start = horizon()
        _, wanted, last = self.written("a", "b", "a")
        page = read(after=start, limit=5, kinds=["b"])
        assert ([event.id for event in page.events], page.position) == ([wanted], last)

    def test_shows_one_affiliates_events_alone(self) -> None:
        start = horizon()
        self.written("a", "a")
        assert [event.affiliate_id for event in read(after=start, limit=5, affiliate_id=1).events] == [1]


class TestTake:
    def taken(self, **options: object) -> list[int]:
        with transaction.atomic():
            return [event.subject_id for event in take("tests", **{"limit": 10, **options})]  # type: ignore[arg-type]

    def write(self, *subjects: int) -> None:
        for subject in subjects:
            Event.objects.create(kind="test.written", subject_id=subject)

    def test_a_new_reader_begins_now(self) -> None:
        self.write(1)
        assert self.taken() == []
        self.write(2)
        assert (self.taken(), self.taken()) == ([2], [])

    def test_or_with_the_first_event_that_is_stored(self) -> None:
        self.write(1, 2)
        assert self.taken(begin=FIRST) == [1, 2]
        assert waiting("tests") == 0

    def test_what_a_failed_transaction_took_is_taken_again(self) -> None:
        self.taken()
        self.write(1)
        with transaction.atomic():
            assert len(take("tests", limit=10)) == 1
            transaction.set_rollback(True)
        assert self.taken() == [1]

    def test_two_at_once_get_each_event_once(self) -> None:
        self.taken()
        self.write(*range(200))
        got: list[list[int]] = [[], []]

        def work(mine: list[int]) -> None:
            try:
                for _ in range(60):
                    mine += self.taken(limit=10)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=[mine]) for mine in got]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got[0] + got[1]) == list(range(200))

    def test_while_another_process_reads_it_gets_none(self) -> None:
        self.taken()
        self.write(1)
        with writer() as other:
            other.execute("SELECT 1 FROM records_eventcursor WHERE reader = 'tests' FOR UPDATE")
            assert self.taken() == []
            other.rollback()
        assert self.taken() == [1]

    def test_needs_a_transaction(self) -> None:
        EventCursor.objects.create(reader="tests", event_id=0)
        with pytest.raises(transaction.TransactionManagementError):
            take("tests", limit=1)

    def test_events_that_wait_are_counted(self) -> None:
        self.taken()
        self.write(1, 2, 3)
        assert waiting("tests") == 3
        self.taken(limit=2)
        assert waiting("tests") == 1
