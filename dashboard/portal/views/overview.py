"""The overview, and moving between the affiliates that a person may see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from dashboard import periods
from dashboard.portal.access import CHOSEN, PREVIEWED, Portal, portal_view
from dashboard.portal.listing import render_page
from dashboard.portal.lists.conversions import NEWEST
from dashboard.portal.lists.links import BUSIEST
from dashboard.portal.queries import overview as queries
from dashboard.portal.queries.conversions import ConversionRow
from dashboard.portal.queries.figures import link_numbers
from payouts.plan_changes.consent_requests import waiting_for
from web.lists.cells import Table


@require_safe
@portal_view
def overview(request: HttpRequest, portal: Portal) -> HttpResponse:
    now = timezone.now()
    period = periods.chosen(request.GET.get("days"), now=now, zone=portal.zone)
    links = link_numbers(portal.affiliate)
    numbers = queries.overview(portal.affiliate, period, links)
    recent = queries.recent_conversions(portal.affiliate)
    top_links = queries.top_links(portal.affiliate, period, links) if numbers.clicks.now else []
    context = {
        "overview": numbers,
        "periods": periods.CHOICES,
        "top_links": top_links,
        "top_links_table": Table(BUSIEST, top_links, request.GET, css="table-pair"),
        "recent": recent,
        "recent_table": Table(NEWEST, [ConversionRow(row, "") for row, _ in recent], request.GET, css="table-pair"),
        "steps": None if recent else queries.first_steps(portal.affiliate),
        "questions": waiting_for(portal.affiliate),
        "greeting": greeting(portal, timezone.localtime(now).hour),
    }
    return render_page(request, portal, "portal/overview/overview.html", context)


def greeting(portal: Portal, hour: int) -> str:
    """By the reader's own clock; an operator who looks on is not greeted by name."""
    if portal.is_preview:
        return gettext("Overview")
    part = "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
    return (
        gettext("Good {part}, {user}").format(part=part, user=portal.user.name)
        if portal.user.name
        else gettext("Good {part}").format(part=part)
    )


@require_POST
@portal_view
def switch(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Show another of the person's own affiliates from now on."""
    wanted = request.POST.get("affiliate")
    if any(affiliate.public_id == wanted for affiliate in portal.affiliates):
        request.session[CHOSEN] = wanted
    return redirect("portal:overview")


@require_safe
@portal_view
def leave_preview(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Take an operator back to the operator panel."""
    request.session.pop(PREVIEWED, None)
    return redirect("admin:index")
