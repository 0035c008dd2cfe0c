"""Things said in words: durations, and IDs of customers with their middle hidden."""

from datetime import timedelta


def duration_words(value: timedelta) -> str:
    """`30 days`, `1 day 12 hours`, `45 minutes`: the two largest units that are not zero."""
    seconds = int(value.total_seconds())
    parts = []
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"


def masked(customer_id: str) -> str:
    """Enough of an advertiser's customer ID to recognise it again, not enough to look the person up."""
    shown = 2 if len(customer_id) >= 8 else 1
    return f"{customer_id[:shown]}••••{customer_id[-shown:]}" if len(customer_id) > 2 * shown else "••••"
