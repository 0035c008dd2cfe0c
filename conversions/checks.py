"""System checks of this room's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

LONGEST_WAIT_HOURS = 720
LONGEST_APPEAL_DAYS = 365


def check_parking(**_: Any) -> list[CheckMessage]:
    if 1 <= settings.PARKED_HOURS <= LONGEST_WAIT_HOURS:
        return []
    message = f"PARKED_HOURS is {settings.PARKED_HOURS}; it takes 1 to {LONGEST_WAIT_HOURS}."
    return [Error(message, hint="72 is three days.", id="conversions.E001")]


def check_appeals(**_: Any) -> list[CheckMessage]:
    days = {"APPEAL_DAYS": settings.APPEAL_DAYS, "APPEAL_ANSWER_DAYS": settings.APPEAL_ANSWER_DAYS}
    return [
        Error(f"{name} is {value}; it takes 1 to {LONGEST_APPEAL_DAYS}.", hint="Days.", id="conversions.E002")
        for name, value in days.items()
        if not 1 <= value <= LONGEST_APPEAL_DAYS
    ]
