"""Heartbeats of the worker and of beat, stored in Redis for `/readyz` and `/metrics`.

The worker's main process sends the heartbeat, not a task: a task waits behind others, so a busy worker would look dead.
Beat sends one every few seconds (`config.due_scheduler`). The age is computed from the key's remaining time to live, by
Redis' own clock: no two machines' clocks are compared.
"""

from functools import cache
from typing import Any

import redis
import structlog
from celery.signals import heartbeat_sent
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

WORKER, BEAT = "worker", "beat"
# A worker beats every 5 s (Celery's own heartbeat, `--heartbeat-interval`), beat as often.
FRESH = 15.0
KEPT = 24 * 3600
# The longest wait when Redis does not answer.
PATIENCE = 1.0

log = structlog.get_logger(__name__)


@cache
def connection() -> redis.Redis:
    return connect(settings.REDIS_URL)


def connect(url: str) -> redis.Redis:
    """A client without retries, so that a heartbeat never blocks for long."""
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=once)


def key(part: str) -> str:
    return f"affidavit:alive:{part}"


def beat(part: str) -> None:
    """Record that the part is alive. If Redis is not reachable, the next heartbeat tries again."""
    try:
        connection().set(key(part), "1", ex=KEPT)
    except redis.RedisError as error:
        log.warning("heartbeat_not_kept", part=part, error=str(error).strip())


def age(part: str) -> float | None:
    """Seconds since the part's last sign of life, None when there was none within a day. Raise RedisError."""
    left: Any = connection().pttl(key(part))
    return KEPT - left / 1000 if left >= 0 else None


@heartbeat_sent.connect(weak=False)
def _worker_is_alive(**kwargs: Any) -> None:
    beat(WORKER)
