"""The event table: appended to only, in months that are made ahead and dropped when old and read."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from records.checks import check_event_months
from records.events.partitions import drop_expired, make_ahead
from records.models import Event, EventCursor

pytestmark = pytest.mark.django_db


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'records_event'::regclass")
        return {name for (name,) in cursor.fetchall()}


def run(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def an_event(at: datetime) -> int:
    return Event.objects.create(kind="test.written", subject_id=1, at=at).id


def month_of(event: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM records_event WHERE id = %s", [event])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "statement", ["UPDATE records_event SET kind = 'x'", "DELETE FROM records_event", "TRUNCATE records_event"]
)
def test_events_are_never_changed(statement: str) -> None:
    an_event(timezone.now())
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        run(statement)
    assert Event.objects.count() == 1


def test_this_month_and_the_next_three_have_partitions() -> None:
    now = timezone.now()
    make_ahead(now=now)
    assert make_ahead(now=now) == 0
    assert month_of(an_event(now)) == f"records_event_y{now:%Y}m{now:%m}"
    assert month_of(an_event(now + timedelta(days=60))) != "records_event_default"


def test_an_event_of_a_month_without_partition_is_stored_and_moves_into_its_month_later() -> None:
    event = an_event(datetime(2031, 5, 31, 23, 59, tzinfo=UTC))
    assert month_of(event) == "records_event_default"
    assert make_ahead(now=datetime(2031, 5, 1, tzinfo=UTC)) == 4
    assert month_of(event) == "records_event_y2031m05"
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        run("DELETE FROM records_event_y2031m05")
    an_event(datetime(2035, 1, 1, tzinfo=UTC))
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        run("DELETE FROM records_event_default")


class TestDropping:
    OLD = datetime(2020, 2, 29, 12, tzinfo=UTC)
    NAME = "records_event_y2020m02"

    @pytest.fixture(autouse=True)
    def old_event(self, settings: object) -> None:
        make_ahead(now=self.OLD)
        self.event = an_event(self.OLD)

    def test_old_months_go_and_young_ones_stay(self) -> None:
        dropped = drop_expired(now=timezone.now())
        assert dropped[0] == self.NAME
        assert not Event.objects.filter(id=self.event).exists()
        assert f"records_event_y{timezone.now():%Y}m{timezone.now():%m}" in months()

    def test_a_month_stays_until_all_its_events_are_old(self) -> None:
        assert drop_expired(now=datetime(2021, 3, 31, tzinfo=UTC)) == []
        assert drop_expired(now=datetime(2021, 4, 1, tzinfo=UTC)) == [self.NAME]

    def test_a_month_stays_until_every_reader_has_read_it(self) -> None:
        EventCursor.objects.create(reader="quick", event_id=self.event)
        slow = EventCursor.objects.create(reader="slow", event_id=self.event - 1)
        assert self.NAME not in drop_expired(now=timezone.now())
        slow.event_id = self.event
        slow.save()
        make_ahead(now=self.OLD)
        assert drop_expired(now=timezone.now())[0] == self.NAME

    def test_none_is_dropped_where_events_are_kept_for_ever(self, settings: object) -> None:
        settings.EVENT_MONTHS = 0  # type: ignore[attr-defined]
        assert drop_expired(now=timezone.now()) == []

    def test_the_last_month_cannot_be_dropped(self) -> None:
        with pytest.raises(DatabaseError, match="Events of the last month stay"), transaction.atomic():
            run("SELECT records_drop_event_partitions((now() - interval '20 days')::date)")


@pytest.mark.parametrize("value", [0, 2, 1200])
def test_a_number_of_months_or_none_is_right(settings: object, value: int) -> None:
    settings.EVENT_MONTHS = value  # type: ignore[attr-defined]
    assert check_event_months() == []


@pytest.mark.parametrize("value", [-1, 1, 1201])
def test_a_number_that_cannot_be_meant_is_reported_at_start(settings: object, value: int) -> None:
    settings.EVENT_MONTHS = value  # type: ignore[attr-defined]
    assert [error.id for error in check_event_months()] == ["records.E001"]
