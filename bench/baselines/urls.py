"""The plain Django project's two pages, under the same addresses as ours."""

from django.urls import path

from bench.baselines import views

urlpatterns = [path("c/<str:code>", views.click), path("postback", views.postback)]
