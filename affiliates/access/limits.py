"""Limit the requests of a key or a person per minute, counted in Redis for all processes together."""

import redis
import structlog
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from affiliates.models import ApiKey
from web.client_address import origin_of
from web.rest.minutes import count_in_this_minute, rest_of_this_minute

log = structlog.get_logger(__name__)


class RequestLimit(BaseThrottle):
    """`API_REQUESTS_PER_MINUTE` for each key, each signed-in user and otherwise each address.

    No limit without Redis.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        limit: int = settings.API_REQUESTS_PER_MINUTE
        if not limit:
            return True
        try:
            return count_in_this_minute(f"api-requests:{_who(request)}") <= limit
        except redis.RedisError as error:
            log.warning("api_limit_not_counted", error=str(error).strip())
            return True

    def wait(self) -> float:
        return rest_of_this_minute()


def _who(request: Request) -> str:
    if isinstance(request.auth, ApiKey):
        return f"key:{request.auth.pk}"
    if request.user.pk:
        return f"user:{request.user.pk}"
    return f"address:{origin_of(request.META.get('REMOTE_ADDR'))}"
