"""Reads of the click table, which is large: the cost of every query here depends on the length of its answer."""

from collections.abc import Collection

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, OuterRef, QuerySet, UUIDField

from tracking.models import Click, TrackingLink


class Unnest(Func):
    function = "unnest"
    set_returning = True


def at_the_end(
    rows: "QuerySet[Click]", *, links: Collection[int], limit: int, newest: bool = True
) -> "QuerySet[Click]":
    """Of the clicks on these links, enough to contain the `limit` newest (or oldest) of all.

    Each link's index range gives its own `limit`. Otherwise the database may read the whole table from its end, until
    it has found enough clicks of a link that had none lately.
    """
    order = "-pk" if newest else "pk"
    of_one_link = rows.filter(link=OuterRef("pk")).order_by(order).values("pk")[:limit]
    each = TrackingLink.objects.filter(pk__in=links).order_by().annotate(ends=ArraySubquery(of_one_link))
    return Click.objects.filter(pk__in=each.values_list(Unnest(F("ends"), output_field=UUIDField())))
