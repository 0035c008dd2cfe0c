"""Columns of lists and read-only fields of detail pages: one declaration serves both, and the export as well."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from types import MethodType
from typing import Any

from django.core.exceptions import FieldError, ObjectDoesNotExist
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from records.translation import gettext_lazy as _
from web.cells import NOTHING, code, list_link, money, rows_of


@dataclass(frozen=True, eq=False)
class PanelColumn:
    """A column of a list, and a read-only field of a detail page. Django calls it with the row."""

    # The names of the first and the last three are Django's and unfold's.
    short_description: str
    # The plain value, for exports and other columns.
    value: Callable[[Any], Any]
    # The value as a page shows it.
    cell: Callable[[Any], Any]
    admin_order_field: str | None = None
    boolean: bool = False
    header: bool = False

    def __call__(self, row: Any) -> Any:
        return self.cell(row)


# Where a value comes from: a path of attributes such as `goal.offer.name`, a function of the row, or another column.
Source = str | Callable[[Any], Any]


def reader(source: Source) -> Callable[[Any], Any]:
    """A function that reads the plain value of a row; None where a relation on the path is empty."""
    if isinstance(source, str):
        names = source.split(".")
        return lambda row: _follow(row, names)
    return source.value if isinstance(source, PanelColumn) else source


def _follow(row: Any, names: list[str]) -> Any:
    """Raise `FieldError` for a name that does not exist: Django shows an `AttributeError` as an empty field."""
    value = row
    for name in names:
        if value is None:
            return None
        try:
            value = getattr(value, name)
        except ObjectDoesNotExist:
            return None
        except AttributeError as error:
            path = ".".join(names)
            raise FieldError(f"A column reads {path}, but {type(value).__name__} has no {name}.") from error
        value = value() if isinstance(value, MethodType | partial) else value
    return value


def shown(source: Source, show: Callable[[Any], Any] | None = None, *, empty: str | None = None) -> Callable[..., Any]:
    """A function that gives the cell of a row: the value as `show` writes it, or `empty` if there is none."""
    read = reader(source)

    def cell(row: Any) -> Any:
        value = read(row)
        if empty is not None and not value:
            return empty
        return show(value) if show else value

    return cell


def column(
    heading: str,
    source: Source,
    show: Callable[[Any], Any] | None = None,
    *,
    empty: str | None = None,
    ordering: str | None = None,
) -> PanelColumn:
    """A column of a value, written by `show`: `link_to`, `when`, `code`, or the value as it is."""
    return PanelColumn(heading, reader(source), shown(source, show, empty=empty), ordering)


def yes_no(heading: str, source: Source) -> PanelColumn:
    """A tick or a cross."""
    return PanelColumn(heading, reader(source), shown(source), boolean=True)


def money_column(
    heading: str, amount: Source, currency: Source = "currency", *, empty: str | None = None
) -> PanelColumn:
    """An amount in the currency beside it."""
    read, unit = reader(amount), reader(currency)

    def cell(row: Any) -> Any:
        found = read(row)
        return empty if empty is not None and not found else money(found, unit(row))

    return PanelColumn(heading, read, cell)


def label_column(heading: str, field: str, tones: Mapping[Any, str]) -> PanelColumn:
    """A coloured label for a field with choices; lists sort by it."""

    def cell(row: Any) -> SafeString | str:
        value = getattr(row, field)
        return label(getattr(row, f"get_{field}_display")(), tones[value]) if value else NOTHING

    return PanelColumn(heading, reader(field), cell, field)


def two_lines(heading: str, first: Source, second: Source, *, ordering: str | None = None) -> PanelColumn:
    """Two values in one cell of a list, the second smaller below the first."""
    above, below = (part.cell if isinstance(part, PanelColumn) else reader(part) for part in (first, second))
    return PanelColumn(heading, reader(first), lambda row: [above(row), below(row)], ordering, header=True)


def table_column(
    heading: str, headers: Iterable[str], rows: Callable[[Any], Iterable[Iterable[object]]], *, empty: str
) -> PanelColumn:
    """A small table on a detail page."""
    return PanelColumn(heading, rows, lambda row: rows_of(headers, rows(row), empty=empty))


def see_also(*links: Callable[[Any], Any]) -> PanelColumn:
    """Links to other pages about the row."""

    def cell(row: Any) -> SafeString:
        return format_html('<span class="aff-links">{}</span>', format_html_join("", "{}", ((a(row),) for a in links)))

    return PanelColumn(_("See also"), cell, cell)


def to_list(view: str, text: Source, **filters: Source) -> Callable[[Any], SafeString | str]:
    """A function that links a row to a list, by URL name. Each filter names the value of the row that it takes."""
    words = reader(text) if callable(text) else lambda _row: text
    values = {name: reader(source) for name, source in filters.items()}
    return lambda row: list_link(view, words(row), **{name: read(row) for name, read in values.items()})


def label(text: object, tone: str) -> SafeString:
    """A coloured label; its text has the meaning of the colour."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tone})


def once(read: Callable[..., Any]) -> Callable[..., Any]:
    """Read a value with a query once for each row: a detail page evaluates each field several times.

    For a function of the row, and for a method that takes the row last.
    """
    kept = f"_{read.__name__}_kept"

    @wraps(read)
    def remembering(*given: Any) -> Any:
        row = given[-1]
        if kept not in row.__dict__:
            row.__dict__[kept] = read(*given)
        return row.__dict__[kept]

    return remembering


# The public ID, as most pages show it.
PUBLIC_ID = column(_("ID"), "public_id", code)
