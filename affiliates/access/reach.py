"""The rows that the API shows: an operator sees everything, others the rows of their own affiliates."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from affiliates.models import Affiliate, ApiKey, User

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Reach:
    """The rows that a request may see: all of them when `is_operator`, else those of these affiliates."""

    user: User
    is_operator: bool
    affiliates: tuple[Affiliate, ...] = ()

    def within(self, rows: "QuerySet[Row]", path: str) -> "QuerySet[Row]":
        """The rows of the query within reach; `path` leads from a row to its affiliate."""
        return rows if self.is_operator else rows.filter(**{f"{path}__in": [each.pk for each in self.affiliates]})


def reach_of(request: Request) -> Reach:
    """The reach of the request's key or session. Looked up once for a request.

    A key that is bound to an affiliate never sees more, even an operator's; it sees nothing once its user has left the
    affiliate. A key that is not bound has the reach of its user.
    """
    if not hasattr(request, "_reach"):
        request._reach = _look_up(request)  # type: ignore[attr-defined]
    found: Reach = request._reach  # type: ignore[attr-defined]
    return found


def _look_up(request: Request) -> Reach:
    user, key = request.user, request.auth
    if not isinstance(user, User):
        raise TypeError("Reach is asked for before the request is authenticated.")
    bound = key.affiliate if isinstance(key, ApiKey) else None
    if user.is_staff:
        return Reach(user, is_operator=bound is None, affiliates=(bound,) if bound else ())
    own = Affiliate.objects.filter(members__user=user)
    return Reach(user, is_operator=False, affiliates=tuple(own.filter(pk=bound.pk) if bound else own))


def require(user: User, permissions: Iterable[str]) -> None:
    """Raise `PermissionDenied` that names the first permission an operator lacks, as in the operator panel."""
    for name in permissions:
        if not user.has_perm(name):
            raise PermissionDenied(
                f"Your account lacks the permission {name}. A superuser grants it in the operator panel, under Users."
            )


class WithinReach(IsAuthenticated):
    """Operators need the permission to view the view's model, also with a key that is bound to an affiliate.

    Others must act for an affiliate.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        reach = reach_of(request)
        if reach.user.is_staff:
            require(reach.user, view_permissions(view))
        elif not reach.affiliates:
            raise PermissionDenied(
                "This account does not belong to an affiliate. Ask an operator to add it to one, then use a new key."
            )
        return True


class OperatorsOnly(BasePermission):
    """Use with `WithinReach`: for operators only."""

    message = "Only operators may do this. Use the API key of an operator."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return reach_of(request).is_operator


class AffiliatesOnly(BasePermission):
    """Use with `WithinReach`: for actions that only an affiliate takes, for itself."""

    message = "Only affiliates can do this, with their own key; operators use the operator panel."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not reach_of(request).is_operator


def view_permissions(view: APIView) -> list[str]:
    """The permissions an operator needs: the view's own `operator_permissions`, else to view its model."""
    named: list[str] | None = getattr(view, "operator_permissions", None)
    rows: QuerySet[Any] | None = getattr(view, "queryset", None)
    if named is not None or rows is None:
        return named or []
    return [f"{rows.model._meta.app_label}.view_{rows.model._meta.model_name}"]
