"""Spans of whole days in the reader's time zone, and how they bound rows and click IDs."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tracking.click_id.codec import lowest_uuid

CHOICES = (7, 30, 90)
DEFAULT = 30


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """Days from `first_on` to `last_on`, both included, as a half-open span of moments."""

    first_on: date
    last_on: date
    zone: ZoneInfo

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first_on, time(), self.zone)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.last_on + timedelta(days=1), time(), self.zone)

    @property
    def click_bounds(self) -> tuple[UUID, UUID]:
        """The first click key in the period and the first after it."""
        return lowest_uuid(self.starts_at), lowest_uuid(self.ends_at)

    @property
    def days(self) -> int:
        return (self.last_on - self.first_on).days + 1

    def dates(self) -> list[date]:
        return [self.first_on + timedelta(days=n) for n in range(self.days)]

    def before(self) -> "DayPeriod":
        """The period of the same length that ended where this one begins."""
        return DayPeriod(self.first_on - timedelta(days=self.days), self.first_on - timedelta(days=1), self.zone)

    def with_before(self) -> "DayPeriod":
        """This period and the one before it, as one span."""
        return DayPeriod(self.before().first_on, self.last_on, self.zone)


def last_days(days: int, *, now: datetime, zone: ZoneInfo) -> DayPeriod:
    """Today and the days before it, `days` in all."""
    today = now.astimezone(zone).date()
    return DayPeriod(today - timedelta(days=days - 1), today, zone)


def chosen(text: str | None, *, now: datetime, zone: ZoneInfo) -> DayPeriod:
    """The period that a page's `?days=` names; anything but the choices means the default."""
    days = {str(choice): choice for choice in CHOICES}.get(text or "", DEFAULT)
    return last_days(days, now=now, zone=zone)
