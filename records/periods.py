"""Calendar periods, in UTC: for caps, tiers, shares of net revenue and retention."""

import calendar
from datetime import UTC, date, datetime, time, timedelta

DAY, WEEK, MONTH, QUARTER, TOTAL = "day", "week", "month", "quarter", "total"
PERIODS = (DAY, WEEK, MONTH, QUARTER, TOTAL)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


def begins(period: str, moment: datetime) -> datetime:
    """The start of the period that contains the moment; weeks begin on Monday."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == DAY:
        return day
    if period == WEEK:
        return day - timedelta(days=day.weekday())
    if period == MONTH:
        return day.replace(day=1)
    if period == QUARTER:
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return BEGINNING


def ends(period: str, moment: datetime) -> datetime:
    """The start of the next period."""
    start = begins(period, moment)
    if period == DAY:
        return start + timedelta(days=1)
    if period == WEEK:
        return start + timedelta(days=7)
    if period == MONTH:
        return months_after(start, 1)
    return months_after(start, 3) if period == QUARTER else END


def months_after(moment: datetime, number: int) -> datetime:
    """The same day and time so many months on (back when negative), or the last day of a month without that day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + number, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def in_words(period: str, moment: datetime) -> str:
    """`October 2026`, `the week of 2026-10-05`."""
    start = begins(period, moment)
    if period == MONTH:
        return f"{start:%B %Y}"
    if period == QUARTER:
        return f"quarter {(start.month + 2) // 3} of {start.year}"
    if period == WEEK:
        return f"the week of {start:%Y-%m-%d}"
    return f"{start:%Y-%m-%d}" if period == DAY else "all time"


def first_day_under(moment: datetime) -> date:
    """The first day (UTC) that begins at or after the moment: clicks use the version of the start of their day."""
    moment = moment.astimezone(UTC)
    day = moment.date()
    return day if moment.time() == time() or day == date.max else day + timedelta(days=1)
