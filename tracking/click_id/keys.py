"""New values of CLICK_ID_KEYS: with a further key, or with another one in front. The first key signs, all verify."""

import hashlib
import secrets

from django.conf import settings

from tracking.click_id import codec

NUMBERS = 256


class CannotRotate(ValueError):
    """The value cannot be written, or there is no such key."""


def listed() -> dict[int, str]:
    """The keys in force: secrets by number, in their order. Raise ImproperlyConfigured when they are invalid."""
    codec.keys()
    parts = [entry.partition(":") for entry in settings.CLICK_ID_KEYS]
    return {int(number): secret for number, _, secret in parts}


def with_new_key(*, in_front: bool) -> tuple[int, str]:
    """The number of a fresh random key, and the value of CLICK_ID_KEYS with it in front or at the end."""
    known = listed()
    number = next_number(known)
    fresh = {number: secrets.token_urlsafe(32)}
    return number, _written({**fresh, **known} if in_front else {**known, **fresh})


def next_number(known: dict[int, str]) -> int:
    """The next free number. It counts on from the highest, so a retired number is not soon used again."""
    highest = max(known, default=-1)
    for step in range(1, NUMBERS + 1):
        if (number := (highest + step) % NUMBERS) not in known:
            return number
    raise CannotRotate("All 256 key numbers are in use. Remove the oldest key: its clicks are years old.")


def promoted(number: int) -> str:
    """The value of CLICK_ID_KEYS with this key in front."""
    known = listed()
    if number not in known:
        raise CannotRotate(f"There is no key {number}; CLICK_ID_KEYS has {', '.join(map(str, known))}.")
    return _written({number: known[number], **{each: text for each, text in known.items() if each != number}})


def _written(keys: dict[int, str]) -> str:
    for number, secret in keys.items():
        if "," in secret:
            raise CannotRotate(
                f"The secret of key {number} has a comma, which ends an entry of the list. It cannot be stored in "
                "CLICK_ID_KEYS beside another key."
            )
    return ",".join(f"{number}:{secret}" for number, secret in keys.items())


def fingerprint(secret: str) -> str:
    """Eight characters that are the same wherever the secret is, and reveal nothing about it."""
    return hashlib.sha256(b"fingerprint of a click ID key\0" + secret.encode()).hexdigest()[:8]
