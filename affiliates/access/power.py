"""Who may grant access to accounts: keys, addresses, roles, second factors, memberships, secrets."""

from django.utils.translation import gettext

from affiliates.models import AffiliateMember, User
from affiliates.roles.grants import Grants, grants_of, merged

AFFILIATE = "affiliates.change_affiliate"
# The permissions needed to manage the accounts of affiliates' members: these control an affiliate's money.
MEMBERS = (AFFILIATE, "affiliates.change_affiliatemember")


def may_act_for(actor: User, target: User) -> bool:
    """Whether the actor may create or change credentials and memberships of the target.

    Everyone may for themselves, an administrator for everyone. Otherwise the actor must have all that the target's
    roles give, for as many affiliates, and the right to change affiliates and members for each affiliate that the
    target acts for.
    """
    if actor.is_superuser or actor.pk == target.pk:
        return True
    if target.is_superuser or (target.is_staff and not actor.is_staff):
        return False
    return _has_all_of(actor, target) and _manages_all_of(actor, target)


def _has_all_of(actor: User, target: User) -> bool:
    """What an inactive account would have counts: it can be made active again."""
    theirs, own = merged(target.held_roles()), grants_of(actor)
    further = target.get_all_permissions() - theirs.all
    if not (theirs.everywhere | further) <= actor.get_all_permissions() - _only_assigned(own):
        return False
    if not theirs.all <= actor.get_all_permissions():
        return False
    shared = [each for each in theirs.assigned if own.is_limited(each)]
    return not shared or set(_assigned(target)) <= set(_assigned(actor))


def _only_assigned(grants: Grants) -> set[str]:
    return {each for each in grants.assigned if grants.is_limited(each)}


def _assigned(user: User) -> list[int]:
    return list(user.assignments.values_list("affiliate_id", flat=True))


def _manages_all_of(actor: User, target: User) -> bool:
    """Whether the actor may manage the members of each affiliate that the target acts for."""
    acted_for = set(AffiliateMember.objects.filter(user=target).values_list("affiliate_id", flat=True))
    within = actor.affiliates_within(*MEMBERS)
    return within is None or acted_for <= set(within)


def may_bind(actor: User, affiliate_id: int) -> bool:
    """Whether an operator may bind a key of their own to the affiliate: it then sees what its members see."""
    within = actor.affiliates_within(*MEMBERS)
    return within is None or affiliate_id in within


def refusal(target: User) -> str:
    """The reason, in words, for which `may_act_for` returns False."""
    return gettext(
        "{target} has rights that you lack, or acts for an affiliate whose members you may not change. Ask an "
        "administrator, or choose another account."
    ).format(target=target)
