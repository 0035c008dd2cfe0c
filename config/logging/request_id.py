"""Every answer of Django carries `X-Request-Id`, and the logs of the request name the same ID."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-Id"
SANE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RequestIdMiddleware:
    """Use the sender's ID if it is valid, otherwise create one. The logging middleware reads it from the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        known = given if SANE.fullmatch(given) else secrets.token_hex(12)
        request.META["HTTP_X_REQUEST_ID"] = known
        response = self.get_response(request)
        response[HEADER] = known
        return response
