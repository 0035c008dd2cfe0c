"""The look of the operator panel, and the functions behind its sidebar, search and first page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext

from records.translation import gettext_lazy as _

# The brand's blue, as in static/portal/portal.css, from paper to ink.
BLUE = {
    "50": "#eff3ff",
    "100": "#dfe6ff",
    "200": "#c0cdff",
    "300": "#9db1ff",
    "400": "#7f9bff",
    "500": "#5878f0",
    "600": "#2d4fd2",
    "700": "#2745bd",
    "800": "#1d3490",
    "900": "#1b2c72",
    "950": "#121c49",
}


def environment(request: HttpRequest) -> list[str]:
    """The kind of installation, as a badge beside the title."""
    if settings.DEBUG:
        return [gettext("Development"), "info"]
    return [gettext("Production"), "danger"] if settings.REQUIRE_HTTPS else [gettext("Demo"), "warning"]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Affidavit",
    "SITE_HEADER": "Affidavit",
    "SITE_SUBHEADER": _("Operator panel"),
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("portal/favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("portal/favicon.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "config.unfold.environment",
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": BLUE},
    "DASHBOARD_CALLBACK": "dashboard.operator.overview_page.overview",
    "COMMAND": {
        "search_models": [
            "affiliates.affiliate",
            "affiliates.advertiser",
            "affiliates.offer",
            "tracking.trackinglink",
            "affiliates.user",
        ],
        "search_callback": "dashboard.operator.search.find",
        "show_history": False,
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "dashboard.navigation.sidebar",
    },
    "ACCOUNT": {
        "navigation": [
            {"title": _("Affiliate portal"), "link": "/"},
            {"title": _("Change password"), "link": lambda request: reverse("account_change_password")},
            {"title": _("Two-factor sign-in"), "link": lambda request: reverse("mfa_index")},
        ]
    },
}
