"""What would go wrong later is reported at start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

LONGEST = 1_200


def check_event_months(**kwargs: Any) -> list[CheckMessage]:
    if settings.EVENT_MONTHS == 0 or 2 <= settings.EVENT_MONTHS <= LONGEST:
        return []
    message = f"EVENT_MONTHS is {settings.EVENT_MONTHS}; it takes 2 to {LONGEST}, or 0 to keep events for ever."
    return [Error(message, id="records.E001")]
