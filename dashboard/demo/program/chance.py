"""Repeatable random numbers: each subject has its own source, so a change in one does not affect the others."""

import math
from datetime import timedelta
from random import Random


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


def about(rng: Random, middle: timedelta, spread: float) -> timedelta:
    """A waiting time around its median; a spread of 1 makes every sixth longer than 2.7 medians (log-normal)."""
    return middle * rng.lognormvariate(0, spread)
