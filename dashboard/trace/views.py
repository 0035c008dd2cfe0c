"""The trace page: operators paste an ID and read its whole story."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from affiliates.models import User
from dashboard.trace import LookupResult, conversion_named, found_for, look_up_for, postback_named, sees, story_of
from tracking.click_id.pasted import LONGEST

View = Callable[..., HttpResponse]


def operator_view(view: View) -> View:
    """A page for operators who may read decision traces; others are refused, strangers asked to sign in."""

    @wraps(view)
    @require_safe
    @never_cache
    @login_required
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_staff and request.user.has_perm("conversions.view_trace")):
            raise PermissionDenied(gettext("Traces are for operators who may view decision traces."))
        return view(request, *args, **kwargs)

    return wrapped


@operator_view
def search(request: HttpRequest) -> HttpResponse:
    """`/trace/?q=`: any ID or text with one in it; `&kind=` selects one of several matches. Without `q`: the form."""
    typed = request.GET.get("q", "").strip()[:LONGEST]
    kind, reader = request.GET.get("kind", ""), cast(User, request.user)
    return _page(request, look_up_for(reader, typed, kind) if typed else None)


@operator_view
def postback(request: HttpRequest, public_id: str) -> HttpResponse:
    return _addressed(request, found_for(cast(User, request.user), postback_named(public_id)))


@operator_view
def conversion(request: HttpRequest, public_id: str) -> HttpResponse:
    return _addressed(request, found_for(cast(User, request.user), conversion_named(public_id)))


def _addressed(request: HttpRequest, found: LookupResult) -> HttpResponse:
    """A page with an address of its own: 404 when there is no such thing, explained all the same."""
    return _page(request, found, status=200 if found.is_known else 404)


def _page(request: HttpRequest, found: LookupResult | None, *, status: int = 200) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": gettext("Trace") if found is None else gettext("Trace: {query}").format(query=found.query),
        "found": found,
        "story": story_of(found, sees(cast(User, request.user))) if found and found.is_known else None,
        "query": found.query if found else "",
        "zone": timezone.get_current_timezone_name(),
        "is_fullwidth": "1",
    }
    return TemplateResponse(request, "trace/page.html", context, status=status)
