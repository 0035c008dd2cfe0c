"""The base of the portal's lists: filters, sorting, pages, an export, and a text for an empty list."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from dashboard.portal.access import Portal
from dashboard.portal.filters import Filters
from dashboard.portal.listing import PAGE_SIZE, page_of
from web.lists import EXPORT, PAGE, Columns
from web.lists.cells import Table
from web.lists.columns import Places
from web.lists.export import batched
from web.lists.sorting import Sorting, sorting

READ_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Empty:
    """Shown in place of a list without rows: why it is empty, and what to do next. `url` is the name of an address."""

    symbol: str
    title: str
    text: str
    url: str = ""
    label: str = ""
    quiet: bool = False

    @property
    def address(self) -> str:
        return reverse(self.url) if self.url else ""


class PortalList:
    """One affiliate's rows of one kind, as the address asks for them.

    `name` is the name of its page's address and of its file; that of the export ends with `_export`. `order` is the
    column that it is sorted by, with a minus for the other way round; `export_order` where an export differs.
    """

    name: ClassVar[str]
    # How many rows there are: a text with `%(shown)s`, chosen by `number`.
    count_of: ClassVar[Any]
    title: ClassVar[str]
    section: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    columns: ClassVar[Columns]
    filters: ClassVar[type[Filters]] = Filters
    order: ClassVar[str]
    export_order: ClassVar[str] = ""
    size: ClassVar[int] = PAGE_SIZE
    nothing: ClassVar[Empty]
    no_match: ClassVar[Empty]
    template: ClassVar[str] = "portal/list.html"
    body: ClassVar[str] = "portal/parts/_table_card.html"
    pager: ClassVar[str] = "portal/parts/_pager.html"
    note: ClassVar[str] = ""

    def __init__(self, portal: Portal, query: QueryDict) -> None:
        self.portal, self.affiliate, self.query = portal, portal.affiliate, query
        self.form = self.filters(portal, query)

    def records(self) -> "QuerySet[Any]":
        """The affiliate's own records, neither filtered nor sorted."""
        raise NotImplementedError

    def found(self, order: str = "", place: Places = PAGE) -> "QuerySet[Any]":
        rows = self.form.apply(self.records()).order_by(*self.sorting(order).fields)
        joined = self.columns.relations(rows.model, place)
        return rows.select_related(*joined) if joined else rows

    def sorting(self, order: str = "") -> Sorting:
        return sorting(self.query.get("sort"), self.columns.sorts, order or self.order)

    def rows(self, records: list[Any]) -> list[Any]:
        """The rows of some records, with what the columns need beside them in a fixed number of queries."""
        return records

    @cached_property
    def page(self) -> Any:
        return page_of(self.found(), self.query.get("page"), self.size)

    @cached_property
    def page_rows(self) -> list[Any]:
        return self.rows(list(self.page))

    def export_rows(self) -> Iterator[Any]:
        """The rows of all pages, read a batch at a time."""
        for some in batched(self.found(self.export_order, EXPORT).iterator(chunk_size=READ_AT_ONCE), READ_AT_ONCE):
            yield from self.rows(some)

    @property
    def table(self) -> Table:
        return Table(self.columns, self.page_rows, self.query, self.sorting())

    @property
    def count_words(self) -> str:
        number = self.page.paginator.count
        return str(self.count_of % {"number": number, "shown": f"{number:,}"})

    @property
    def empty(self) -> Empty:
        return self.no_match if self.form.is_filtered else self.nothing

    @property
    def export_url(self) -> str:
        return reverse(f"portal:{self.name}_export")

    @property
    def file(self) -> str:
        return f"{self.name}.csv"

    def more(self) -> dict[str, Any]:
        """What the page shows beside the list."""
        return {}
