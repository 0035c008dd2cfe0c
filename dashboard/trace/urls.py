"""Addresses of the trace page."""

from django.urls import path

from dashboard.trace import views as views

app_name = "trace"

urlpatterns = [
    path("", views.search, name="search"),
    path("postback/<str:public_id>/", views.postback, name="postback"),
    path("conversion/<str:public_id>/", views.conversion, name="conversion"),
]
