import time
from datetime import UTC, datetime

import psycopg
import pytest

from tests.factories import TrackingLinkFactory
from tracking.capture.clicks import ClickRefused, copy_rows, copy_rows_again, format_row, write_or_bisect
from tracking.click_id import codec
from tracking.models import SUB_IDS, Click
from web.notifications import connection_parameters

pytestmark = pytest.mark.django_db(transaction=True)


def connect():
    return psycopg.connect(**connection_parameters(), autocommit=True)


def make_row(number, *, agent="", sub1=""):
    milliseconds = int(time.time() * 1000)
    return format_row(
        raw_id=codec.new_bytes(link_number=number, milliseconds=milliseconds),
        milliseconds=milliseconds,
        link_number=number,
        ip="2001:db8::7",
        visitor=None,
        texts=[agent, "", "", "", sub1, *[""] * (len(SUB_IDS) - 1)],
    )


@pytest.fixture
def link():
    return TrackingLinkFactory()


@pytest.fixture
def line():
    with connect() as line:
        yield line


def test_a_batch_is_written_whole(link, line):
    assert write_or_bisect(line, [make_row(link.pk) for _ in range(500)], copy_rows) == [None] * 500
    assert Click.objects.filter(link=link).count() == 500


def test_a_poisoned_row_does_not_take_the_others_with_it(link, line):
    rows = [make_row(link.pk) for _ in range(9)]
    rows[4] = make_row(link.pk, sub1="x" * 300)  # more than the column holds
    results = write_or_bisect(line, rows, copy_rows)
    assert isinstance(results[4], ClickRefused)
    assert results[:4] + results[5:] == [None] * 8
    assert Click.objects.count() == 8


def test_rows_that_were_committed_before_the_connection_broke_are_written_once(link, line):
    rows = [make_row(link.pk) for _ in range(4)]
    copy_rows(line, rows[:2])
    with pytest.raises(psycopg.IntegrityError):
        copy_rows(line, rows)
    copy_rows_again(line, rows)
    assert Click.objects.count() == 4


def test_time_is_stored_to_the_millisecond_of_the_id(link, line):
    copy_rows(line, [make_row(link.pk)])
    stored = Click.objects.get()
    assert codec.ClickID(stored.id).made_at == stored.clicked_at
    assert abs((datetime.now(UTC) - stored.clicked_at).total_seconds()) < 60
