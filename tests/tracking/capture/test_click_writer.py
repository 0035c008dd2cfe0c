"""The click's way when PostgreSQL breaks, hangs, or refuses to write; and the way back."""

import threading
import time

import psycopg
import pytest

from tests.factories import TrackingLinkFactory
from tests.tracking.capture.test_capture import connect, make_row
from tracking.capture import click_writer, spool
from tracking.capture.click_writer import ClickWriter, drain
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link():
    return TrackingLinkFactory()


class Database:
    """A database that can be made to be away."""

    def __init__(self):
        self.away = threading.Event()

    def connect(self):
        if self.away.is_set():
            raise psycopg.OperationalError("connection refused")
        return connect()


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def writer(database, tmp_path):
    writer = ClickWriter(connect=database.connect, directory=tmp_path)
    writer.start()
    yield writer
    writer.close()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def rows(link, number=3):
    return [make_row(link.pk) for _ in range(number)]


def break_line(writer):
    with connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [writer._line.info.backend_pid])


def test_clicks_go_into_the_database_when_it_is_there(link, writer, tmp_path):
    assert writer.write(rows(link, 500)) == [None] * 500
    assert Click.objects.count() == 500
    assert spool.state(tmp_path).segments == 0


def test_clicks_of_a_time_without_database_come_back_once_and_in_full(link, writer, database, tmp_path):
    writer.write(rows(link))
    database.away.set()
    break_line(writer)
    for _ in range(10):
        assert writer.write(rows(link)) == [None] * 3
    assert Click.objects.count() == 3
    assert spool.state(tmp_path).segments == 1
    database.away.clear()
    until(lambda: writer._line is not None)
    writer.write(rows(link))
    until(lambda: Click.objects.count() == 36)
    until(lambda: spool.state(tmp_path).segments == 0)


def test_clicks_on_disk_come_back_though_no_further_click_comes(link, writer, database, tmp_path):
    until(lambda: writer._line is not None)
    database.away.set()
    break_line(writer)
    assert writer.write(rows(link)) == [None] * 3
    assert spool.state(tmp_path).segments == 1
    database.away.clear()
    until(lambda: Click.objects.count() == 3)
    until(lambda: spool.state(tmp_path).segments == 0)


def test_a_batch_that_was_committed_before_the_line_broke_is_not_doubled(link, writer, tmp_path):
    batch = rows(link)
    writer.write(batch)
    assert writer._to_spool(batch) == [None] * 3
    writer._spool.close()
    until(lambda: spool.state(tmp_path).segments == 0)
    assert Click.objects.count() == 3


def test_a_commit_that_hangs_is_broken_off_and_the_click_is_on_disk(link, writer, tmp_path, monkeypatch):
    """A lock on the table stands for a database that does not answer."""
    monkeypatch.setattr(click_writer, "LIMIT", 0.5)
    writer.write(rows(link))
    with connect() as other, other.transaction():
        other.execute("LOCK TABLE tracking_click IN ACCESS EXCLUSIVE MODE")
        assert writer.write(rows(link)) == [None] * 3
        assert spool.state(tmp_path).segments == 1
    until(lambda: writer._line is not None)
    writer.write(rows(link))
    until(lambda: spool.state(tmp_path).segments == 0)
    assert Click.objects.count() == 9


def test_a_read_only_database_is_no_database_for_clicks(link, tmp_path):
    def read_only():
        line = connect()
        line.execute("SET default_transaction_read_only = on")
        return line

    writer = ClickWriter(connect=read_only, directory=tmp_path)
    writer.start()
    try:
        assert writer.write(rows(link)) == [None] * 3
    finally:
        writer.close()
    assert drain(tmp_path, connect) == 3
    assert Click.objects.count() == 3


def test_a_poisoned_row_is_quarantined_with_its_reason(link, writer, tmp_path):
    batch = [*rows(link), make_row(link.pk, sub1="x" * 300), *rows(link)]
    assert writer.write(batch) == [None] * 7
    assert Click.objects.count() == 6
    (kept,) = (tmp_path / spool.QUARANTINE).iterdir()
    assert "too long" in kept.read_text()
    assert batch[3] in kept.read_bytes()


def test_a_poisoned_row_in_the_spool_does_not_stop_the_others(link, tmp_path):
    writer = spool.Spool(tmp_path)
    writer.append([*rows(link), make_row(link.pk, sub1="x" * 300)])
    writer.close()
    assert drain(tmp_path, connect) == 4
    assert Click.objects.count() == 3
    assert (spool.state(tmp_path).segments, spool.state(tmp_path).quarantined) == (0, 1)


def test_what_a_killed_process_left_on_disk_is_drained_by_the_next(link, database, tmp_path):
    dead = spool.Spool(tmp_path)
    dead.append(rows(link))
    dead.close()  # the kernel gives the lock back when a process dies
    writer = ClickWriter(connect=database.connect, directory=tmp_path)
    writer.start()
    try:
        until(lambda: Click.objects.count() == 3)
    finally:
        writer.close()


def test_nothing_is_drained_twice_by_two_at_once(link, tmp_path):
    for _ in range(20):
        writer = spool.Spool(tmp_path)
        writer.append(rows(link))
        writer.close()
    drained = []
    threads = [threading.Thread(target=lambda: drained.append(drain(tmp_path, connect))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(drained) == 60
    assert Click.objects.count() == 60
