"""What an account has counted up to an event: nothing of it is stored, it comes from going through the events."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

# The plan, and the rule across its versions.
Counter = tuple[object, ...]


def _sums() -> defaultdict[Any, Fraction]:
    return defaultdict(Fraction)


@dataclass(slots=True)
class Past:
    """The counts of one affiliate on one offer.

    `totals` holds the whole periods of tiers that are paid by what the period reaches; they are counted beforehand.
    `cpa` is commission of components that a share of net revenue may make up, by plan and currency.
    """

    totals: Mapping[Any, Fraction] = field(default_factory=dict)
    payments: defaultdict[Any, int] = field(default_factory=lambda: defaultdict(int))
    capped_count: defaultdict[Any, int] = field(default_factory=lambda: defaultdict(int))
    capped_money: defaultdict[Any, Fraction] = field(default_factory=_sums)
    sums: defaultdict[Any, Fraction] = field(default_factory=_sums)
    cpa: defaultdict[Any, Fraction] = field(default_factory=_sums)
    months: dict[Any, Any] = field(default_factory=dict)
    is_cpa_known: bool = True
