"""Who answers for the operator."""

from typing import cast

from django.http import HttpRequest

from affiliates.models import User


def first_operator() -> User | None:
    """Who answers where nobody is named: the operator with all rights who is there longest."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("-is_superuser", "pk").first()


def operator(request: HttpRequest) -> User:
    """The signed-in operator of a request to the panel: its pages are for signed-in operators only."""
    return cast(User, request.user)
