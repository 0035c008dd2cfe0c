"""Who may grant access to accounts: keys, addresses, groups, second factors, memberships, secrets."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from affiliates.models import AffiliateMember, User

AFFILIATE = "affiliates.change_affiliate"
# The permissions needed to manage the accounts of affiliates' members: these control an affiliate's money.
MEMBERS = (AFFILIATE, "affiliates.change_affiliatemember")


def may_act_for(actor: User, target: User) -> bool:
    """Whether the actor may create or change credentials and memberships of the target.

    Everyone may for themselves, a superuser for everyone. Otherwise the actor must have each permission of the target,
    and the right to change affiliates and members if the target acts for an affiliate.
    """
    if actor.is_superuser or actor.pk == target.pk:
        return True
    if target.is_superuser or (target.is_staff and not actor.is_staff):
        return False
    if not may_give(actor, _granted(target)):
        return False
    return actor.has_perms(MEMBERS) or not AffiliateMember.objects.filter(user=target).exists()


def _granted(user: User) -> "QuerySet[Permission]":
    """The permissions granted to the user, even while inactive: an inactive account can be made active again."""
    rows = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return rows.select_related("content_type").distinct()


def may_bind(actor: User, target: User) -> bool:
    """Whether the actor may bind a key of the target to an affiliate.

    A member's key is limited by the membership. An operator's is not, so it needs the permissions for affiliates'
    members.
    """
    return actor.has_perms(MEMBERS) or not target.is_staff


def may_give(actor: User, permissions: Iterable[Permission]) -> bool:
    """Whether the actor has each of these permissions."""
    if actor.is_superuser:
        return True
    names = {f"{each.content_type.app_label}.{each.codename}" for each in permissions}
    return names <= actor.get_all_permissions()


def may_change_group(actor: User, group: Group | None) -> bool:
    """Whether the actor may change a group: one with no more permissions than the actor has, and not one of its own."""
    if actor.is_superuser or group is None or group.pk is None:
        return True
    own = group.user_set.filter(pk=actor.pk).exists()
    return not own and may_give(actor, group.permissions.select_related("content_type"))


def refusal(target: User) -> str:
    """The reason, in words, for which `may_act_for` returns False."""
    return gettext(
        "{target} has permissions that you lack, or acts for an affiliate and you may not change affiliates and "
        "members. Ask a superuser, or choose another account."
    ).format(target=target)
