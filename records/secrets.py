"""Secrets at rest: a digest to look one up, and an encrypted text for those that must be read back."""

import base64
import hashlib
import secrets
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db.models import BinaryField


def new_token(prefix: str) -> str:
    """A random token of 160 bits; the prefix shows a reader (and a leak scanner) what it is."""
    return f"{prefix}_{secrets.token_urlsafe(20)}"


def digest(token: str) -> str:
    """The digest that is stored and looked up in place of a token: tokens are random, so one SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _fernet() -> MultiFernet:
    keys = [base64.urlsafe_b64encode(hashlib.sha256(f"field:{key}".encode()).digest()) for key in settings.FIELD_KEYS]
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Encrypt with the first of FIELD_KEYS; every listed key still decrypts, so keys can rotate."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Raise `cryptography.fernet.InvalidToken` when none of FIELD_KEYS made this text."""
    return _fernet().decrypt(text.encode()).decode()


class EncryptedTextBytes(BinaryField):  # type: ignore[type-arg]
    """Bytes of a text, encrypted at rest. Rows from before encryption are read as they are."""

    _PREFIX = b"gAAAA"

    def from_db_value(self, value: Any, expression: object, connection: object) -> bytes | None:
        if value is None or not bytes(value).startswith(self._PREFIX):
            return value if value is None else bytes(value)
        return decrypt(bytes(value).decode()).encode()

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else encrypt(bytes(value).decode()).encode()
