"""Book conversions set by set and one by one, in turns; then price them all again without writing."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from bench.baselines.booking import book_one
from bench.cost import Watch, peak_megabytes
from bench.inside import options, progress, report
from conversions.models import Conversion
from payouts.ledger.booking import book_changes, quote_all, read_events
from payouts.tasks import BATCH

PRICED_AT_ONCE = 5_000


class Booking:
    """Due conversions, booked from the front in batches and from the back one by one."""

    def __init__(self, *, postgres: int) -> None:
        self._roots = [os.getpid(), postgres]

    def watch(self, way: str, work: Callable[[], int]) -> dict[str, Any]:
        """Do the work; give how much was done and at what cost."""
        progress(way)
        began = time.monotonic()
        with Watch(self._roots) as watch:
            done = work()
            spent = time.monotonic() - began
        cpu_ms = watch.ours / done * 1000 if done else None
        return {"way": way, "done": done, "rate": done / spent, "cpu_ms": cpu_ms, "others": watch.others}


def book_sets(count: int) -> int:
    """Book at least this many, as the worker's task does; fewer when no more are due."""
    done = 0
    while done < count and (looked_at := book_changes(limit=BATCH)):
        done += looked_at
    return done


def book_each(conversion_ids: Iterable[int]) -> int:
    return sum(1 for pk in conversion_ids if book_one(pk))


def price_all() -> int:
    """Read and price every conversion again, some thousands at a time; nothing is written."""
    done = last = 0
    while True:
        rows = read_events(Conversion.objects.filter(pk__gt=last).order_by("pk")[:PRICED_AT_ONCE])
        if not rows:
            return done
        done, last = done + len(quote_all([row.event for row in rows])), rows[-1].event.id


def main(*, conversions: int, sample: int, rounds: int, postgres: int) -> dict[str, Any]:
    began_with, found, booking = peak_megabytes(), [], Booking(postgres=postgres)
    apart = list(
        Conversion.objects.filter(booked_at=None).order_by("-pk").values_list("pk", flat=True)[: sample * rounds]
    )
    chunk = (conversions - len(apart)) // rounds
    for turn in range(rounds):
        mine = apart[turn * sample : (turn + 1) * sample]
        found.append(booking.watch("one by one", lambda pks=mine: book_each(pks)))  # type: ignore[misc]
        count = chunk if turn < rounds - 1 else conversions
        found.append(booking.watch("set by set", lambda count=count: book_sets(count)))  # type: ignore[misc]
    for _ in range(rounds):
        found.append(booking.watch("priced again", price_all))
    return {"done": found, "peak_megabytes": peak_megabytes(), "began_with_megabytes": began_with}


if __name__ == "__main__":
    report(**main(**options()))
