"""Addresses that Django answers; `/c/`, `/postback` and `/pixel` are answered ahead of it (config/asgi.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from dashboard.operator.doctor import page as doctor_page
from dashboard.operator.funnel import page as funnel_page
from payouts.anchors.views import anchors, keys

handler400 = "config.api_urls.bad_request"
handler500 = "config.api_urls.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/funnel/", funnel_page, name="funnel"),
    path("admin/", admin.site.urls),
    path("tools/doctor/", doctor_page, name="doctor"),
    path("help/", include("dashboard.help.urls")),
    path("trace/", include("dashboard.trace.urls")),
    path("api/", include("config.api_urls")),
    path("accounts/", include("allauth.urls")),
    path("anchors/anchors.jsonl", anchors, name="anchors"),
    path("anchors/keys.json", keys, name="anchor_keys"),
    path(".well-known/affidavit-anchors", anchors, name="anchors_well_known"),
    path("", include("dashboard.urls")),
]
