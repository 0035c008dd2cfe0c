"""Probes of this installation: `/healthz`, `/readyz`, `/metrics`.

Answered ahead of all other middleware, so that a probe needs no allowed host name, no session, no HTTPS.
"""

import secrets
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from threading import Thread

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from prometheus_client.exposition import choose_encoder

from config.monitoring.metrics import registry
from config.monitoring.readiness import as_json, readiness
from web.rest.errors import body

# Under this name config/asgi.py puts the threads that write a process' clicks into the request's scope.
THREADS = "affidavit.threads"

_registry = registry()

Answer = Callable[[HttpRequest], HttpResponse]


def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: this process answers, and which version it is. It touches nothing else."""
    return JsonResponse({"status": "ok", "version": settings.VERSION})


def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: each part with its state; 503 when one is not there."""
    scope = getattr(request, "scope", {})
    threads: Iterable[Thread] | None = scope.get(THREADS)
    body = as_json(readiness(threads))
    return JsonResponse(body, status=200 if body["status"] == "ready" else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics for Prometheus, with the bearer token of METRICS_TOKEN; without one set, for this machine alone."""
    refusal = _refuse_metrics(request)
    if refusal is not None:
        return refusal
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_registry), content_type=content_type)


def _refuse_metrics(request: HttpRequest) -> HttpResponse | None:
    if settings.METRICS_TOKEN:
        kind, _, sent = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and secrets.compare_digest(sent.strip().encode(), settings.METRICS_TOKEN.encode()):
            return None
        message = "Send the token of METRICS_TOKEN as `Authorization: Bearer ...`."
        return JsonResponse(body("metrics_token_wrong", message), status=401, headers={"WWW-Authenticate": "Bearer"})
    if _asks_from_this_machine(request):
        return None
    message = "Metrics are answered to this machine alone. To read them from elsewhere, set METRICS_TOKEN and send it."
    return JsonResponse(body("metrics_token_needed", message), status=403)


def _asks_from_this_machine(request: HttpRequest) -> bool:
    """Whether the connection comes from the loopback address without a proxy.

    A proxy on this machine forwards requests of others, so its requests do not count, whichever headers it sends.
    """
    try:
        peer = ip_address(request.META.get("REMOTE_ADDR") or "")
    except ValueError:
        return False
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    proxy = any(peer in ip_network(entry) for entry in settings.TRUSTED_PROXIES)
    return peer.is_loopback and not forwarded and not proxy


ANSWERS: dict[str, Answer] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


class ProbeMiddleware:
    """Answers probes; hands everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = ANSWERS.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return JsonResponse(body("method_not_allowed", "Ask with GET."), status=405, headers={"Allow": "GET, HEAD"})
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response
