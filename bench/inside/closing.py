"""Close the accounts of a period in blocks and one by one, in turns, after a period that was closed before."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from bench.baselines.closing import close_one
from bench.cost import Watch, peak_megabytes
from bench.inside import options, progress, report
from conversions.models import Conversion
from payouts.ledger.booking import book_changes
from payouts.models import ExchangeRate, PayoutTerms
from payouts.rates.daily import DayRate, store
from payouts.statements.statements import CloseJob, close_period, to_close
from payouts.tasks import BATCH

RATES = {"USD": Decimal("1.08"), "JPY": Decimal("163.4")}


def lay_out(*, conversions: int, midnight: datetime) -> tuple[datetime, datetime]:
    """Terms, rates and booked lines: 40 % of them before the end of one period, the rest before the next one's."""
    PayoutTerms.objects.create(minimum=50, fee=Decimal("1.50"), currency="EUR", hold_days=14)
    ends = midnight - timedelta(days=30), midnight
    for end in ends:
        day = (end - timedelta(days=1)).date()
        store([DayRate(day, currency, value) for currency, value in RATES.items()], source=ExchangeRate.Source.ECB)
    done, limit = 0, min(BATCH, max(1, conversions // 5))
    while looked_at := book_changes(limit=limit, now=ends[done * 5 >= conversions * 2] - timedelta(days=2)):
        done += looked_at
        progress(f"booking {conversions:,} conversions: {done / conversions:.0%}")
    progress("closing the period before")
    close_period(ends_at=ends[0], now=ends[0])
    return ends


def close_blocks(count: int, apart: set[int], ends_at: datetime) -> int:
    """Find accounts to close, as a close does, and close this many in blocks, without those set apart."""
    chosen = [pk for pk in to_close(ends_at) if pk not in apart][:count]
    job = CloseJob(ends_at, timezone.now(), None, failed=_raise)
    return sum(len(block) for block, _ in job.close(chosen))


def _raise(affiliate_id: int, error: Exception) -> None:
    raise error


def close_each(affiliate_ids: Sequence[int], ends_at: datetime) -> int:
    return sum(1 for pk in affiliate_ids if close_one(pk, ends_at, timezone.now()))


def watch(way: str, roots: list[int], work: Callable[[], int]) -> dict[str, Any]:
    """Do the work; give how much was done and at what cost."""
    progress(way)
    began = time.monotonic()
    with Watch(roots) as found:
        done = work()
        spent = time.monotonic() - began
    cpu_ms = found.ours / done * 1000 if done else None
    return {"way": way, "done": done, "rate": done / spent, "cpu_ms": cpu_ms, "others": found.others}


def main(*, sample: int, rounds: int, postgres: int) -> dict[str, Any]:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    _, ends_at = lay_out(conversions=Conversion.objects.count(), midnight=midnight)
    everybody, roots, done = to_close(ends_at), [os.getpid(), postgres], []
    # Spread over all, so that both ways meet the same sort of accounts.
    apart = everybody[:: max(1, len(everybody) // (sample * rounds))][: sample * rounds]
    chunk, began_with = -(-(len(everybody) - len(apart)) // rounds), peak_megabytes()
    for turn in range(rounds):
        mine = apart[turn * sample : (turn + 1) * sample]
        done.append(watch("one by one", roots, lambda pks=mine: close_each(pks, ends_at)))  # type: ignore[misc]
        done.append(watch("in blocks", roots, lambda: close_blocks(chunk, set(apart), ends_at)))
    return {
        "done": done,
        "ends_at": ends_at.isoformat(),
        "affiliates": len(everybody),
        "peak_megabytes": peak_megabytes(),
        "began_with_megabytes": began_with,
    }


if __name__ == "__main__":
    report(**main(**options()))
