"""Tracking links: making and changing one, its page with the address builder."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.models import Enrollment
from dashboard.portal import qr_code
from dashboard.portal.access import Portal, act_view, portal_view
from dashboard.portal.forms import BuilderForm, LinkForm
from dashboard.portal.listing import render_page
from dashboard.portal.lists.clicks import CLICKS_OF_A_LINK
from dashboard.portal.lists.links import recent
from dashboard.portal.queries import clicks as click_queries
from dashboard.portal.queries import links as queries
from dashboard.portal.queries.figures import clicks_of
from dashboard.portal.queries.objects import link_for
from tracking.capture.link_address import link_base
from web.lists.cells import Table


@require_http_methods(["GET", "HEAD", "POST"])
@act_view
def new(request: HttpRequest, portal: Portal) -> HttpResponse:
    linkable = queries.linkable(portal.affiliate)
    chosen = linkable.filter(offer__public_id=request.GET.get("offer", "")).first()
    form = LinkForm(request.POST or None, enrollments=linkable, initial={"enrollment": chosen})
    if request.method == "POST" and form.is_valid() and (link := form.save_unless_taken()):
        messages.success(request, gettext("The link was created and works now. Copy it, or add labels to it below."))
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
            gettext("Saved. The new destination applies from now on.")
            if "destination_url" in form.changed_data
            else gettext("Saved."),
        )
        return redirect("portal:link", code)
    context = {"form": form, "link": found, "has_enrollment": True}
    return render_page(request, portal, "portal/links/link_form.html", context, status=400 if form.errors else 200)


@require_safe
@portal_view
def link(request: HttpRequest, portal: Portal, code: str) -> HttpResponse:
    found = link_for(portal.affiliate, code)
    period = recent(portal)
    builder = BuilderForm(request.GET, link=found, base=link_base())
    if getattr(request, "htmx", None) and request.htmx.target == "built":  # type: ignore[attr-defined]
        return render(request, "portal/links/_built.html", {"builder": builder, "link": found})
    (row,) = queries.rows(portal.affiliate, [found], period)
    newest = clicks_of(portal.affiliate, period).filter(link=found).order_by("-pk")[:10]
    clicks = click_queries.with_conversions(portal.affiliate, newest)
    context = {
        "link": found,
        "row": row,
        "period": period,
        "builder": builder,
        "clicks": clicks,
        "table": Table(CLICKS_OF_A_LINK, clicks, request.GET),
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
        request,
        gettext("The link is on.")
        if found.is_active
        else gettext("The link is off: clicks on it are no longer counted."),
    )
    return redirect("portal:link", code)
