"""Shared code of list pages: sorting, pagination, and an answer with the whole page or only its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from dashboard.portal.access import Portal

PAGE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Sorting:
    """Which column a list is sorted by; the key comes from the address and is one of the known ones."""

    key: str
    fields: tuple[str, ...]

    @property
    def column(self) -> str:
        return self.key.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.key.startswith("-")


def sorting(wanted: str | None, columns: Mapping[str, tuple[str, ...]], default: str) -> Sorting:
    """`-received` sorts the column named "received" the other way round; unknown names mean the default."""
    key = wanted if wanted and wanted.removeprefix("-") in columns else default
    fields = columns[key.removeprefix("-")]
    return Sorting(key, tuple(reversed_field(field) for field in fields) if key.startswith("-") else fields)


def reversed_field(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"


def page_of(rows: QuerySet[Row], number: str | None, size: int = PAGE) -> Page[Row]:
    """The page asked for; the nearest one when there is no such page."""
    return Paginator(rows, size).get_page(number)


def render_list(request: HttpRequest, portal: Portal, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page `<name>.html`, or its fragment `_<name>_rows.html` when htmx asks for the listing alone."""
    htmx = getattr(request, "htmx", None)
    if htmx and htmx.target == "listing" and not htmx.history_restore_request:
        folder, _, name = template.rpartition("/")
        template = f"{folder}/_{name.removesuffix('.html')}_rows.html"
    return render_page(request, portal, template, context)


def render_page(
    request: HttpRequest, portal: Portal | None, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render a page of the portal. No cache may store it: it shows money, and its address gives a page or a part."""
    response = render(request, template, {**(context or {}), "portal": portal}, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    patch_cache_control(response, private=True, no_store=True)
    return response
