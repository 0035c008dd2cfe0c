from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from records.periods import months_after
from tests.factories import ClickFactory
from tests.tracking.capture.test_capture import connect, make_row
from tests.tracking.storage import make_month, names, own_months, partition, personal_click
from tracking.capture.clicks import copy_rows
from tracking.models import Click
from tracking.retention import partitions
from tracking.retention.partitions import (
    PartitionBusy,
    PartitionNeeded,
    drop_partition,
    make_partitions,
    make_partitions_ahead,
    read_partitions,
)

pytestmark = pytest.mark.django_db


def partition_of(click):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM tracking_click WHERE id = %s", [click.pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=UTC), "tracking_click_y2024m02"),
        (datetime(2024, 3, 1, tzinfo=UTC), "tracking_click_y2024m03"),
        (datetime(2023, 12, 31, 23, 59, tzinfo=UTC), "tracking_click_y2023m12"),
    ],
)
def test_a_click_lies_in_the_month_of_its_id(moment, name):
    make_partitions(first_day=date(2023, 12, 5), last_day=date(2024, 3, 1))
    assert partition_of(ClickFactory(clicked_at=moment)) == name


def test_partitions_are_made_once():
    days = {"first_day": date(2031, 1, 15), "last_day": date(2031, 4, 1)}
    assert make_partitions(**days) == 4
    assert make_partitions(**days) == 0


def test_clicks_without_a_partition_are_kept_and_move_to_theirs_later():
    moment = datetime(2035, 6, 15, tzinfo=UTC)
    early = ClickFactory(clicked_at=moment - timedelta(days=60))
    click = ClickFactory(clicked_at=moment)
    assert partition_of(click) == "tracking_click_default"
    make_partitions(first_day=moment.date(), last_day=moment.date())
    assert partition_of(click) == "tracking_click_y2035m06"
    assert partition_of(early) == "tracking_click_default"
    assert Click.objects.count() == 2


def test_three_months_are_ready_ahead():
    make_partitions_ahead(today=date(2040, 1, 31))
    ahead = ClickFactory(clicked_at=datetime(2040, 4, 30, tzinfo=UTC))
    assert partition_of(ahead) == "tracking_click_y2040m04"


def test_partitions_are_listed_with_their_bounds_the_default_last():
    make_partitions(first_day=date(2019, 2, 1), last_day=date(2019, 3, 1))
    listed = read_partitions()
    assert [(each.name, each.starts, each.ends) for each in listed[:2]] == [
        ("tracking_click_y2019m02", datetime(2019, 2, 1, tzinfo=UTC), datetime(2019, 3, 1, tzinfo=UTC)),
        ("tracking_click_y2019m03", datetime(2019, 3, 1, tzinfo=UTC), datetime(2019, 4, 1, tzinfo=UTC)),
    ]
    assert [each.name for each in listed if each.is_default] == [listed[-1].name] == ["tracking_click_default"]
    assert [each.starts for each in listed[:-1]] == sorted(each.starts for each in listed[:-1])


def test_bounds_are_those_of_the_database_whatever_the_name_says():
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE made_by_hand PARTITION OF tracking_click FOR VALUES FROM (MINVALUE) TO "
            "(tracking_click_bound('2001-01-01Z'))"
        )
        cursor.execute(
            "CREATE TABLE far_away PARTITION OF tracking_click FOR VALUES FROM (tracking_click_bound('2999-01-01Z')) "
            "TO ('ffffffff-ffff-ffff-ffff-ffffffffffff')"
        )
    by_hand = partition("made_by_hand")
    assert (by_hand.starts, by_hand.ends, by_hand.is_default) == (None, datetime(2001, 1, 1, tzinfo=UTC), False)
    assert partition("far_away").ends is None
    drop_partition("made_by_hand", before=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(PartitionNeeded):
        drop_partition("far_away", before=datetime(2999, 12, 1, tzinfo=UTC))


@given(st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)), st.integers(-600, 600))  # noqa: DTZ001
def test_months_after_is_so_many_months_and_never_a_later_day(moment, months):
    later = months_after(moment, months)
    assert (later.year * 12 + later.month) - (moment.year * 12 + moment.month) == months
    assert later.day == moment.day or (later.day < moment.day and (later + timedelta(days=1)).day == 1)
    assert later.time() == moment.time()


