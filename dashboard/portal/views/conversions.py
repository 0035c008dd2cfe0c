"""Conversions: the list, its export, and the page that explains one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.portal import filters
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.export import amount, csv_response, local
from dashboard.portal.listing import page_of, render_list, render_page, sorting
from dashboard.portal.queries import conversions as queries
from dashboard.portal.queries.objects import conversion_for

COLUMNS = {
    "happened": ("occurred_at", "pk"),
    "status": ("status", "-occurred_at", "-pk"),
    "goal": ("goal__offer__name", "goal__position", "-occurred_at", "-pk"),
}


def _listed(request: HttpRequest, portal: Portal) -> tuple[filters.ConversionFilters, Any, Any]:
    form = filters.ConversionFilters(portal, request.GET)
    order = sorting(request.GET.get("sort"), COLUMNS, "-happened")
    return form, form.apply(queries.conversions_of(portal.affiliate)).order_by(*order.fields), order


@require_safe
@portal_view
def conversions(request: HttpRequest, portal: Portal) -> HttpResponse:
    form, rows, order = _listed(request, portal)
    page = page_of(rows, request.GET.get("page"))
    context = {"form": form, "page": page, "rows": queries.rows(page), "sorting": order}
    return render_list(request, portal, "portal/conversions.html", context)


@require_safe
@portal_view
def export(request: HttpRequest, portal: Portal) -> Any:
    _, rows, _ = _listed(request, portal)
    header = ["conversion_id", "received_at", "occurred_at", "offer", "goal", "status", "reason", "reason_text"]
    header += ["transaction_id", "click_id", "link", "sub1", "commission"]
    lines = (
        [
            row.conversion.public_id,
            local(row.conversion.received_at, portal.zone),
            local(row.conversion.occurred_at, portal.zone),
            row.conversion.goal.offer.name,
            row.conversion.goal.name,
            row.conversion.status,
            row.conversion.reason,
            row.conversion.get_reason_display(),
            row.conversion.transaction_id,
            row.click_text,
            row.conversion.link.code if row.conversion.link else "",
            row.sub1,
            "; ".join(f"{amount(value, currency)} {currency}" for currency, value in row.earned),
        ]
        for row in queries.all_rows(rows)
    )
    return csv_response(request, "conversions.csv", header, lines)


@require_safe
@portal_view
def conversion(request: HttpRequest, portal: Portal, public_id: str) -> HttpResponse:
    found = conversion_for(portal.affiliate, public_id)
    return render_page(request, portal, "portal/conversion.html", {"story": queries.story(found), "conversion": found})
