"""Addresses of the affiliate portal and of pages for operators outside the admin."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
