"""Addresses of the REST API: /api/v1/, its description /api/schema/ and the pages to try it at /api/docs/."""

from functools import lru_cache
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.decorators import method_decorator
from django.views.defaults import bad_request as page_bad_request
from django.views.defaults import server_error as page_server_error
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from affiliates.api import AffiliateViewSet, AskerView
from conversions.api.offers import OfferViewSet
from conversions.api.postback_log import PostbackLogViewSet
from conversions.api.postbacks import PostbackViewSet
from dashboard.api.funnel import FunnelView
from dashboard.api.trace import TraceView
from payouts.api.earnings import (
    BalanceViewSet,
    EarningConversionViewSet,
    LedgerEntryViewSet,
    PayoutViewSet,
    StatementViewSet,
)
from payouts.api.invoices import InvoiceViewSet
from payouts.api.what_if import WhatIfViewSet
from tracking.api import ClickViewSet, LinkViewSet
from web.rest import schema as _schema_extensions  # noqa: F401 - registered by being imported
from web.rest.errors import bad_request as api_bad_request
from web.rest.errors import server_error as api_server_error
from web.rest.errors import unknown_address


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The answer to a request that cannot be read: JSON for the API, a page for browsers."""
    is_api = request.path.startswith("/api/")
    return api_bad_request(exception) if is_api else page_bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """The answer to a server error: JSON for the API, a page for browsers."""
    return api_server_error(request) if request.path.startswith("/api/") else page_server_error(request)


class Router(DefaultRouter):
    """A slash at the end of an address may be left out."""

    include_format_suffixes = False

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
router.register("affiliates", AffiliateViewSet, basename="affiliate")
router.register("offers", OfferViewSet, basename="offer")
router.register("links", LinkViewSet, basename="link")
router.register("clicks", ClickViewSet, basename="click")
router.register("conversions", EarningConversionViewSet, basename="conversion")
router.register("postbacks", PostbackViewSet, basename="postback")
router.register("ledger-entries", LedgerEntryViewSet, basename="ledger-entry")
router.register("balances", BalanceViewSet, basename="balance")
router.register("statements", StatementViewSet, basename="statement")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("payouts", PayoutViewSet, basename="payout")
router.register("what-ifs", WhatIfViewSet, basename="what-if")


@lru_cache(maxsize=1)
def described() -> dict[str, Any]:
    """The OpenAPI description, the same for all users. Building it takes a second, so it is built once."""
    generator: Any = SchemaGenerator
    description: dict[str, Any] = generator().get_schema(request=None, public=True)
    return description


class SchemaView(SpectacularAPIView):
    """The OpenAPI description, as YAML or, asked by `Accept` or `?format=json`, as JSON."""

    def _get_schema_response(self, request: Request) -> Response:
        return Response(described())


@method_decorator(csp_update({"style-src": [UNSAFE_INLINE]}), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The description as a page on which requests can be tried. Swagger UI needs inline styles, no inline script."""

    # What the page's template leaves out for OPTIONS is an error of ours.
    http_method_names = ["get", "head"]


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(router.urls)),
    # Apart from the resources above: by an advertiser's token, which opens nothing else.
    re_path(r"^v1/postback-log/?$", PostbackLogViewSet.as_view({"get": "list"}), name="postback-log-list"),
    re_path(
        r"^v1/postback-log/(?P<id>[A-Za-z0-9_-]{1,60})/?$",
        PostbackLogViewSet.as_view({"get": "retrieve"}, detail=True),
        name="postback-log-detail",
    ),
    re_path(r"^v1/me/?$", AskerView.as_view(), name="me"),
    re_path(r"^v1/trace/?$", TraceView.as_view(), name="trace-api"),
    re_path(r"^v1/funnel/?$", FunnelView.as_view(), name="funnel-api"),
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?$", DocsView.as_view(url_name="schema"), name="docs"),
    re_path(r"", unknown_address),
]
