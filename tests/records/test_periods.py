"""Calendar periods begin and end in UTC, and each moment lies in exactly one of each sort."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from records.periods import BEGINNING, END, PERIODS, begins, ends, months_after

MANILA = timezone(timedelta(hours=8))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("day", utc(2026, 12, 31), utc(2027, 1, 1)),
        ("week", utc(2026, 12, 28), utc(2027, 1, 4)),
        ("month", utc(2026, 12, 1), utc(2027, 1, 1)),
        ("quarter", utc(2026, 10, 1), utc(2027, 1, 1)),
        ("total", BEGINNING, END),
    ],
)
def test_a_period_holds_its_first_moment_and_not_the_first_of_the_next(period, first, after):
    for moment in (utc(2026, 12, 31, 15), datetime(2027, 1, 1, 7, 59, tzinfo=MANILA)):
        assert (begins(period, moment), ends(period, moment)) == (first, after)
    assert begins(period, first) == first
    if period != "total":
        assert begins(period, after) == after
        assert begins(period, after - timedelta(microseconds=1)) == first


@pytest.mark.parametrize("period", PERIODS)
def test_each_day_of_two_years_lies_in_its_period(period):
    for number in range(731):
        moment = utc(2027, 1, 1, 12) + timedelta(days=number)
        assert begins(period, moment) <= moment < ends(period, moment)


@pytest.mark.parametrize(
    ("moment", "number", "expected"),
    [
        (utc(2026, 1, 31), 1, utc(2026, 2, 28)),
        (utc(2028, 1, 31), 1, utc(2028, 2, 29)),
        (utc(2026, 12, 15, 7), 1, utc(2027, 1, 15, 7)),
        (utc(2026, 1, 31), -2, utc(2025, 11, 30)),
        (utc(2028, 2, 29), -12, utc(2027, 2, 28)),
    ],
)
def test_months_later_never_run_into_the_next_month(moment, number, expected):
    assert months_after(moment, number) == expected
