"""Conversions: the list, its export, and the page that explains one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from conversions.lifecycle import appeals
from conversions.models import Conversion
from dashboard.portal import filters
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.appeal_form import AppealForm
from dashboard.portal.export import amount, csv_response, local
from dashboard.portal.listing import page_of, render_list, render_page, sorting
from dashboard.portal.queries import conversions as queries
from dashboard.portal.queries.objects import conversion_for

COLUMNS = {
    "happened": ("occurred_at", "pk"),
    "status": ("status", "-occurred_at", "-pk"),
    "goal": ("goal__offer__name", "goal__position", "-occurred_at", "-pk"),
}


def _listed(request: HttpRequest, portal: Portal) -> tuple[filters.ConversionFilterForm, Any, Any]:
    form = filters.ConversionFilterForm(portal, request.GET)
    order = sorting(request.GET.get("sort"), COLUMNS, "-happened")
    return form, form.apply(queries.conversions_of(portal.affiliate)).order_by(*order.fields), order


@require_safe
@portal_view
def conversions(request: HttpRequest, portal: Portal) -> HttpResponse:
    form, rows, order = _listed(request, portal)
    page = page_of(rows, request.GET.get("page"))
    context = {"form": form, "page": page, "rows": queries.rows(page), "sorting": order}
    return render_list(request, portal, "portal/conversions/conversions.html", context)


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
    return _explained(request, portal, found, None if portal.is_preview else AppealForm())


@require_POST
@portal_view
def appeal(request: HttpRequest, portal: Portal, public_id: str) -> HttpResponse:
    """Appeal against a rejection. Suspended accounts may appeal too, because the suspension may be the reason."""
    found = conversion_for(portal.affiliate, public_id)
    form = AppealForm(request.POST)
    if form.is_valid():
        try:
            made = appeals.appeal(conversion=found, **form.cleaned_data, user=portal.user, now=timezone.now())
        except appeals.AppealRefused as error:
            messages.error(request, str(error))
        else:
            text = f"Your appeal is sent. An operator answers until {timezone.localtime(made.due_at):%-d %b %Y}."
            messages.success(request, text)
        return redirect("portal:conversion", public_id)
    return _explained(request, portal, found, form, status=400)


def _explained(
    request: HttpRequest, portal: Portal, found: Conversion, form: AppealForm | None, status: int = 200
) -> HttpResponse:
    context = {"story": queries.story(found), "conversion": found, "appeal_form": form}
    return render_page(request, portal, "portal/conversions/conversion.html", context, status=status)
