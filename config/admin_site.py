"""The operator panel: Django's admin with the look of django-unfold and the sign-in of django-allauth."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from unfold.sites import UnfoldAdminSite

from records.translation import gettext_lazy as _


class OperatorPanel(UnfoldAdminSite):
    """Signing in goes through allauth, so that second factors and rate limits hold here too."""

    index_title = _("Overview")
    enable_nav_sidebar = True

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().login(request, extra_context)  # type: ignore[no-any-return]
