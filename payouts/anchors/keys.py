"""The keys that sign anchors (Ed25519), by number: the first signs, and each public key stays known for ever."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import timezone

from payouts.models import AnchorKey

MAKE_ONE = "python -c 'import secrets; print(\"1:\" + secrets.token_urlsafe(32))'"


class KeyRefused(ValueError):
    """ANCHOR_KEYS cannot be used; the message says how to correct it."""


def signing_key() -> tuple[int, Ed25519PrivateKey] | None:
    """The key that signs new anchors, with its number; None where none is set. Raise `KeyRefused`."""
    keys = [_read(entry) for entry in settings.ANCHOR_KEYS]
    if len({number for number, _ in keys}) != len(keys):
        raise KeyRefused("ANCHOR_KEYS names a number twice. Give each key a number of its own.")
    return keys[0] if keys else None


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


def public_text(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def keep_public(number: int, key: Ed25519PrivateKey) -> None:
    """Write the public key down at its first use. Raise `KeyRefused` when the number belongs to another key."""
    known, _ = AnchorKey.objects.get_or_create(
        number=number, defaults={"public_key": public_text(key), "since": timezone.now()}
    )
    if known.public_key != public_text(key):
        raise KeyRefused(
            f"Key {number} of ANCHOR_KEYS is not the key {number} that signed anchors before. "
            "Give a new key a number that was never used."
        )


def is_signed(public_key: str, signature: object, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(str(signature)), text)
    except (InvalidSignature, ValueError):
        return False
    return True
