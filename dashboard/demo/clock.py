"""The time that the demo covers, and repeatable chance: each subject has random numbers of its own."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from random import Random

DAYS = 60
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@dataclass(frozen=True, slots=True)
class DemoSpan:
    """The time shown: from the midnight 60 days ago up to now."""

    now: datetime

    @property
    def since(self) -> datetime:
        return self.midnight(DAYS)

    def midnight(self, days_ago: int) -> datetime:
        day = self.now.astimezone(UTC).date() - timedelta(days=days_ago)
        return datetime.combine(day, time.min, UTC)

    def at(self, moment: str) -> datetime:
        """A moment by days ago and the time in UTC: `at("3 14:20")`."""
        days_ago, clock = moment.split()
        return datetime.combine(self.midnight(int(days_ago)), time.fromisoformat(clock), UTC)


@cache
def length(text: str) -> timedelta:
    """A length of time: "4d 10h", "-2h"."""
    parts = re.findall(r"(-?\d+)([dhms])", text)
    return timedelta(**{UNITS[unit]: int(number) for number, unit in parts})


def source(seed: int, subject: str) -> Random:
    """The random numbers of a subject; the same for the same seed, independent of other subjects."""
    return Random(f"{seed} {subject}")  # noqa: S311 - made-up visitors, no secret is drawn from it


def poisson(rng: Random, mean: float) -> int:
    """How many independent events happen when `mean` are expected."""
    if mean > 40:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-mean), 0
    product = rng.random()
    while product > left:
        count += 1
        product *= rng.random()
    return count
