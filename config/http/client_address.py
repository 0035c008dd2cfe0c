"""Pages and API see the client that clicks and postbacks see: its address and whether it came over HTTPS."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django_structlog.middlewares import RequestMiddleware

from web.forwarded import client_of, lists
from web.http import joined

# No header of a request ends up under this name: those begin with HTTP_.
SCHEME = "affidavit.scheme"


class ClientAddressMiddleware:
    """Put the client's address where Django, allauth, DRF and the project's pages read it.

    It comes first: later code that reads REMOTE_ADDR or `request.is_secure()` gets the client's, not the proxy's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = getattr(request, "scope", None)
        addresses, protocols = (_list(request, scope, name) for name in lists())
        client = client_of(
            request.META.get("REMOTE_ADDR"),
            is_secure=request._get_scheme() == "https",  # type: ignore[attr-defined]
            addresses=addresses,
            protocols=protocols,
        )
        request.META["REMOTE_ADDR"] = client.address or ""
        request.META[SCHEME] = "https" if client.is_secure else "http"
        return self.get_response(request)


def _list(request: HttpRequest, scope: Any, name: str) -> str:
    if not settings.TRUSTED_PROXIES:
        return ""
    if scope:
        # The header of just this name: Django takes X_Forwarded_For, which a client may send, for the same.
        return joined(scope, name.encode())
    return str(request.META.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


class LoggedRequests(RequestMiddleware):
    """The log uses the same address; by default it would trust X-Forwarded-For from any client."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR"))
