"""The rows that the API shows: those of the affiliates within reach of the requesting person or key.

An operator reaches what the roles reach, a member the affiliates whose roles allow it. A key never does more than the
person that it acts for, and only what its scopes name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from affiliates.models import Affiliate, AffiliateMember, ApiKey, User
from affiliates.roles import scopes
from affiliates.roles.grants import member_permissions
from affiliates.roles.reach import Affiliates, assigned_to
from affiliates.roles.scopes import Scope

Row = TypeVar("Row", bound=Model)


class Use(NamedTuple):
    """What one method of a resource needs: a scope of the key, and permissions of the person."""

    scope: Scope | None
    permissions: tuple[str, ...] = ()


class MissingScope(PermissionDenied):
    """The key may not be used for this."""

    default_code = "missing_scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            f"This API key lacks the scope `{scope.code}`: {scope.words} The person who made the key can add it on "
            "the page of API keys, or make another key with it."
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """The rows that a request may see: those of the affiliates of these keys, or all of them when there is None."""

    user: User
    is_operator: bool
    ids: Affiliates = None
    key: ApiKey | None = None

    @property
    def affiliates(self) -> tuple[Affiliate, ...]:
        """The affiliates within reach; none for an operator who reaches all."""
        return tuple(Affiliate.objects.filter(pk__in=self.ids)) if self.ids is not None else ()

    def within(self, rows: "QuerySet[Row]", path: str, *permissions: str) -> "QuerySet[Row]":
        """The rows of the query within reach; `path` leads from a row to its affiliate.

        With permissions: those for which the person has these too.
        """
        ids = both(self.ids, reach_for(self.user, permissions)) if permissions else self.ids
        return rows if ids is None else rows.filter(**{f"{path}__in": ids})

    def may(self, *permissions: str, scope: Scope | None = None) -> bool:
        """Whether the person has these permissions for some affiliate within reach, and the key the scope."""
        if scope and self.key and scope.code not in self.key.scopes:
            return False
        return both(self.ids, reach_for(self.user, permissions)) != ()


def both(first: Affiliates, second: Affiliates) -> Affiliates:
    """The affiliates that are in each of two reaches."""
    if first is None or second is None:
        return second if first is None else first
    return tuple(sorted(set(first) & set(second)))


def reach_for(user: User, permissions: Iterable[str]) -> Affiliates:
    """The affiliates for which a person, operator or member, has these permissions."""
    wanted = tuple(permissions)
    if user.is_staff:
        if wanted:
            return user.affiliates_within(*wanted)
        return assigned_to(user) if user.has_limits else None
    memberships = AffiliateMember.objects.filter(user=user).order_by("affiliate__name")
    return tuple(
        affiliate
        for affiliate, roles in memberships.values_list("affiliate_id", "roles")
        if member_permissions(roles).issuperset(wanted)
    )


def reach_of(request: Request) -> Reach:
    """The reach of the request's key or session for what the request does. Looked up once for a request.

    A key that is bound to an affiliate never sees more, even an operator's; it sees nothing once its user has left the
    affiliate. A key that is not bound has the reach of its user.
    """
    if not hasattr(request, "_reach"):
        request._reach = _look_up(request, ())  # type: ignore[attr-defined]
    found: Reach = request._reach  # type: ignore[attr-defined]
    return found


def _look_up(request: Request, permissions: Iterable[str]) -> Reach:
    user, key = request.user, request.auth if isinstance(request.auth, ApiKey) else None
    if not isinstance(user, User):
        raise TypeError("Reach is asked for before the request is authenticated.")
    ids = reach_for(user, permissions)
    bound = key.affiliate_id if key else None
    if bound is not None:
        return Reach(user, is_operator=False, ids=both((bound,), ids), key=key)
    return Reach(user, is_operator=user.is_staff, ids=ids, key=key)


def require(user: User, permissions: Iterable[str]) -> None:
    """Raise `PermissionDenied` that names the first permission an operator lacks, as in the operator panel."""
    for name in permissions:
        if not user.has_perm(name):
            raise PermissionDenied(
                f"Your roles lack the permission {name}. An administrator gives roles in the operator panel, under "
                "Users; what each may do stands there under Roles."
            )


class WithinReach(IsAuthenticated):
    """Operators need the permission to view the view's model, also with a key that is bound to an affiliate.

    Others must act for an affiliate, with a role that allows it. Keys need the scope.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        use = use_of(view, request)
        if isinstance(request.auth, ApiKey) and use.scope and use.scope.code not in request.auth.scopes:
            raise MissingScope(use.scope)
        if request.user.is_staff:
            require(request.user, use.permissions)
        request._reach = reach = _look_up(request, use.permissions)  # type: ignore[attr-defined]
        if reach.ids == () and not reach.is_operator:
            raise PermissionDenied(_nothing_to_see(reach.user))
        return True


def use_of(view: APIView, request: Request) -> Use:
    """What the request needs: reading takes the view's `scope`, all else is listed in its `changes` by action."""
    reading = Use(getattr(view, "scope", scopes.READ), tuple(view_permissions(view)))
    action = getattr(view, "action", None)
    if request.method in SAFE_METHODS or (action is None and not hasattr(view, (request.method or "").lower())):
        return reading
    changes: dict[str, Use] = getattr(view, "changes", {})
    if action not in changes:
        raise PermissionDenied("This change is not open to the API.")
    return Use(changes[action].scope, (*reading.permissions, *changes[action].permissions))


def _nothing_to_see(user: User) -> str:
    if user.is_staff:
        return "This key is bound to an affiliate that its user does not look after. Use another key."
    if AffiliateMember.objects.filter(user=user).exists():
        return (
            "Your role for the affiliate does not allow this. Its owner has a role that does; an operator gives roles."
        )
    return "This account does not belong to an affiliate. Ask an operator to add it to one, then use a new key."


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
    """The permissions to read: the view's own `operator_permissions`, else to view its model."""
    named: list[str] | None = getattr(view, "operator_permissions", None)
    rows: QuerySet[Any] | None = getattr(view, "queryset", None)
    if named is not None or rows is None:
        return named or []
    return [f"{rows.model._meta.app_label}.view_{rows.model._meta.model_name}"]
