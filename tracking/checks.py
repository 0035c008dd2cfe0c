"""System checks: invalid settings of click tracking are refused before anything runs."""

from pathlib import Path
from typing import Any

import maxminddb
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from tracking.click_id import codec
from tracking.consent.policy import POLICIES
from tracking.visitors import geography

# Longer than any useful setting; before year 1 there is no date to compare with.
LONGEST = {"CLICK_PERSONAL_DAYS": 36_500, "CLICK_ROW_MONTHS": 1_200}
# An hour: marks search all clicks of this period.
LONGEST_REPEAT = 3_600


def check_click_id_keys(**_: Any) -> list[CheckMessage]:
    try:
        known = codec.keys()
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


def check_consent(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.CLICK_CONSENT not in POLICIES:
        message = f"CLICK_CONSENT is {settings.CLICK_CONSENT}; it must be {', '.join(POLICIES[:-1])} or {POLICIES[-1]}."
        found.append(Error(message, hint="docs/consent.md says what each does.", id="tracking.E006"))
    if settings.APP_STARTS_PER_MINUTE < 0:
        message = f"APP_STARTS_PER_MINUTE is {settings.APP_STARTS_PER_MINUTE}; it takes a number, or 0 for no limit."
        found.append(Error(message, id="tracking.E007"))
    return found


def check_marks(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not 0 <= settings.CLICK_DUPLICATE_SECONDS <= LONGEST_REPEAT:
        message = f"CLICK_DUPLICATE_SECONDS is {settings.CLICK_DUPLICATE_SECONDS}; it takes 0 to {LONGEST_REPEAT}."
        found.append(Error(message, id="tracking.E004"))
    for name in settings.GEOIP_FILES:
        try:
            geography.open_database(Path(name)).close()
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            hint = "Name files in MaxMind's format (.mmdb) that the process may read, or leave GEOIP_FILES unset."
            found.append(Error(f"GEOIP_FILES: {name} cannot be used: {error}", hint=hint, id="tracking.E005"))
    return found
