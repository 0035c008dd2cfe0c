"""Where the affiliate's own visitors drop off."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from affiliates.models import Offer
from dashboard.funnel.form import FunnelForm
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.listing import render_page


@require_safe
@portal_view
def funnel(request: HttpRequest, portal: Portal) -> HttpResponse:
    """The funnel of the affiliate's own clicks, for one of the offers it has links to."""
    offers = Offer.objects.filter(enrollments__affiliate=portal.affiliate, enrollments__links__isnull=False).distinct()
    form = FunnelForm(request.GET, offers=offers, zone=portal.zone, now=timezone.now(), own=portal.affiliate)
    context = {"form": form, "offer": form.chosen_offer, "period": form.period, "funnel": form.result()}
    return render_page(request, portal, "portal/funnel/funnel.html", context)
