"""Tracking links: the list, making and changing one, its page with the address builder."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.models import Enrollment
from dashboard import periods
from dashboard.periods import DayPeriod
from dashboard.portal import filters, qr_code
from dashboard.portal.access import Portal, act_view, portal_view
from dashboard.portal.export import amount, csv_response, local
from dashboard.portal.forms import BuilderForm, LinkForm
from dashboard.portal.listing import page_of, render_list, render_page, sorting
from dashboard.portal.queries import clicks as click_queries
from dashboard.portal.queries import links as queries
from dashboard.portal.queries.figures import clicks_of
from dashboard.portal.queries.objects import link_for
from tracking.capture.link_address import link_base

COLUMNS = {
    "name": ("name", "code"),
    "offer": ("enrollment__offer__name", "name", "pk"),
    "made": ("created_at", "pk"),
    "state": ("-is_active", "name", "pk"),
}


def _recent(portal: Portal) -> DayPeriod:
    return periods.last_days(periods.DEFAULT, now=timezone.now(), zone=portal.zone)


def _listed(request: HttpRequest, portal: Portal) -> tuple[filters.LinkFilterForm, Any, Any]:
    form = filters.LinkFilterForm(portal, request.GET)
    order = sorting(request.GET.get("sort"), COLUMNS, "-made")
    return form, form.apply(queries.links_of(portal.affiliate)).order_by(*order.fields), order


@require_safe
@portal_view
def links(request: HttpRequest, portal: Portal) -> HttpResponse:
    form, rows, order = _listed(request, portal)
    page = page_of(rows, request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": queries.rows(portal.affiliate, page, _recent(portal)),
        "sorting": order,
        "has_enrollment": queries.linkable(portal.affiliate).exists(),
        "link_base": link_base(),
    }
    return render_list(request, portal, "portal/links/links.html", context)


@require_safe
@portal_view
def export(request: HttpRequest, portal: Portal) -> Any:
    _, rows, _ = _listed(request, portal)
    header = [
        "code",
        "address",
        "name",
        "offer",
        "active",
        "made_at",
        "clicks_30d",
        "conversions_30d",
        "commission_30d",
    ]
    base = link_base()
    lines = (
        [
            row.link.code,
            base + row.link.code,
            row.link.name,
            row.link.enrollment.offer.name,
            "yes" if row.link.is_active else "no",
            local(row.link.created_at, portal.zone),
            row.figures.clicks,
            row.figures.conversions,
            "; ".join(f"{amount(value, currency)} {currency}" for currency, value in row.figures.commission),
        ]
        for row in queries.rows(portal.affiliate, rows, _recent(portal))
    )
    return csv_response(request, "links.csv", header, lines)


@require_http_methods(["GET", "HEAD", "POST"])
@act_view
def new(request: HttpRequest, portal: Portal) -> HttpResponse:
    linkable = queries.linkable(portal.affiliate)
    chosen = linkable.filter(offer__public_id=request.GET.get("offer", "")).first()
    form = LinkForm(request.POST or None, enrollments=linkable, initial={"enrollment": chosen})
    if request.method == "POST" and form.is_valid() and (link := form.save_unless_taken()):
        messages.success(request, "The link is made and works at once. Copy it, or add labels to it below.")
        return redirect("portal:link", link.code)
    context = {"form": form, "has_enrollment": linkable.exists(), "link_base": link_base()}
    return render_page(request, portal, "portal/links/link_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@act_view
def edit(request: HttpRequest, portal: Portal, code: str) -> HttpResponse:
    found = link_for(portal.affiliate, code)
    form = LinkForm(request.POST or None, instance=found, enrollments=Enrollment.objects.none())
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(
            request,
            "Saved. The new destination holds from now on." if "destination_url" in form.changed_data else "Saved.",
        )
        return redirect("portal:link", code)
    context = {"form": form, "link": found, "has_enrollment": True}
    return render_page(request, portal, "portal/links/link_form.html", context, status=400 if form.errors else 200)


@require_safe
@portal_view
def link(request: HttpRequest, portal: Portal, code: str) -> HttpResponse:
    found = link_for(portal.affiliate, code)
    period = _recent(portal)
    builder = BuilderForm(request.GET, link=found, base=link_base())
    if getattr(request, "htmx", None) and request.htmx.target == "built":  # type: ignore[attr-defined]
        return render(request, "portal/links/_built.html", {"builder": builder, "link": found})
    (row,) = queries.rows(portal.affiliate, [found], period)
    newest = clicks_of(portal.affiliate, period).filter(link=found).order_by("-pk")[:10]
    context = {
        "link": found,
        "row": row,
        "period": period,
        "builder": builder,
        "clicks": click_queries.with_conversions(portal.affiliate, newest),
    }
    return render_page(request, portal, "portal/links/link.html", context)


@require_safe
@portal_view
def qr(request: HttpRequest, portal: Portal, code: str, kind: qr_code.Kind) -> HttpResponse:
    """The link's address as a picture for print, with the access rules of the link's page."""
    found = link_for(portal.affiliate, code)
    return HttpResponse(qr_code.picture(link_base() + found.code, kind), qr_code.MEDIA_TYPES[kind])


@require_POST
@act_view
def state(request: HttpRequest, portal: Portal, code: str) -> HttpResponse:
    """Switch a link off or on again; switched off, its visitors are led as if the offer were paused."""
    found = link_for(portal.affiliate, code)
    found.is_active = request.POST.get("active") == "yes"
    found.save(update_fields=["is_active"])
    messages.success(
        request, "The link is on." if found.is_active else "The link is off: clicks on it are no longer counted."
    )
    return redirect("portal:link", code)
