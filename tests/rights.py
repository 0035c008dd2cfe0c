"""Operators with some permissions and no others.

The product gives permissions by roles alone. Tests of single permissions give them one by one, through a backend that
stands beside the product's own.
"""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission

from affiliates.models import User
from tests.factories import OperatorFactory


class SinglePermissions(ModelBackend):
    """Permissions as Django's own tables have them. It signs no one in."""

    def authenticate(self, *args: Any, **kwargs: Any) -> None:
        return None


def operator_with(*names: str) -> User:
    """An operator with these permissions and no others: `app.codename`."""
    user = OperatorFactory()
    for name in names:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)
