"""The page and the export of each list."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.portal.access import Portal, portal_view
from dashboard.portal.listing import render_page
from dashboard.portal.lists.base import PortalList
from web.lists.export import csv_response

View = Callable[..., HttpResponseBase]


def page(kind: type[PortalList]) -> View:
    """The whole page, or its listing alone where htmx asks for that."""

    @require_safe
    @portal_view
    def view(request: HttpRequest, portal: Portal, **address: str) -> HttpResponseBase:
        listing = kind(portal, request.GET, **address)
        context = {"list": listing, "form": listing.form, "page": listing.page, "rows": listing.page_rows}
        if _is_part(request):
            return render_page(request, portal, "portal/parts/_listing.html", context)
        return render_page(request, portal, listing.template, {**context, **listing.more()})

    return view


def export(kind: type[PortalList]) -> View:
    """What the page lists, all pages of it, as CSV."""

    @require_safe
    @portal_view
    def view(request: HttpRequest, portal: Portal, **address: str) -> HttpResponseBase:
        listing = kind(portal, request.GET, **address)
        return csv_response(request, listing.file, listing.columns, listing.export_rows(), portal.zone)

    return view


def _is_part(request: HttpRequest) -> bool:
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx and htmx.target == "listing" and not htmx.history_restore_request)
