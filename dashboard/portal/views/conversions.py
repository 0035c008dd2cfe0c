"""The page that explains a conversion, and appeals."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from conversions.lifecycle import appeals
from conversions.models import Conversion
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.appeal_form import AppealForm
from dashboard.portal.listing import render_page
from dashboard.portal.queries import conversions as queries
from dashboard.portal.queries.objects import conversion_for
from web.lists import html


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
            text = gettext("Your appeal was sent. An operator will answer by {day}.").format(day=html.day(made.due_at))
            messages.success(request, text)
        return redirect("portal:conversion", public_id)
    return _explained(request, portal, found, form, status=400)


def _explained(
    request: HttpRequest, portal: Portal, found: Conversion, form: AppealForm | None, status: int = 200
) -> HttpResponse:
    context = {"story": queries.story(found), "conversion": found, "appeal_form": form}
    return render_page(request, portal, "portal/conversions/conversion.html", context, status=status)
