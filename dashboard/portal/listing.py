"""Pages of rows, and the answer of every page of the portal."""

from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from dashboard.portal.access import Portal

PAGE_SIZE = 50
Row = TypeVar("Row", bound=Model)


def page_of(rows: QuerySet[Row], number: str | None, size: int = PAGE_SIZE) -> Page[Row]:
    """The page asked for; the nearest one when there is no such page."""
    return Paginator(rows, size).get_page(number)


def render_page(
    request: HttpRequest, portal: Portal | None, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render a page of the portal. No cache may store it: it shows money, and its address gives a page or a part."""
    response = render(request, template, {**(context or {}), "portal": portal}, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    patch_cache_control(response, private=True, no_store=True)
    return response
