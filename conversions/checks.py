"""System checks of this room's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

LONGEST_WAIT_HOURS = 720


def check_parking(**_: Any) -> list[CheckMessage]:
    if 1 <= settings.PARKED_HOURS <= LONGEST_WAIT_HOURS:
        return []
    message = f"PARKED_HOURS is {settings.PARKED_HOURS}; it takes 1 to {LONGEST_WAIT_HOURS}."
    return [Error(message, hint="72 is three days.", id="conversions.E001")]
