"""Signed requests: an HMAC over what is sent and when, so that the secret itself never travels.

What is signed is this text, in UTF-8, its lines parted by a line feed:

    v1
    the timestamp, in seconds since 1970, as it is sent
    the method, in capitals
    the path, as it is sent, without the query
    the query, as it is sent, without the question mark; without its `signature` where that is a parameter
    the SHA-256 of the body in lower-case hex; that of nothing where there is none

The signature is HMAC-SHA256 with the advertiser's secret, in lower-case hex. It comes with the advertiser's ID and the
timestamp as the headers `X-Affidavit-Advertiser`, `X-Affidavit-Timestamp` and `X-Affidavit-Signature`, or, for senders
that can only fill in an address, as the parameters `advertiser`, `ts` and, last of all, `signature`.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from affiliates.models import AdvertiserSecret

VERSION = "v1"
# How far the sender's clock may be from ours, in seconds, either way.
WINDOW = 300
HEADERS = (b"x-affidavit-advertiser", b"x-affidavit-timestamp", b"x-affidavit-signature")
VALID, BAD, STALE = "valid", "bad", "stale"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as it came, and the text that it must fit. `advertiser` is a public ID."""

    advertiser: str
    timestamp: str
    signature: str
    text: bytes


def text_to_sign(*, timestamp: str, method: str, path: str, query: str, body: bytes) -> bytes:
    """The text that a request's signature covers."""
    lines = (VERSION, timestamp, method.upper(), path, query, hashlib.sha256(body).hexdigest())
    return "\n".join(lines).encode()


def sign(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def read_signature(
    *, method: str, path: str, query: bytes, body: bytes, heads: tuple[str, str, str], pairs: Iterable[tuple[str, str]]
) -> Signed | None:
    """The signature of a request, from its headers or its query; None when it has none."""
    raw = query.decode("utf-8", "replace")
    advertiser, timestamp, signature = heads
    if not signature and "signature=" in raw:
        sent = dict(pairs)
        advertiser, timestamp, signature = sent.get("advertiser", ""), sent.get("ts", ""), sent.get("signature", "")
        raw = raw.rpartition("signature=")[0].rstrip("&")
    if not signature:
        return None
    text = text_to_sign(timestamp=timestamp, method=method, path=path, query=raw, body=body)
    return Signed(advertiser, timestamp, signature.strip().lower().removeprefix(f"{VERSION}="), text)


def check(signed: Signed, secrets: Iterable[tuple[str, str]], *, received_at: datetime) -> tuple[str, str]:
    """Whether it is valid, bad or stale, and the digest of the secret that fits (empty: none).

    `secrets` are the digests and texts of the advertiser's active ones; all are tried, so that they can be rotated.
    """
    fitting = ""
    for digest, secret in secrets:
        if hmac.compare_digest(sign(secret, signed.text), signed.signature):
            fitting = digest
    if not fitting:
        return BAD, ""
    late = abs(received_at.timestamp() - int(signed.timestamp)) if signed.timestamp.isdecimal() else WINDOW + 1
    return (VALID if late <= WINDOW else STALE), fitting


def is_hmac(secret: AdvertiserSecret) -> bool:
    return secret.kind == AdvertiserSecret.Kind.HMAC
