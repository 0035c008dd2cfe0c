"""Addresses of the public help: answers to refused requests lead there."""

from django.urls import path

from dashboard.help.views import reason, reasons

urlpatterns = [
    path("reasons/", reasons, name="help_reasons"),
    path("reasons/<slug:code>/", reason, name="help_reason"),
]
