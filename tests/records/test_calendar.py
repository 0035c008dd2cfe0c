"""Leap days, summer time and the ends of the calendar: a period is half-open and in UTC wherever the reader is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.periods import DAY, MONTH, PERIODS, QUARTER, WEEK, begins, ends, first_day_under, in_words, months_after

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([UTC, BERLIN])
MOMENTS = st.builds(datetime.fromtimestamp, st.integers(946_684_800, 4_102_444_800), ZONES)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@given(MOMENTS, st.sampled_from([DAY, WEEK, MONTH, QUARTER]))
def test_periods_follow_each_other_without_gap_or_overlap(moment, period):
    start, after = begins(period, moment), ends(period, moment)
    assert start <= moment < after
    assert begins(period, after) == after
    assert ends(period, start - timedelta(microseconds=1)) == start
    assert start.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("period", "moment", "first", "after"),
    [
        (DAY, utc(2028, 2, 29, 23, 59), utc(2028, 2, 29), utc(2028, 3, 1)),
        (MONTH, utc(2028, 2, 29, 12), utc(2028, 2, 1), utc(2028, 3, 1)),
        (WEEK, utc(2028, 2, 29, 12), utc(2028, 2, 28), utc(2028, 3, 6)),
        (QUARTER, utc(2028, 2, 29, 12), utc(2028, 1, 1), utc(2028, 4, 1)),
        (MONTH, utc(2100, 2, 28, 23), utc(2100, 2, 1), utc(2100, 3, 1)),
        (WEEK, utc(2026, 11, 29, 23, 59), utc(2026, 11, 23), utc(2026, 11, 30)),
        (QUARTER, utc(2026, 9, 30, 23, 59), utc(2026, 7, 1), utc(2026, 10, 1)),
    ],
)
def test_leap_days_sundays_and_last_days_lie_where_the_calendar_has_them(period, moment, first, after):
    assert (begins(period, moment), ends(period, moment)) == (first, after)


@pytest.mark.parametrize("parts", [(2026, 3, 29, 2), (2026, 10, 25, 2)])
def test_a_day_has_24_hours_also_when_the_readers_clock_is_changed(parts):
    for fold in (0, 1):
        moment = datetime(*parts, tzinfo=BERLIN, fold=fold)
        assert (ends(DAY, moment) - begins(DAY, moment), begins(DAY, moment)) == (timedelta(days=1), utc(*parts[:3]))


def test_half_past_midnight_in_berlin_is_still_the_day_and_the_month_before():
    moment = datetime(2026, 11, 1, 0, 30, tzinfo=BERLIN)
    assert begins(DAY, moment) == utc(2026, 10, 31)
    assert begins(MONTH, moment) == utc(2026, 10, 1)


@given(MOMENTS, st.integers(-60, 60))
def test_so_many_months_on_is_the_same_day_or_the_last_one(moment, number):
    later = months_after(moment, number)
    assert (later.year * 12 + later.month) - (moment.year * 12 + moment.month) == number
    assert later.time() == moment.time()
    assert later.day == moment.day or (later.day < moment.day and (later + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("day", "2026-12-31"),
        ("week", "the week of 2026-12-28"),
        ("month", "December 2026"),
        ("quarter", "quarter 4 of 2026"),
        ("total", "all time"),
    ],
)
def test_a_period_is_named_by_its_first_day(period, words):
    assert in_words(period, utc(2026, 12, 31, 23, 59)) == words


def test_each_quarter_has_its_number():
    named = [in_words(QUARTER, utc(2026, month, 15))[:9] for month in range(1, 13)]
    assert named == [f"quarter {number}" for number in (1, 2, 3, 4) for _ in range(3)]


def test_every_period_has_words_of_its_own():
    assert len({in_words(period, utc(2026, 12, 31)) for period in PERIODS}) == len(PERIODS)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (utc(2026, 12, 31), date(2026, 12, 31)),
        (utc(2026, 12, 31, 0, 0, 1), date(2027, 1, 1)),
        (utc(2028, 2, 28, 12), date(2028, 2, 29)),
        (datetime(2026, 11, 1, 1, tzinfo=BERLIN), date(2026, 11, 1)),
        (datetime(2026, 11, 1, 0, 59, tzinfo=BERLIN), date(2026, 11, 1)),
        (utc(9999, 12, 31, 1), date(9999, 12, 31)),
    ],
)
def test_clicks_follow_a_version_from_the_first_day_that_begins_under_it(moment, day):
    assert first_day_under(moment) == day
