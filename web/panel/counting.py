"""Count rows of big tables without reading them all."""

import json
from functools import cached_property
from math import ceil
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext


class Estimate(int):
    """An estimated number of rows, from the planner; it is shown as an estimate."""

    def __str__(self) -> str:
        return gettext("about {number:,}").format(number=round(int(self), 2 - len(repr(int(self)))))

    def __format__(self, spec: str) -> str:
        return str(self)


def expected_rows(rows: "QuerySet[Any]") -> int:
    """How many rows PostgreSQL's planner expects, from its statistics."""
    return int(json.loads(rows.order_by().explain(format="json"))[0]["Plan"]["Plan Rows"])


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Count exactly up to a bound; beyond it use the planner's estimate and show no further pages.

    An exact count of millions of rows, or a page far into them, would read them all. A filter narrows the list to rows
    further down.
    """

    BOUND = 10_000

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        counted = rows.order_by()[: self.BOUND + 1].count()
        return Estimate(max(expected_rows(rows), counted)) if counted > self.BOUND else counted

    @cached_property
    def num_pages(self) -> int:
        return max(1, ceil(min(int(self.count), self.BOUND) / self.per_page))
