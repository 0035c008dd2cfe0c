"""A change of terms that begins in the past: its effect on the affiliate, and the affiliate's answer."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from affiliates.models import Affiliate
from dashboard.portal.access import Portal, portal_view
from dashboard.portal.listing import render_page
from payouts.models import DraftVersion, WhatIfLine
from payouts.plan_changes.consent_requests import draft_for
from payouts.plan_changes.consents import ConsentRefused, answer, answers_to
from payouts.plan_changes.what_if_jobs import effect_on
from payouts.plan_changes.what_if_report import changes_of, difference_words


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@portal_view
def change_of_terms(request: HttpRequest, portal: Portal, public_id: str) -> HttpResponse:
    """Old and new terms, the affiliate's own money by both, and accepting or declining; owners answer."""
    draft = draft_for(portal.affiliate, public_id)
    if draft is None and request.method == "POST":
        messages.error(request, gettext("The terms were changed meanwhile. No answer to them is needed now."))
        return redirect("portal:overview")
    if draft is None:
        raise Http404(gettext("There is no such change of terms."))
    if request.method == "POST":
        return _answered(request, portal, draft)
    effect = effect_on(draft)
    context = {
        "draft": draft,
        "terms": changes_of(draft),
        "lines": _lines(draft, portal.affiliate),
        "computed_at": effect.ends_at if effect else None,
        "given": answers_to(draft.plan, draft.digest).get(portal.affiliate.pk),
        "may_answer": draft.is_open and draft.asked_at is not None and portal.may("payouts.change_planconsent"),
    }
    return render_page(request, portal, "portal/terms/change_of_terms.html", context)


def _answered(request: HttpRequest, portal: Portal, draft: DraftVersion) -> HttpResponse:
    given = request.POST.get("answer")
    if given not in ("accept", "decline"):
        messages.error(request, gettext("Choose whether you accept or decline."))
        return redirect("portal:change_of_terms", draft.public_id)
    try:
        answer(
            draft=draft,
            digest=request.POST.get("digest", ""),
            affiliate=portal.affiliate,
            accepts=given == "accept",
            user=portal.user,
            now=timezone.now(),
            address=_address(request),
            shown=_shown(draft, portal.affiliate),
        )
    except ConsentRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            gettext("You have {given}{part} the change. It is on record.").format(
                given=given, part="d" if given == "decline" else "ed"
            ),
        )
    return redirect("portal:change_of_terms", draft.public_id)


def _lines(draft: DraftVersion, affiliate: Affiliate) -> list[WhatIfLine]:
    effect = effect_on(draft)
    return list(effect.lines.filter(affiliate=affiliate).order_by("currency")) if effect else []


def _shown(draft: DraftVersion, affiliate: Affiliate) -> dict[str, Any]:
    """The terms that the page showed, stored with the answer."""
    return {
        "terms": [each._asdict() for each in changes_of(draft)],
        "money": [difference_words(line.before, line.after, line.currency) for line in _lines(draft, affiliate)],
    }


def _address(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None
