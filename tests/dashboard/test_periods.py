"""Spans of whole days in the reader's zone: half-open in time, also where a clock is changed in between."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.periods import CHOICES, DEFAULT, DayPeriod, chosen, last_days
from tests.factories import new_click_uuid

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
DAYS = st.dates(date(2000, 1, 1), date(2090, 1, 1))


def test_today_is_the_readers_day() -> None:
    assert last_days(1, now=NOW, zone=BERLIN).last_on == date(2026, 11, 1)
    assert last_days(1, now=NOW, zone=ZoneInfo("UTC")).last_on == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("text", "days"), [("7", 7), ("90", 90), (None, 30), ("", 30), ("8", 30), ("-7", 30), ("٧", 30)]
)
def test_only_the_choices_are_chosen(text: str | None, days: int) -> None:
    assert DEFAULT in CHOICES
    assert chosen(text, now=NOW, zone=BERLIN).days == days


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2028, 2, 29), 24)])
def test_a_day_is_as_long_as_the_readers_clock_makes_it(day: date, hours: int) -> None:
    period = DayPeriod(day, day, BERLIN)
    assert period.ends_at.astimezone(UTC) - period.starts_at.astimezone(UTC) == timedelta(hours=hours)


@given(DAYS, st.integers(1, 400))
def test_the_period_before_ends_where_this_one_begins_and_is_as_long(first: date, days: int) -> None:
    period = DayPeriod(first, first + timedelta(days=days - 1), BERLIN)
    before = period.before()
    assert (before.ends_at, before.days, period.days) == (period.starts_at, days, days)
    assert (period.with_before().starts_at, period.with_before().ends_at) == (before.starts_at, period.ends_at)
    assert (len(period.dates()), period.dates()[0], period.dates()[-1]) == (days, period.first_on, period.last_on)


def test_clicks_of_the_first_moment_are_in_and_of_the_moment_after_the_last_are_out() -> None:
    period = DayPeriod(date(2026, 10, 25), date(2026, 10, 25), BERLIN)
    low, high = period.click_bounds

    def is_in(at: datetime) -> bool:
        key: UUID = new_click_uuid(link_id=1, at=at)
        return low <= key < high

    millisecond = timedelta(milliseconds=1)
    assert [is_in(period.starts_at - millisecond), is_in(period.starts_at)] == [False, True]
    assert [is_in(period.ends_at - millisecond), is_in(period.ends_at)] == [True, False]
