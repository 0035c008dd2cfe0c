"""The keys that sign anchors (Ed25519), by number: the first signs, and every public key is kept permanently."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from payouts.anchors.key_setting import KeyRefused, read_keys
from payouts.models import AnchorKey


def signing_key() -> tuple[int, Ed25519PrivateKey] | None:
    """The key that signs new anchors, with its number; None where none is set. Raise `KeyRefused`."""
    keys = read_keys()
    return keys[0] if keys else None


def public_text(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def keep_public(number: int, key: Ed25519PrivateKey) -> None:
    """Store the public key when it is first used. Raise `KeyRefused` when the number belongs to another key."""
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
