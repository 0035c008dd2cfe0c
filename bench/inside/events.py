"""Insert conversions and ledger entries with their events and without, in turns; then read events as a reader does."""

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pgtrigger
from django.db import transaction
from django.db.models import Model

from bench.cost import Watch
from bench.events import WITH, WITHOUT
from bench.inside import options, progress, report
from bench.inside.conversions import make_conversions
from conversions.models import Conversion
from payouts.models import LedgerEntry
from records.events.reading import FIRST, take
from records.models import EventCursor

BATCH = 200
TRIGGERS = ("conversions.Conversion:conversion_created_event", "payouts.LedgerEntry:entry_booked_event")


class Events:
    """Rows are inserted in batches and rolled back, so that each round finds the tables as the one before."""

    def __init__(self, *, rows: int, postgres: int) -> None:
        self.rows, self._roots = rows, [os.getpid(), postgres]
        self._conversions = list(make_conversions(rows))
        self._saved = Conversion.objects.filter(status="approved").order_by("pk").first()

    def watch(self, way: str, work: Callable[[], int]) -> dict[str, Any]:
        progress(way)
        began = time.monotonic()
        with Watch(self._roots) as watch:
            done = work()
            spent = time.monotonic() - began
        return {
            "way": way,
            "done": done,
            "rate": done / spent,
            "cpu_ms": watch.ours / done * 1000,
            "others": watch.others,
        }

    def insert(self, table: str, made: list[Any], *, events: bool) -> dict[str, Any]:
        return self.watch(f"{table}, {WITH if events else WITHOUT}", lambda: self._inserted(made, events))

    def _inserted(self, made: list[Any], events: bool) -> int:
        model: type[Model] = type(made[0])
        with transaction.atomic():
            with nullcontext() if events else pgtrigger.ignore(*TRIGGERS):
                for start in range(0, len(made), BATCH):
                    model._default_manager.bulk_create(made[start : start + BATCH])
            transaction.set_rollback(True)
        return len(made)

    def conversions(self, turn: int) -> list[Conversion]:
        for number, row in enumerate(self._conversions):
            row.pk, row.public_id = None, f"cv_{turn}_{number}"
            row.dedupe_key = f"bench|{turn}|{number}"
        return self._conversions

    def entries(self) -> list[LedgerEntry]:
        now, first = datetime.now(UTC), self._saved
        assert first
        return [
            LedgerEntry(
                affiliate_id=first.affiliate_id, sequence=10**9 + number, kind="commission", amount=Decimal(number + 1),
                currency="EUR", conversion=first, arithmetic="50 EUR", occurred_at=now, booked_at=now, hash="",
                previous_hash="",
            )
            for number in range(self.rows)
        ]  # fmt: skip

    def read(self) -> int:
        """All events from the first on, 500 at a time, with the cursor moved after each."""
        EventCursor.objects.filter(pk="bench").delete()
        done = 0
        while True:
            with transaction.atomic():
                events = take("bench", limit=500, begin=FIRST)
            done += len(events)
            if not events:
                return done


def main(*, rounds: int, rows: int, postgres: int) -> dict[str, Any]:
    events, found = Events(rows=rows, postgres=postgres), []
    events.insert("conversions", events.conversions(rounds), events=True)
    for turn in range(rounds):
        for with_events in (True, False):
            found.append(events.insert("conversions", events.conversions(turn), events=with_events))
            found.append(events.insert("ledger entries", events.entries(), events=with_events))
        found.append(events.watch("read", events.read))
    return {"done": found}


if __name__ == "__main__":
    report(**main(**options()))
