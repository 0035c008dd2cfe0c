"""Operators with some permissions and no others."""

from django.contrib.auth.models import Permission

from affiliates.models import User
from tests.factories import OperatorFactory


def operator_with(*names: str) -> User:
    """An operator with these permissions and no others: `app.codename`."""
    user = OperatorFactory()
    for name in names:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)
