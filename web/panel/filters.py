"""Filters of lists."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import DateTimeField, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str


class DayRangeFilter(RangeDateFilter):
    """From one day to another, both included, in the reader's time zone."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Model]") -> "QuerySet[Model]":
        since, until = self.bounds()
        if since:
            queryset = queryset.filter(**{f"{self.field_path}__gte": self.bound(since)})
        if until:
            queryset = queryset.filter(**{f"{self.field_path}__lt": self.bound(until)})
        return queryset

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The first moment of the range and the first moment after it."""
        first, last = self._day("from"), self._day("to")
        if last == date.max:  # There is no day after it.
            last = None
        return (_midnight(first) if first else None, _midnight(last + timedelta(days=1)) if last else None)

    def bound(self, moment: datetime) -> Any:
        """The value that the column is compared with: of a column of days, the day itself, which has no zone."""
        return moment if isinstance(self.field, DateTimeField) else moment.date()

    def _day(self, end: str) -> date | None:
        text = self.used_parameters.get(f"{self.parameter_name}_{end}")
        found: date | None = parse_date_str(text) if isinstance(text, str) else None
        return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
