"""System checks of this room's settings."""

from typing import Any

from django.core.checks import CheckMessage, Error

from payouts.anchors.key_setting import KeyRefused, read_keys


def check_anchor_keys(**_: Any) -> list[CheckMessage]:
    try:
        read_keys()
    except KeyRefused as error:
        return [Error(str(error), id="payouts.E001")]
    return []
