"""Times on the operator panel's pages are shown in the zone that the operator chose."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from affiliates.models import User
from config.http.content_policy import PREFIXES
from dashboard.portal.access import zone_of


class PanelTimeZoneMiddleware:
    """Pages of the panel are drawn inside this, so lists, forms and templates all follow."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIXES) or not isinstance(request.user, User):
            return self.get_response(request)
        with timezone.override(zone_of(request.user)):
            return self.get_response(request)
