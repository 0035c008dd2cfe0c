"""How the operator panel looks and what its sidebar, search and first page call."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

# The hues of the brand: a deep green that reads as "in order", on neutral greys.
GREEN = {
    "50": "#eefbf5",
    "100": "#d5f5e5",
    "200": "#aee9ce",
    "300": "#79d7b0",
    "400": "#43be8e",
    "500": "#1fa374",
    "600": "#12835d",
    "700": "#0f694d",
    "800": "#10533f",
    "900": "#0e4535",
    "950": "#06271f",
}


def environment(request: HttpRequest) -> list[str]:
    """What kind of installation this is, as a badge beside the title."""
    if settings.DEBUG:
        return ["Development", "info"]
    return ["Production", "danger"] if settings.REQUIRE_HTTPS else ["Demo", "warning"]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Affidavit",
    "SITE_HEADER": "Affidavit",
    "SITE_SUBHEADER": "Operator panel",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("admin-extra/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("admin-extra/mark.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "config.unfold.environment",
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": GREEN},
    "STYLES": [lambda request: static("admin-extra/panel.css")],
    "SCRIPTS": [lambda request: static("admin-extra/panel.js")],
    "DASHBOARD_CALLBACK": "dashboard.overview_page.overview",
    "COMMAND": {
        "search_models": [
            "affiliates.affiliate",
            "affiliates.advertiser",
            "affiliates.offer",
            "tracking.trackinglink",
            "affiliates.user",
        ],
        "search_callback": "dashboard.panel_search.find",
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
            {"title": "Affiliate portal", "link": "/"},
            {"title": "Change password", "link": lambda request: reverse("account_change_password")},
            {"title": "Two-factor sign-in", "link": lambda request: reverse("mfa_index")},
        ]
    },
}
