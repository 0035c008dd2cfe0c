"""An offer with its terms, and applications for it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from affiliates.enrollments import OfferNotOpen, apply_for
from affiliates.models import Enrollment
from dashboard import periods
from dashboard.portal.access import Portal, act_view, portal_view
from dashboard.portal.listing import render_page
from dashboard.portal.queries import links as link_queries
from dashboard.portal.queries import offers as queries
from dashboard.portal.queries.objects import offer_for
from dashboard.portal.queries.terms import examples_in_words, per_click_words
from payouts.plan_changes.consent_requests import waiting_for


@require_safe
@portal_view
def offer(request: HttpRequest, portal: Portal, public_id: str) -> HttpResponse:
    found = offer_for(portal.affiliate, public_id)
    now = timezone.now()
    (card,) = queries.cards(portal.affiliate, [found], now=now)
    period = periods.last_days(periods.DEFAULT, now=now, zone=portal.zone)
    links = link_queries.links_of(portal.affiliate).filter(enrollment__offer=found)[:10]
    context = {
        "card": card,
        "links": link_queries.rows(portal.affiliate, links, period),
        "per_click": per_click_words(portal.affiliate, found, at=now),
        "questions": [each for each in waiting_for(portal.affiliate) if each.plan.offer_id == found.pk],
        "examples": examples_in_words(portal.affiliate, found, at=now),
    }
    return render_page(request, portal, "portal/offers/offer.html", context)


@require_POST
@act_view
def apply(request: HttpRequest, portal: Portal, public_id: str) -> HttpResponse:
    """Apply for an offer. A second press changes nothing."""
    found = offer_for(portal.affiliate, public_id)
    try:
        enrollment, is_new = apply_for(affiliate=portal.affiliate, offer=found, now=timezone.now())
    except OfferNotOpen as refused:
        messages.error(request, str(refused))
        return redirect("portal:offer", public_id)
    if not is_new:
        messages.info(
            request,
            gettext("You have already applied for {found}: {status}.").format(
                found=found, status=enrollment.get_status_display().lower()
            ),
        )
    elif enrollment.status == Enrollment.Status.APPROVED:
        messages.success(request, gettext("You have access to {found}. Make your first link.").format(found=found))
    else:
        messages.success(
            request,
            gettext("You have applied for {found}. An operator will review it; the answer appears here.").format(
                found=found
            ),
        )
    return redirect("portal:offer", public_id)
