"""System checks: settings of this room that make no sense are refused before anything runs."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from tracking import click_id

# Longer than anything that is meant; beyond year 1 there is no date to compare with.
LONGEST = {"CLICK_PERSONAL_DAYS": 36_500, "CLICK_ROW_MONTHS": 1_200}


def check_click_id_keys(**_: Any) -> list[CheckMessage]:
    try:
        known = click_id.keys()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="docs/click-id.md says how keys are kept.", id="tracking.E001")]
    if not known:
        message = "CLICK_ID_KEYS is empty: no click can be signed, and no click ID verified."
        return [Error(message, hint="Leave it unset, or run `manage.py rotate_click_key`.", id="tracking.E002")]
    return []


def check_retention(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, longest in LONGEST.items():
        value = getattr(settings, name)
        if not 0 <= value <= longest:
            message = f"{name} is {value}; it takes 1 to {longest}, or 0 to keep for ever."
            found.append(Error(message, id="tracking.E003"))
    days, months = settings.CLICK_PERSONAL_DAYS, settings.CLICK_ROW_MONTHS
    if not found and months and (days == 0 or days > months * 31):
        message = "CLICK_PERSONAL_DAYS keeps personal fields for longer than CLICK_ROW_MONTHS keeps the click."
        found.append(Warning(message, hint="They go with the click.", id="tracking.W001"))
    return found
