"""The funnel page of the operator panel."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from affiliates.models import Affiliate, Offer
from dashboard.funnel.form import FunnelForm
from dashboard.portal.access import zone_of

NEEDED = ("conversions.view_conversion", "tracking.view_click")


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """`/admin/funnel/?offer=&affiliate=&country=&since=&until=` for operators who may view conversions."""
    user = request.user
    if not (user.is_staff and user.has_perms(NEEDED)):
        raise PermissionDenied(gettext("The funnel is for operators who may view conversions and clicks."))
    reached = user.affiliates_within(*NEEDED)
    within = None if reached is None else Affiliate.objects.filter(pk__in=reached)
    form = FunnelForm(request.GET, offers=Offer.objects.all(), zone=zone_of(user), now=timezone.now(), within=within)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Funnel"),
        "form": form,
        "offer": form.chosen_offer,
        "period": form.period,
        "funnel": form.result(),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "admin/funnel.html", context)
