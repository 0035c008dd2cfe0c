"""Addresses of the affiliate portal and of pages for operators outside the admin."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [path("", include("dashboard.portal.urls"))]
