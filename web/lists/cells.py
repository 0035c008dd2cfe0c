"""Headings and cells of the table on a page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.lists.columns import Column, Columns
from web.lists.html import icon, nothing
from web.lists.sorting import Sorting


def heading(column: Column, order: Sorting | None, query: QueryDict) -> SafeString:
    """The heading; pressed, it sorts the list by its column, and the other way round when pressed again."""
    css = _css(column)
    if column.dress.heading_is_hidden:
        text = format_html('<span class="visually-hidden">{}</span>', column.heading)
        return format_html('<th scope="col" class="{}">{}</th>', css, text)
    if order is None or not column.sorts:
        return format_html('<th scope="col" class="{}">{}</th>', css, column.heading)
    is_current = order.column == column.name
    params = query.copy()
    params.pop("page", None)
    params["sort"] = f"-{column.name}" if is_current and not order.is_descending else column.name
    direction, mark = "none", icon("selector")
    if is_current:
        direction = "descending" if order.is_descending else "ascending"
        mark = icon("chevron-down") if order.is_descending else icon("chevron-up")
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a class="sort {}" href="?{}" hx-boost="true">{} {}</a></th>',
        css,
        direction,
        "sort-current" if is_current else "",
        params.urlencode(),
        column.heading,
        mark,
    )


@dataclass(frozen=True)
class Table:
    """A list as a page shows it. `page` is what the template of a cell may read beside its row."""

    columns: Columns
    rows_of_page: Iterable[Any]
    query: QueryDict
    order: Sorting | None = None
    page: Mapping[str, Any] = field(default_factory=dict)
    css: str = "table-stack"

    @property
    def headings(self) -> list[SafeString]:
        return [heading(column, self.order, self.query) for column in self.columns.cells]

    @property
    def rows(self) -> Iterator[list[SafeString]]:
        named, shown = {column.name: column for column in self.columns}, self.columns.cells
        below = {column.name: [named[name] for name in column.dress.lines] for column in shown}
        for row in self.rows_of_page:
            yield [cell(column, below[column.name], row, self.page) for column in shown]


def cell(column: Column, below: Iterable[Column], row: Any, page: Mapping[str, Any]) -> SafeString:
    """The cell of a row, with the columns that stand below its value."""
    dress, record = column.dress, column.record(row)
    value = None if record is None else column.value(record)
    is_empty = value in (None, "", []) or (dress.hides_zero and not value)
    if dress.template:
        given = {**page, "row": row, "record": record, "value": value}
        inner: SafeString | str = render_to_string(dress.template, given)
    else:
        is_shown = dress.is_main or not is_empty
        inner = _linked(column, row, column.kind.cell(value, record, column)) if is_shown else nothing(dress.empty)
        inner = _with_lines(inner, below, row)
    is_left_out = is_empty and not (dress.is_main or dress.empty)
    css = f"{_css(column)} cell-empty" if is_left_out else _css(column)
    label = format_html(' data-label="{}"', column.heading) if dress.has_label and not dress.is_main else ""
    unit = format_html(' data-unit="{}"', dress.unit) if dress.unit else ""
    return format_html('<td class="{}"{}{}>{}</td>', css.strip(), label, unit, inner)


def _linked(column: Column, row: Any, text: SafeString | str) -> SafeString | str:
    address = column.dress.link(row) if column.dress.link else ""
    css = "cell-main" if column.dress.is_main else ""
    if address:
        return format_html('<a class="{}" href="{}">{}</a>', css, address, text)
    return format_html('<span class="{}">{}</span>', css, text) if css else text


def _with_lines(inner: SafeString | str, below: Iterable[Column], row: Any) -> SafeString | str:
    """The value with those that are there on a line below it: one block, as a phone sets the heading beside it."""
    shown = [(each.kind.cell(value, each.record(row), each),) for each in below if (value := each.of(row))]
    if not shown:
        return inner
    line = format_html_join(" · ", "{}", shown)
    return format_html('<div>{}<div class="cell-sub">{}</div></div>', inner, line)


def _css(column: Column) -> str:
    return f"{column.kind.css} {column.dress.css}".strip()
