"""Filters of lists. What is not known is refused: a misspelt filter must not look like "everything"."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField, MultipleChoiceField
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from affiliates.rest.pages import Pages

EXAMPLE = "2026-11-01T00:00:00Z"


class KnownFilters(filters.DjangoFilterBackend):
    """The filters of the view's `filterset_class`, once each; anything else in the query is a fault."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> "QuerySet[Any]":
        filterset_class = self.get_filterset_class(view, queryset)
        known = filterset_class.base_filters if filterset_class else {}
        several = {name for name, each in known.items() if isinstance(each, filters.MultipleChoiceFilter)}
        check_parameters(request, known={*known, *Pages.parameters}, several=several)
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return rows


def check_parameters(request: Request, *, known: Collection[str], several: Collection[str] = ()) -> None:
    """Raise `ValidationError` that names every parameter that is not known here, or that was sent twice."""
    faults = {}
    for name, values in request.query_params.lists():
        if name not in known:
            faults[name] = f"There is no such parameter here. Known are: {', '.join(sorted(known))}."
        elif len(values) > 1 and name not in several:
            faults[name] = "Sent more than once; send it once."
    if faults:
        raise ValidationError(faults)


class ChoicesField(MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = ", ".join(str(value) for value, _ in kwargs["choices"])
        self.error_messages["invalid_choice"] = f"“%(value)s” is none of {known}."


class ChoicesFilter(filters.MultipleChoiceFilter):
    """One of a few words; sent several times, any of them."""

    field_class = ChoicesField

    def __init__(self, **kwargs: Any) -> None:
        # Each row matches once: to make them distinct would only cost.
        super().__init__(distinct=False, **kwargs)


class MomentField(IsoDateTimeField):
    default_error_messages: ClassVar = {
        "invalid": f"Give a moment as in ISO 8601, such as {EXAMPLE} (in an address prefer Z: an unencoded + is lost)."
    }


class MomentFilter(filters.IsoDateTimeFilter):
    """A moment; one without an offset is read as UTC, a date alone as its first moment."""

    field_class = MomentField


class PeriodFilters(filters.FilterSet):
    """`from` and `to` over the moment that `moment` names: half-open, `to` itself is no longer in it."""

    moment: ClassVar[str] = ""
    moment_words: ClassVar[str] = ""

    @classmethod
    def get_filters(cls) -> Any:
        found = super().get_filters()
        if cls.moment:
            words = f"{cls.moment_words}, for example {EXAMPLE}."
            found["from"] = MomentFilter(cls.moment, "gte", help_text=f"At or after this moment: {words}")
            found["to"] = MomentFilter(cls.moment, "lt", help_text=f"Before this moment: {words}")
        return found
