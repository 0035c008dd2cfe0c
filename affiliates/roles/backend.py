"""Permissions come from roles alone: rows of Django's own permission tables give nothing."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend

from affiliates.roles.grants import grants_of


class RoleBackend(AuthenticationBackend):
    """Signing in is Django's and allauth's; what a person may do stands in `affiliates.roles.table`."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        """By the address of the account in any capitals, else by another address that allauth knows of it."""
        found = ModelBackend.authenticate(self, request, **credentials)
        return found or super().authenticate(request, **credentials)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_all_permissions(user_obj, obj)

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if obj is not None or user_obj.is_anonymous or not user_obj.is_active:
            return set()
        return set(grants_of(user_obj).all)

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(each.startswith(f"{app_label}.") for each in self.get_all_permissions(user_obj))
