"""Count by the minute in Redis, for all processes together."""

import time

from django.core.cache import cache

WINDOW = 60


def count_in_this_minute(what: str) -> int:
    """Count one more; return the count of this minute. Raise `redis.RedisError` if Redis is away."""
    # The key contains its minute, so it can expire soon.
    name = f"{what}:{int(time.time()) // WINDOW}"
    cache.add(name, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(name))
    except ValueError:  # Redis evicted it in between, for lack of memory.
        return 1


def rest_of_this_minute() -> float:
    """Seconds until the next minute begins."""
    return WINDOW - time.time() % WINDOW
