"""Exports of lists: bounded, with the permissions of the list, safe to open in a spreadsheet."""

from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from import_export.admin import ExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, JSON
from import_export.resources import ModelResource
from import_export.widgets import NumberWidget
from unfold.contrib.import_export.forms import SelectableFieldsExportForm

from records.spreadsheet_cells import cell
from web.panel.columns import Source, reader


class ExportColumns(ModelResource):
    """The columns of an export. Visitors write some of the texts, so none may begin a formula."""

    def export_field(self, field: Any, instance: Model, **kwargs: Any) -> Any:
        value = super().export_field(field, instance, **kwargs)
        return value if isinstance(field.widget, NumberWidget) else cell(value)


class ReadField(Field):
    """A column whose value is read as a column of the page reads it."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.read = reader(source)

    def export(self, instance: Model, **kwargs: Any) -> Any:
        """Leave numbers as they are: only texts are guarded against formulas."""
        value = self.read(instance)
        return value if isinstance(value, int | Decimal) else self.widget.render(value)


def export_of(model: type[Model], *columns: str | tuple[str, Source]) -> type[ExportColumns]:
    """An export with these columns in this order.

    Each is a field of the model, or a heading and where its value comes from: a path, a function of the row, or a
    column of the page. Amounts and moments are exported as fields, in full; pages shorten them.
    """
    read = {each[0]: ReadField(each[1]) for each in columns if isinstance(each, tuple)}
    names = tuple(each if isinstance(each, str) else each[0] for each in columns)
    meta = type("Meta", (), {"model": model, "fields": names, "export_order": names})
    return type(f"{model.__name__}Columns", (ExportColumns,), {**read, "Meta": meta})


class TooManyRows(ValueError):
    """More rows match than an export may contain."""


class BoundedExport(ExportMixin):
    """An Export button for the list as it is filtered."""

    EXPORT_BOUND = 50_000
    export_form_class = SelectableFieldsExportForm
    # Related rows that the columns need, fetched with the model's own.
    export_related: tuple[str, ...] = ()

    def get_export_formats(self) -> list[Any]:
        return [CSV, JSON]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def get_export_queryset(self, request: HttpRequest) -> "QuerySet[Model]":
        rows: QuerySet[Model] = super().get_export_queryset(request)
        return rows.select_related(*self.export_related)

    def get_data_for_export(self, request: HttpRequest, queryset: "QuerySet[Model]", **kwargs: Any) -> Any:
        if queryset.order_by()[: self.EXPORT_BOUND + 1].count() > self.EXPORT_BOUND:
            raise TooManyRows(
                gettext(
                    "More than {export_bound:,} rows match. Go back and narrow the list with a filter, "
                    "for example to a shorter time, then export again."
                ).format(export_bound=self.EXPORT_BOUND)
            )
        return super().get_data_for_export(request, queryset, **kwargs)
