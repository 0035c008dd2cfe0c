"""The parents of an affiliate at a moment."""

from datetime import datetime

from payouts.verification.independent.facts import Parentage

# No rule has more levels.
MOST_LEVELS = 10


def parents_at(affiliate_id: int, moment: datetime, parentage: Parentage) -> list[int]:
    """The nearest first."""
    found: list[int] = []
    child = affiliate_id
    while len(found) < MOST_LEVELS and (parent := _parent(child, moment, parentage)) is not None:
        found.append(parent)
        child = parent
    return found


def _parent(affiliate_id: int, moment: datetime, parentage: Parentage) -> int | None:
    begun = [row for row in parentage.get(affiliate_id, ()) if row.since is None or row.since <= moment]
    return begun[-1].parent_id if begun else None
