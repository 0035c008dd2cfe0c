"""The operator panel: Django's admin with the look of django-unfold and the sign-in of django-allauth."""

import hashlib
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.core.cache import cache
from django.core.paginator import EmptyPage
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

from records.translation import gettext_lazy as _
from web.http import clean


class OperatorPanel(UnfoldAdminSite):
    """Signing in goes through allauth, so that second factors and rate limits hold here too."""

    index_title = _("Overview")
    enable_nav_sidebar = True

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search again each time: Unfold caches an answer for five minutes, including "not found" after an event
        arrived, what a transaction ID in other capitals led to, and rows that the operator may no longer see.
        """
        term = request.GET.get("s", "")
        page = request.GET.get("page", "1")
        if clean(term, len(term)) != term or not (page.isascii() and page.isdigit()):
            return HttpResponse()  # As for nothing typed: no ID or name has control characters.
        cache.delete(_cached_as(request.user.pk, term))
        try:
            return super().search(request, extra_context)  # type: ignore[no-any-return]
        except EmptyPage:
            return HttpResponse()

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().login(request, extra_context)  # type: ignore[no-any-return]


def _cached_as(user_id: int | None, term: str) -> str:
    """The key of Unfold's cache for a search."""
    return f"unfold_search_{hashlib.sha256(f'{user_id}_{term.lower()}'.encode()).hexdigest()}"
