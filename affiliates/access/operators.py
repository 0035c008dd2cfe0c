"""The operators that act for the program."""

from typing import cast

from django.http import HttpRequest

from affiliates.models import User


def first_operator() -> User | None:
    """The default owner: the first active operator, superusers before others."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("-is_superuser", "pk").first()


def operator(request: HttpRequest) -> User:
    """The signed-in operator of a request to the panel: its pages are for signed-in operators only."""
    return cast(User, request.user)
