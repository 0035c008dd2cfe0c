"""Events without HTTP: through intake in batches, and one by one through the ORM, in turns."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from bench.baselines import one_by_one
from bench.cost import Watch
from bench.inside import options, progress, report
from conversions.intake import Decision, Received, intake
from conversions.models import Postback


class Events:
    """New events without end, each for a new customer, with the ID of a stored click."""

    def __init__(self, *, token: str, clicks: str) -> None:
        self._token, self._clicks = token, Path(clicks).read_text().split()

    def take(self, run: str, first: int, count: int) -> list[Received]:
        return [self._event(run, number) for number in range(first, first + count)]

    def _event(self, run: str, number: int) -> Received:
        fields = {
            "click_id": self._clicks[number % len(self._clicks)],
            "txid": f"{run}-{number}",
            "event_type": "ftd",
            "revenue": "80.00",
            "currency": "EUR",
            "customer_id": f"{run}-{number}",
            "token": self._token,
        }
        return Received(
            endpoint=Postback.Endpoint.BULK,
            method="POST",
            path="/bulk",
            parameters=list(fields.items()),
            headers={"user-agent": "casino-backend/3.2"},
            ip="127.0.0.1",
            is_secure=True,
            received_at=datetime.now(UTC),
        )


def decide(batch: list[Received], *, in_one: bool) -> list[Decision]:
    """Decide the events together, or each in a transaction of its own by plain ORM code."""
    if in_one:
        return intake(batch, now=datetime.now(UTC))
    decisions = []
    for received in batch:
        with transaction.atomic():
            decisions.append(one_by_one.decide(received))
    return decisions


def measure(events: Events, *, run: str, batch: int, seconds: float, postgres: int) -> dict[str, Any]:
    """Decide new events for that long; `batch` 0 means one by one."""
    sent = accepted = 0
    began = time.monotonic()
    with Watch([os.getpid(), postgres]) as watch:
        while not sent or time.monotonic() - began < seconds:
            decisions = decide(events.take(run, sent, batch or 20), in_one=bool(batch))
            sent += len(decisions)
            accepted += sum(decision.body["outcome"] == "accepted" for decision in decisions)
        spent = time.monotonic() - began
    return {
        "run": run, "batch": batch, "sent": sent, "accepted": accepted, "rate": sent / spent,
        "cpu_ms": watch.ours / sent * 1000, "others": watch.others,
    }  # fmt: skip


def main(
    *, rounds: int, seconds: float, batches: list[int], token: str, clicks: str, postgres: int
) -> list[dict[str, Any]]:
    events, found = Events(token=token, clicks=clicks), []
    ways = [*batches, 0]
    for batch in ways:
        decide(events.take(f"warm{batch}", 0, batch or 20), in_one=bool(batch))
    for turn in range(rounds):
        for batch in ways:
            progress(f"round {turn + 1} of {rounds}, in process: {f'batches of {batch}' if batch else 'one by one'}")
            run = f"bulk{batch}turn{turn}"
            found.append(measure(events, run=run, batch=batch, seconds=seconds, postgres=postgres))
    return found


if __name__ == "__main__":
    report(done=main(**options()))
