"""The click ID: time-ordered, self-describing, signed.

25 bytes, written as 40 lower-case characters of base32hex (RFC 4648, section 7; it keeps byte order):

    6 bytes   milliseconds since 1970, big-endian
    4 bytes   number of the tracking link
    6 bytes   random
    1 byte    number of the key that signed it
    8 bytes   BLAKE2b keyed with that key, personalised "affidavit-click", over the 17 bytes before

The first 16 bytes are the click's primary key, stored as a native uuid. With the key the text
alone shows that it is genuine, which link it belongs to and when it was made.
"""

import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LENGTH = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
# Every two digits of base32hex, by their ten bits; and the offsets of the groups of ten bits in an ID.
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)
_PLACES = tuple(range(190, -1, -10))


@dataclass(frozen=True, slots=True)
class ClickID:
    """The parts of a genuine click ID."""

    uuid: UUID

    @property
    def link_number(self) -> int:
        return (self.uuid.int >> 48) & 0xFFFFFFFF

    @property
    def made_at(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=self.uuid.int >> 80)

    @property
    def text(self) -> str:
        return text_of(self.uuid)


@lru_cache(maxsize=4)
def _keys(listed: tuple[str, ...]) -> dict[int, bytes]:
    """Signing keys by number, in the order given: the first signs, all verify."""
    keys: dict[int, bytes] = {}
    for entry in listed:
        number, _, secret = entry.partition(":")
        if not (number.isdecimal() and int(number) < 256 and len(secret) >= 16):
            raise ImproperlyConfigured(
                "CLICK_ID_KEYS needs number:secret pairs, the number below 256 and the secret of 16 characters or more."
            )
        if int(number) in keys:
            raise ImproperlyConfigured(
                f"CLICK_ID_KEYS names key {int(number)} twice. Give each key a number of its own: the number is in the "
                "click ID and says which key signed it."
            )
        keys[int(number)] = hashlib.sha256(secret.encode()).digest()
    return keys


def keys() -> dict[int, bytes]:
    return _keys(tuple(settings.CLICK_ID_KEYS))


@lru_cache(maxsize=256)
def _keyed(key: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=8, key=key, person=b"affidavit-click")


def _mac(key: bytes, signed: bytes) -> bytes:
    mac = _keyed(key).copy()
    mac.update(signed)
    return mac.digest()


def _text(raw: bytes) -> str:
    """Like `base64.b32hexencode` in lower case, in half of its time: it is on the hot path."""
    number = int.from_bytes(raw, "big")
    return "".join([_PAIRS[number >> place & 1023] for place in _PLACES])


def new_bytes(*, link_number: int, milliseconds: int) -> bytes:
    """The 16 bytes of a new click's key."""
    return milliseconds.to_bytes(6, "big") + link_number.to_bytes(4, "big") + os.urandom(6)


def sign(raw: bytes) -> str:
    """The text of the click whose key is these 16 bytes, signed with the first key."""
    number, key = next(iter(keys().items()))
    signed = raw + bytes((number,))
    return _text(signed + _mac(key, signed))


def text_of(uuid: UUID) -> str:
    """The signed text of a stored click."""
    return sign(uuid.bytes)


def new(*, link_number: int, at: datetime | None = None) -> ClickID:
    """A new click ID; `at` backdates it, for imports and demo data."""
    milliseconds = int(time.time() * 1000) if at is None else (at - _EPOCH) // timedelta(milliseconds=1)
    return ClickID(UUID(bytes=new_bytes(link_number=link_number, milliseconds=milliseconds)))


def parse(text: str) -> ClickID | None:
    """The click ID in this text, or None when it is not genuine. Case is folded: some systems change it."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b32hexdecode(text.upper())
    except ValueError:
        return None
    key = keys().get(raw[16])
    if key is None or not hmac.compare_digest(_mac(key, raw[:17]), raw[17:]):
        return None
    return ClickID(UUID(bytes=raw[:16]))


def lowest_uuid(moment: datetime) -> UUID:
    """The smallest click key of a moment: a bound for ranges of time over the primary key.

    Before 1970 it is that of 1970: there are no earlier clicks, but anyone may ask for them.
    """
    return UUID(int=max(0, (moment - _EPOCH) // timedelta(milliseconds=1)) << 80)
