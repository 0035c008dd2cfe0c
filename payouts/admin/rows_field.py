"""A table in a form: rows of inputs that a person fills in, read as a list of rows."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from payouts.pricing import plain

# Empty rows below those that are filled in; one where a row is a card of its own.
SPARE = 2


class RowsWidget(forms.Widget):
    """Inputs named `steps-0-above`; rows in which nothing is typed are passed over."""

    is_rows = True

    def __init__(self, columns: Mapping[str, forms.Field], *, is_in_cards: bool = False) -> None:
        super().__init__()
        self.columns, self.is_in_cards = columns, is_in_cards

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, str]]:
        numbers = {
            int(found[1]) for key in data if (found := re.fullmatch(rf"{re.escape(name)}-([0-9]{{1,4}})-\w+", key))
        }
        rows = [
            {column: str(data.get(f"{name}-{number}-{column}") or "") for column in self.columns}
            for number in sorted(numbers)
        ]
        return [row for row in rows if any(value.strip() for value in row.values())]

    def id_for_label(self, id_: str) -> str:
        return f"{id_}-0-{next(iter(self.columns))}"

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        spare = 1 if self.is_in_cards else SPARE
        given: Sequence[Mapping[str, Any]] = [*(value or ()), *({} for _ in range(spare))]
        rows = [[self._cell(name, number, column, row) for column in self.columns] for number, row in enumerate(given)]
        context = {"labels": [_label(column, field) for column, field in self.columns.items()], "rows": rows}
        shape = "_cards" if self.is_in_cards else "_table"
        return render_to_string(f"admin/payouts/commissionplan/{shape}.html", context)

    def _cell(self, name: str, number: int, column: str, row: Mapping[str, Any]) -> tuple[SafeString, str, str]:
        """The input with its label and ID."""
        field, key = self.columns[column], f"{name}-{number}-{column}"
        label = _label(column, field)
        attrs = {"aria-label": gettext("{label}, row {n}").format(label=label, n=number + 1), "id": f"id_{key}"}
        return field.widget.render(key, row.get(column, ""), attrs), label, f"id_{key}"


class RowsField(forms.Field):
    """A list of what `read` makes of each row; its columns are fields of their own."""

    widget: RowsWidget

    def __init__(
        self,
        columns: Mapping[str, forms.Field],
        read: Callable[[Mapping[str, str]], dict[str, Any]],
        *,
        is_in_cards: bool = False,
        required: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(required=required, widget=RowsWidget(columns, is_in_cards=is_in_cards), **more)
        self.columns, self.read = columns, read

    def clean(self, value: Any) -> list[dict[str, Any]]:
        self.validate(value)
        found, problems = [], []
        for number, row in enumerate(value or (), 1):
            try:
                found.append(self.read({name: self._value(name, row) for name in self.columns}))
            except (ValueError, forms.ValidationError) as error:
                words = " ".join(error.messages) if isinstance(error, forms.ValidationError) else str(error)
                problems.append(gettext("Row {number}: {words}").format(number=number, words=words))
        if problems:
            raise forms.ValidationError(problems)
        return found

    def _value(self, name: str, row: Mapping[str, Any]) -> str:
        field = self.columns[name]
        try:
            value = field.clean(row.get(name, ""))
        except forms.ValidationError as error:
            raise forms.ValidationError([f"{_label(name, field)}: {words}" for words in error.messages]) from error
        return plain(value) if isinstance(value, Decimal) else str(value or "")


def take_rows(form: forms.Form) -> None:
    """Set the typed values in the tables of an unchecked form."""
    for name, field in form.fields.items():
        if isinstance(field, RowsField) and name not in form.initial:
            form.initial[name] = field.widget.value_from_datadict(form.initial, {}, name)


def put_rows(posted: QueryDict, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the cells of a table, as if these rows had been typed."""
    for key in [key for key in posted if key.startswith(f"{name}-")]:
        del posted[key]
    for number, row in enumerate(rows):
        for column, value in row.items():
            posted[f"{name}-{number}-{column}"] = str(value)


def _label(name: str, field: forms.Field) -> str:
    return str(field.label or name.capitalize())
