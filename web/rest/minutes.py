"""Counting by the minute in Redis, for all processes together."""

import time

from django.core.cache import cache

WINDOW = 60


def count_in_this_minute(what: str) -> int:
    """One more of it; return how many that makes. Raise `redis.RedisError` where Redis is away."""
    # The name carries its minute, so what is counted there is soon of no interest.
    name = f"{what}:{int(time.time()) // WINDOW}"
    cache.add(name, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(name))
    except ValueError:  # Redis let go of it in between, for lack of memory.
        return 1


def rest_of_this_minute() -> float:
    """Seconds until counting begins anew."""
    return WINDOW - time.time() % WINDOW
