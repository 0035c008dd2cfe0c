"""Reading ANCHOR_KEYS; needs no models, so that a check can name a bad key before the program starts."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

MAKE_ONE = "python -c 'import secrets; print(\"1:\" + secrets.token_urlsafe(32))'"


class KeyRefused(ValueError):
    """ANCHOR_KEYS cannot be used; the message says how to correct it."""


def read_keys() -> list[tuple[int, Ed25519PrivateKey]]:
    """Every key of ANCHOR_KEYS, with its number. Raise `KeyRefused`."""
    keys = [_read(entry) for entry in settings.ANCHOR_KEYS]
    if len({number for number, _ in keys}) != len(keys):
        raise KeyRefused("ANCHOR_KEYS names a number twice. Give each key a number of its own.")
    return keys


def _read(entry: str) -> tuple[int, Ed25519PrivateKey]:
    number, _, secret = entry.partition(":")
    try:
        seed = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
        if len(seed) != 32 or not 0 < int(number) < 2**31:
            raise ValueError("no key of 32 bytes with a number")
        return int(number), Ed25519PrivateKey.from_private_bytes(seed)
    except (ValueError, binascii.Error) as error:
        raise KeyRefused(
            f"ANCHOR_KEYS must be number:key pairs, the key 32 bytes in URL-safe Base64. Make one: {MAKE_ONE}"
        ) from error
