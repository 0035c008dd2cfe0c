"""The demo's tokens, keys and passwords: derived from SECRET_KEY, so that every start can show them again.

Nothing is stored in plain text, and no two installations share a credential.
"""

import base64
import hashlib
import hmac

from django.conf import settings


def _derived(label: str, length: int) -> str:
    """Lower-case letters and digits, five bits each, that only who has SECRET_KEY can derive."""
    key = settings.SECRET_KEY.encode()
    raw = hmac.new(key, f"affidavit demo: {label}".encode(), hashlib.sha256).digest()
    return base64.b32hexencode(raw).decode().lower()[:length]


def advertiser_token(name: str) -> str:
    return "aft_" + _derived(f"token of {name}", 28)


def advertiser_hmac_secret(name: str) -> str:
    return "afh_" + _derived(f"HMAC secret of {name}", 28)


def api_key(email: str) -> str:
    return "afk_" + _derived(f"API key of {email}", 28)


def password(email: str) -> str:
    """80 bits, in groups of four that can be typed."""
    text = _derived(f"password of {email}", 16)
    return "-".join(text[place : place + 4] for place in range(0, 16, 4))
