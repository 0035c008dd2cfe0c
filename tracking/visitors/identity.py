"""The visitor cookie's ID. It begins with the milliseconds when it was made, as a click ID does (UUID version 7).

So a click shows by itself whether its visitor sent the cookie or got it with this click.
"""

import hashlib
import os
from functools import lru_cache

from django.conf import settings

_DAY = 86_400_000


def new_visitor(milliseconds: int) -> str:
    """An ID, as 32 hexadecimal digits, for a visitor without a cookie at the time of this click."""
    chance = os.urandom(10).hex()
    return f"{milliseconds:012x}7{chance[:3]}{'89ab'[int(chance[3], 16) & 3]}{chance[4:19]}"


def pseudonym_of_the_day(*, milliseconds: int, ip: str | None, agent: str) -> str:
    """An ID, as 32 hexadecimal digits, of a visitor who is not to be followed: another one every day.

    A second click within the day is found by it, as fraud would be, without a cookie and without the address.
    """
    return hashlib.blake2b(f"{ip}\n{agent}".encode(), digest_size=16, key=_key_of(milliseconds // _DAY)).hexdigest()


@lru_cache(maxsize=2)
def _key_of(day: int) -> bytes:
    return hashlib.sha256(f"visitors of day {day}\n{settings.SECRET_KEY}".encode()).digest()


def known_visitor(text: str) -> str | None:
    """The ID that a visitor sent, as 32 hexadecimal digits; None when it is not a UUID."""
    digits = text.replace("-", "").lower()
    try:
        return digits if len(digits) == 32 and len(bytes.fromhex(digits)) == 16 else None
    except ValueError:
        return None


def is_new(visitor: str | None, click: str) -> bool:
    """Whether the visitor had no cookie: no ID is stored, or it is as old as the click. Both as 36 characters."""
    return visitor is None or visitor[:13] == click[:13]
