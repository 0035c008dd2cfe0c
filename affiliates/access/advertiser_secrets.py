"""Tokens and HMAC secrets of advertisers: created here, looked up by digest, shown to the operator."""

from affiliates.models import Advertiser, AdvertiserSecret
from records.secrets import decrypt, digest, encrypt, new_token

PREFIXES = {AdvertiserSecret.Kind.TOKEN: "aft", AdvertiserSecret.Kind.HMAC: "afh"}


def make_secret(
    *, advertiser: Advertiser, kind: AdvertiserSecret.Kind, text: str | None = None, label: str = ""
) -> tuple[AdvertiserSecret, str]:
    """Store a new secret beside those already active (so that they can be rotated); return it with its text."""
    text = text or new_token(PREFIXES[kind])
    row = AdvertiserSecret.objects.create(
        advertiser=advertiser, kind=kind, digest=digest(text), encrypted=encrypt(text), label=label
    )
    return row, text


def secret_text(secret: AdvertiserSecret) -> str:
    """The text of the secret, for the advertiser's engineer."""
    return decrypt(secret.encrypted)
