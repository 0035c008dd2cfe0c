"""Limit wrong API keys by address until the next minute; a valid key is never refused.

Redis counts, for all processes together; without it there is no limit. Of an IPv6 address its /64 network counts.
"""

import redis
import structlog
from django.conf import settings
from rest_framework.exceptions import Throttled

from web.client_address import origin_of
from web.rest.minutes import count_in_this_minute, rest_of_this_minute

log = structlog.get_logger(__name__)


class TooManyWrongKeys(Throttled):
    """More wrong keys came from one address within a minute than `FAILED_API_KEYS_PER_MINUTE`."""

    default_code = "too_many_wrong_keys"
    default_detail = "Too many wrong API keys came from your address within a minute. A valid key is accepted at once."


def count_wrong_key(address: str | None) -> None:
    """Count one more; raise `TooManyWrongKeys` beyond the limit."""
    limit: int = settings.FAILED_API_KEYS_PER_MINUTE
    if not limit:
        return
    try:
        failed = count_in_this_minute(f"wrong-api-keys:{origin_of(address)}")
    except redis.RedisError as error:
        log.warning("wrong_api_keys_not_counted", error=str(error).strip())
        return
    if failed > limit:
        raise TooManyWrongKeys(wait=rest_of_this_minute())
