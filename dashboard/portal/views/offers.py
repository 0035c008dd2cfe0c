"""Offers that the affiliate can promote, their terms, and applications for them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from affiliates.enrollments import OfferNotOpen, apply_for
from affiliates.models import Enrollment
from dashboard import periods
from dashboard.portal import filters
from dashboard.portal.access import Portal, act_view, portal_view
from dashboard.portal.export import csv_response
from dashboard.portal.listing import page_of, render_list, render_page, sorting
from dashboard.portal.queries import links as link_queries
from dashboard.portal.queries import offers as queries
from dashboard.portal.queries.objects import offer_for
from dashboard.portal.queries.terms import examples_in_words, per_click_words
from payouts.plan_changes.consent_requests import waiting_for

COLUMNS = {"name": ("name", "pk"), "newest": ("-created_at", "-pk"), "access": ("access", "name", "pk")}


def _listed(request: HttpRequest, portal: Portal) -> tuple[filters.OfferFilterForm, Any, Any]:
    form = filters.OfferFilterForm(portal, request.GET)
    order = sorting(request.GET.get("sort"), COLUMNS, "access")
    return form, form.apply(queries.offers_of(portal.affiliate)).order_by(*order.fields), order


@require_safe
@portal_view
def offers(request: HttpRequest, portal: Portal) -> HttpResponse:
    form, rows, order = _listed(request, portal)
    page = page_of(rows, request.GET.get("page"), 20)
    cards = queries.cards(portal.affiliate, page, now=timezone.now())
    return render_list(
        request, portal, "portal/offers/offers.html", {"form": form, "page": page, "cards": cards, "sorting": order}
    )


@require_safe
@portal_view
def export(request: HttpRequest, portal: Portal) -> Any:
    """The listed offers, a row for each goal and what it pays."""
    _, rows, _ = _listed(request, portal)
    header = ["offer", "advertiser", "vertical", "access", "goal", "event_type", "pays", "window_days", "customer_lock"]
    cards = queries.cards(portal.affiliate, rows, now=timezone.now())
    lines = (
        [
            card.offer.name,
            card.offer.advertiser.name,
            card.offer.get_vertical_display(),
            card.enrollment.get_status_display() if card.enrollment else "",
            terms.goal.name,
            terms.goal.code,
            terms.pays,
            f"{terms.window.total_seconds() / 86400:g}",
            card.offer.get_customer_lock_display(),
        ]
        for card in cards
        for terms in card.goals
    )
    return csv_response(request, "offers.csv", header, lines)


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
        messages.info(request, f"You have applied for {found} before: {enrollment.get_status_display().lower()}.")
    elif enrollment.status == Enrollment.Status.APPROVED:
        messages.success(request, f"You have access to {found}. Make your first link.")
    else:
        messages.success(request, f"You have applied for {found}. An operator looks at it; you see the answer here.")
    return redirect("portal:offer", public_id)
