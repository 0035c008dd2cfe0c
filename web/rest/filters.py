"""Filters of lists. Unknown ones are refused: a misspelt filter must not look like "everything"."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField, MultipleChoiceField
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from web.rest.fields import is_line
from web.rest.pages import Pages

EXAMPLE = "2026-11-01T00:00:00Z"


class KnownFilters(filters.DjangoFilterBackend):
    """The filters of the view's `filterset_class`, once each; anything else in the query is an error."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> "QuerySet[Any]":
        filterset_class = self.get_filterset_class(view, queryset)
        known = filterset_class.base_filters if filterset_class else {}
        several = {name for name, each in known.items() if isinstance(each, filters.MultipleChoiceFilter)}
        check_parameters(request, known={*known, *Pages.parameters}, several=several)
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return rows


def check_parameters(request: Request, *, known: Collection[str], several: Collection[str] = ()) -> None:
    """Raise `ValidationError` that names every parameter that is unknown, repeated or empty."""
    problems = {}
    for name, values in request.query_params.lists():
        if name not in known:
            problems[name] = f"There is no such parameter here. Known are: {', '.join(sorted(known))}."
        elif len(values) > 1 and name not in several:
            problems[name] = "Sent more than once; send it once."
        elif not all(is_line(value) for value in values):
            problems[name] = "Sent empty, or with control characters: send one line of text, or leave it out."
    if problems:
        raise ValidationError(problems)


class ChoicesField(MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = ", ".join(str(value) for value, _ in kwargs["choices"])
        self.error_messages["invalid_choice"] = f"“%(value)s” is none of {known}."


class ChoicesFilter(filters.MultipleChoiceFilter):
    """One of a few words; sent several times, any of them."""

    field_class = ChoicesField

    def __init__(self, **kwargs: Any) -> None:
        # Each row matches once, so DISTINCT would only add cost.
        super().__init__(distinct=False, **kwargs)


class MomentField(IsoDateTimeField):
    default_error_messages: ClassVar = {
        "invalid": f"Give a moment as in ISO 8601, such as {EXAMPLE} (in an address prefer Z: an unencoded + is lost)."
    }

    def to_python(self, value: Any) -> datetime | None:
        """The moment in UTC: PostgreSQL reads no offset of more than 16 hours, Python those of a day."""
        found: datetime | None = super().to_python(value)
        try:
            return found and found.astimezone(UTC)
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from error


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(filters.IsoDateTimeFilter):
    """A moment; one without an offset is read as UTC, a date alone as its first moment."""

    field_class = MomentField


class YesNoField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        if value in ("true", "false"):
            return bool(value == "true")
        if value in self.empty_values:
            return None
        raise forms.ValidationError("Give true or false.")


@extend_schema_field(OpenApiTypes.BOOL)
class YesNoFilter(filters.BooleanFilter):
    """`true` or `false`; anything else is refused, where Django's own field would read it as "either"."""

    field_class = YesNoField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput(), **kwargs)


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
