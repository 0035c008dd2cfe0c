"""How many requests a key or a person may send in a minute, counted in Redis for all processes together."""

import time

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from affiliates.client_address import origin_of
from affiliates.models import ApiKey

WINDOW = 60

log = structlog.get_logger(__name__)


class RequestLimit(BaseThrottle):
    """`API_REQUESTS_PER_MINUTE` for each key, signed-in user or, of others, address. None without Redis."""

    def allow_request(self, request: Request, view: object) -> bool:
        limit: int = settings.API_REQUESTS_PER_MINUTE
        if not limit:
            return True
        asks = _who(request)
        try:
            return _count(f"api-requests:{asks}:{int(time.time()) // WINDOW}") <= limit
        except redis.RedisError as error:
            log.warning("api_limit_not_counted", error=str(error).strip())
            return True

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW


def _who(request: Request) -> str:
    if isinstance(request.auth, ApiKey):
        return f"key:{request.auth.pk}"
    if request.user.pk:
        return f"user:{request.user.pk}"
    return f"address:{origin_of(request.META.get('REMOTE_ADDR'))}"


def _count(name: str) -> int:
    """One more; the name carries its minute, so what is counted there is soon of no interest."""
    cache.add(name, 0, timeout=2 * WINDOW)
    try:
        return int(cache.incr(name))
    except ValueError:  # Redis let go of it in between, for lack of memory.
        return 1
