"""Who looks after which affiliates."""

from collections.abc import Sequence

from django.db import transaction

from affiliates.models import Affiliate, Assignment, User


@transaction.atomic
def assign(*, affiliate_ids: Sequence[int], manager: User, instead: bool = False) -> int:
    """Assign the affiliates to the manager; with `instead`, to no one else. Return how many are new to the manager.

    The affiliates are locked, so that two changes at once come one after the other.
    """
    rows = Affiliate.objects.select_for_update().filter(pk__in=affiliate_ids).order_by("pk")
    ids = [row.pk for row in rows]
    if instead:
        Assignment.objects.filter(affiliate__in=ids).exclude(manager=manager).delete()
    known = set(Assignment.objects.filter(manager=manager, affiliate__in=ids).values_list("affiliate_id", flat=True))
    new = [Assignment(affiliate_id=pk, manager=manager) for pk in ids if pk not in known]
    return len(Assignment.objects.bulk_create(new, ignore_conflicts=True))


def unassign(*, affiliate_ids: Sequence[int], manager: User) -> int:
    """Return how many of the affiliates the manager looked after."""
    return Assignment.objects.filter(manager=manager, affiliate__in=affiliate_ids).delete()[0]
