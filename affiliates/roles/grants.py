"""What a person may do, from their roles: for every affiliate, or for those assigned to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from affiliates.roles.actions import BY_CODE
from affiliates.roles.table import MEMBER_ROLE_BY_CODE, ROLE_BY_CODE, Role


@dataclass(frozen=True, slots=True)
class Grants:
    """Permissions by how far they reach. A person with several roles has those of each."""

    everywhere: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.everywhere | self.assigned

    def is_limited(self, permission: str) -> bool:
        """Whether the permission is for assigned affiliates only."""
        return permission in self.assigned and permission not in self.everywhere


def grants_of(user: Any) -> Grants:
    """The grants of an operator's roles, looked up once for the object. An administrator needs none."""
    if not hasattr(user, "_grants"):
        user._grants = _of_roles(user)
    found: Grants = user._grants
    return found


def forget_grants(user: Any) -> None:
    """Look them up again: the roles have changed."""
    for name in ("_grants", "_assigned"):
        if hasattr(user, name):
            delattr(user, name)


def _of_roles(user: Any) -> Grants:
    if not (user.is_active and user.is_staff):
        return Grants()
    return merged([*builtin(user.roles), *(role for each in user.custom_roles.all() for role in each.as_roles())])


def builtin(codes: Iterable[str]) -> list[Role]:
    """The roles of these codes; a code of a role that no longer exists gives nothing."""
    return [ROLE_BY_CODE[code] for code in codes if code in ROLE_BY_CODE]


def merged(roles: Iterable[Role]) -> Grants:
    everywhere, assigned = set[str](), set[str]()
    for role in roles:
        (assigned if role.only_assigned else everywhere).update(role.permissions)
    return Grants(frozenset(everywhere), frozenset(assigned))


def member_permissions(codes: Iterable[str]) -> frozenset[str]:
    """What a member of an affiliate may do with these roles."""
    return frozenset().union(*(MEMBER_ROLE_BY_CODE[code].permissions for code in codes if code in MEMBER_ROLE_BY_CODE))


def combined(
    *, code: str, title: str, words: str, roles: Iterable[str], actions: Iterable[str], only_assigned: bool
) -> list[Role]:
    """A role of the operator's own making: roles of the table, and further actions.

    If it is for assigned affiliates only, so are the roles in it; otherwise each of them keeps its own reach.
    """
    included, further = builtin(roles), [BY_CODE[each] for each in actions if each in BY_CODE]
    if not only_assigned:
        return [*included, Role(code, title, words, tuple(further))]
    together = [*further, *(action for role in included for action in role.actions)]
    return [Role(code, title, words, tuple(dict.fromkeys(together)), only_assigned=True)]
