"""Clicks: newest first, a page at a time by click ID."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.portal import filters
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.export import csv_response, local
from dashboard.portal.listing import render_list
from dashboard.portal.queries import clicks as queries
from tracking.click_id import codec
from tracking.models import SUB_IDS


def _key(text: str | None) -> UUID | None:
    """The key in the address of a page; a broken one means the first page."""
    genuine = codec.parse(text) if text else None
    return genuine.uuid if genuine else None


@require_safe
@portal_view
def clicks(request: HttpRequest, portal: Portal) -> HttpResponse:
    form = filters.ClickFilterForm(portal, request.GET)
    found = form.apply(queries.clicks_of(portal.affiliate))
    page = queries.page(
        portal.affiliate, found, before=_key(request.GET.get("before")), after=_key(request.GET.get("after"))
    )
    context = {"form": form, "page": page, "period": form.period(default_days=form.DAYS)}
    return render_list(request, portal, "portal/clicks/clicks.html", context)


@require_safe
@portal_view
def export(request: HttpRequest, portal: Portal) -> Any:
    form = filters.ClickFilterForm(portal, request.GET)
    found = form.apply(queries.clicks_of(portal.affiliate)).order_by("-pk")
    header = ["click_id", "clicked_at", "link", "country", "device", "referrer", "bot", "repeat"]
    header += ["aff_click_id", "source", *SUB_IDS]
    lines = (
        [
            codec.text_of(click.pk),
            local(click.clicked_at, portal.zone),
            click.link.code,
            click.country,
            click.device,
            click.referrer,
            "yes" if click.is_bot else "",
            "yes" if click.is_duplicate else "",
            click.aff_click_id,
            click.source,
            *(getattr(click, name) for name in SUB_IDS),
        ]
        for click in found.iterator(chunk_size=2000)
    )
    return csv_response(request, "clicks.csv", header, lines)
