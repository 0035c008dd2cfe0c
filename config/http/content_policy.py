"""The Content-Security-Policy of the operator panel, the trace pages and the tools.

Unfold renders them with Alpine, which compiles expressions in attributes ('unsafe-eval'), and puts the theme's colours
into a <style> element ('unsafe-inline' for styles). No inline script runs, and nothing is loaded from another host. All
other pages have the strict policy of the settings.
"""

from collections.abc import Callable

from csp.constants import HEADER
from django.http import HttpRequest, HttpResponseBase

PREFIXES = ("/admin/", "/trace/", "/tools/")
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class PanelPolicyMiddleware:
    """Set the panel's own policy; the general middleware leaves a header that is there already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith(PREFIXES) and HEADER not in response:
            response[HEADER] = POLICY
        return response