FEBRUARY_ENDS = datetime(2019, 3, 1, tzinfo=UTC)


def test_a_month_that_ended_is_dropped_whole():
    name = make_month(2019, 2)
    gone = personal_click(FEBRUARY_ENDS - timedelta(milliseconds=1))
    stays = personal_click(FEBRUARY_ENDS)
    drop_partition(name, before=FEBRUARY_ENDS)
    assert name not in names()
    assert set(Click.objects.values_list("pk", flat=True)) == {stays.pk}
    assert gone.pk != stays.pk


def test_a_month_that_has_not_ended_by_then_is_kept():
    name = make_month(2019, 2)
    with pytest.raises(PartitionNeeded, match="also for clicks after"):
        drop_partition(name, before=FEBRUARY_ENDS - timedelta(milliseconds=1))
    with pytest.raises(PartitionNeeded):
        drop_partition("tracking_click_default", before=datetime(2200, 1, 1, tzinfo=UTC))
    assert {name, "tracking_click_default"} <= names()


def test_a_month_with_clicks_that_no_one_marked_is_kept():
    name = make_month(2019, 2)
    personal_click(FEBRUARY_ENDS - timedelta(days=3))
    personal_click(FEBRUARY_ENDS - timedelta(days=2), marked_at=None)
    with pytest.raises(PartitionNeeded, match="holds 1 clicks without marks"):
        drop_partition(name, before=FEBRUARY_ENDS)
    assert name in names()
    assert Click.objects.count() == 2


def test_dropping_what_is_gone_already_is_nothing():
    drop_partition("tracking_click_y1999m01", before=FEBRUARY_ENDS)


@pytest.mark.django_db(transaction=True)
def test_a_drop_gives_way_to_a_long_report_and_capture_goes_on(monkeypatch):
    """The report holds the table as any reading transaction does. Nobody queues behind a drop that waits for it."""
    monkeypatch.setattr(partitions, "TRIES", 2)
    pauses = []
    link = personal_click(datetime.now(UTC)).link

    def capture(seconds):
        pauses.append(seconds)
        with connect() as line:
            line.execute("SET lock_timeout = '2s'")
            copy_rows(line, [make_row(link.pk)])

    monkeypatch.setattr(partitions.time, "sleep", capture)
    with own_months():
        name = make_month(2019, 2)
        with connect() as report, report.transaction():
            report.execute("SELECT count(*) FROM tracking_click").fetchone()
            with pytest.raises(PartitionBusy, match="quieter hour"):
                drop_partition(name, before=FEBRUARY_ENDS)
            assert name in names()
        drop_partition(name, before=FEBRUARY_ENDS)
        assert name not in names()
    assert len(pauses) == 1
    assert Click.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_marks_are_looked_for_again_under_the_lock(monkeypatch):
    """A click that comes late, between the first look and the lock, is not lost."""
    with own_months():
        name = make_month(2019, 2)
        looked, look = [], partitions.count_unmarked

        def look_then_add(each, *, before):
            found = look(each, before=before)
            if not looked:
                personal_click(FEBRUARY_ENDS - timedelta(days=1), marked_at=None)
            looked.append(found)
            return found

        monkeypatch.setattr(partitions, "count_unmarked", look_then_add)
        with pytest.raises(PartitionNeeded, match="without marks"):
            drop_partition(name, before=FEBRUARY_ENDS)
        assert looked == [0, 1]
        assert Click.objects.count() == 1
