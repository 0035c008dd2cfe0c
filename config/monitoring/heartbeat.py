"""Signs of life of the worker and of beat, kept in Redis for `/readyz` and `/metrics`.

The worker's main process beats, not a task: a task waits behind others, so a busy worker would look
dead. Beat beats whenever it sends a task, which it does every second. Ages are read as what is left of
the key's time to live, by Redis' own clock: no two machines' clocks are compared.
"""

from functools import cache
from typing import Any

import redis
import structlog
from celery.signals import after_task_publish, beat_init, heartbeat_sent
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

WORKER, BEAT = "worker", "beat"
# A worker beats every 2 s (Celery's own heartbeat), beat with every task it sends.
FRESH = 15.0
KEPT = 24 * 3600
# What it costs at most when Redis does not answer.
PATIENCE = 1.0

log = structlog.get_logger(__name__)


@cache
def connection() -> redis.Redis:
    return connect(settings.REDIS_URL)


def connect(url: str) -> redis.Redis:
    """A client that does not try again by itself: nobody waits long for a sign of life."""
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=once)


def key(part: str) -> str:
    return f"affidavit:alive:{part}"


def beat(part: str) -> None:
    """Say that the part is alive. Without Redis it cannot be said; the next beat tries again."""
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


@beat_init.connect(weak=False)
def _beat_starts(**kwargs: Any) -> None:
    """From now on this process is beat: what it sends is a sign of its life."""
    after_task_publish.connect(_beat_is_alive, weak=False)


def _beat_is_alive(**kwargs: Any) -> None:
    beat(BEAT)
