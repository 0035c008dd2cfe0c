"""Filters of lists."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter, RadioFilter, RangeDateFilter
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


class ReachableFilter(AutocompleteSelectFilter):
    """A filter by a related row. The row that the address names is shown only to those who may see it."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            for field in choice["form"].fields.values():
                field.queryset = self.request.user.rows_within(field.queryset.all())
            yield choice


# A choice of a filter: its words, and the condition for its rows; a function where the condition depends on the time.
Choice = tuple[str, Q | Callable[[], Q]]


def one_of(
    title: str, choices: Mapping[str, Choice], *, parameter: str = "", default: str = "", is_radio: bool = False
) -> type[SimpleListFilter]:
    """A filter by one of several conditions. A queue names its `default`: the list opens with that one."""
    base: type[SimpleListFilter] = RadioFilter if is_radio else DropdownFilter

    class OneOf(base):  # type: ignore[valid-type, misc]
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, words) for value, (words, _) in choices.items()]

        def queryset(self, request: HttpRequest, queryset: "QuerySet[Model]") -> "QuerySet[Model]":
            chosen = choices.get(self.value() or default, choices.get(default))
            if chosen is None:
                return queryset
            condition = chosen[1]
            return queryset.filter(condition() if callable(condition) else condition)

    OneOf.title, OneOf.parameter_name = title, parameter or title
    return OneOf
