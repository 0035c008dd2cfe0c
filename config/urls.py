"""Addresses that Django answers; `/c/`, `/postback` and `/pixel` are answered ahead of it (config/asgi.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("dashboard.urls")),
]
