"""Calendar periods, all in UTC."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta


def first_day(period: str, moment: datetime) -> date:
    """The first day of the day, week (from Monday), month or quarter that the moment is in; the same for all time."""
    day = moment.astimezone(UTC).date()
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return date(day.year, day.month, 1)
        case "quarter":
            return date(day.year, 1 + 3 * ((day.month - 1) // 3), 1)
        case "total":
            return date.min
    raise ValueError(f"{period} is not a period.")


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time so many months on; the last day of a month that is shorter."""
    moment = moment.astimezone(UTC)
    later = moment.month - 1 + months
    year, month = moment.year + later // 12, later % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
