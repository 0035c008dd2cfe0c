"""Signed requests: an HMAC over the request and its time, so that the secret itself is never sent.

The signed text, in UTF-8, has these lines, separated by a line feed:

    v1
    the timestamp, in seconds since 1970, as it is sent
    the method, in capitals
    the path, without the query
    the query, as it is sent, without the question mark; without `&signature=…` if that is a parameter
    the SHA-256 of the body in lower-case hex; that of an empty text if there is no body

The signature is HMAC-SHA256 with the advertiser's secret, in lower-case hex. It is sent with the advertiser's ID and
the timestamp as the headers `X-Affidavit-Advertiser`, `X-Affidavit-Timestamp` and `X-Affidavit-Signature`, or, for
senders that can only fill in an address, as the parameters `advertiser`, `ts` and, last of all, `signature`.

Only signed content may have an effect. So a signature has one place and one spelling: anything after it, a second
signature, or a second `ts` or `advertiser` makes the signature invalid.
"""

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from affiliates.models import AdvertiserSecret
from web.http import Header, TooManyFields, pairs

VERSION = "v1"
# How far the sender's clock may be from ours, in seconds, either way.
WINDOW = 300
HEADERS = (b"x-affidavit-advertiser", b"x-affidavit-timestamp", b"x-affidavit-signature")
VALID, BAD, STALE = "valid", "bad", "stale"

_HEX = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_ADVERTISER = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The end of a signed query. A client library that encodes the value writes `v1%3D`.
_LAST = re.compile(rb"(?:^|&)signature=(?:v1(?:=|%3[Dd]))?([0-9A-Fa-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as sent, and the text that it must fit. `advertiser` is a public ID."""

    advertiser: str
    timestamp: str
    signature: str
    text: bytes
    # Why the signature cannot be valid, with how to fix it; empty where the secret decides.
    problem: str = ""


def text_to_sign(*, timestamp: str, method: str, path: str, query: str, body: bytes) -> bytes:
    """The text that a signature covers. Bytes that are not UTF-8 come as surrogates and are encoded back unchanged."""
    shown_path = path.encode("utf-8", "backslashreplace").decode()
    lines = (VERSION, timestamp, method.upper(), shown_path, query, hashlib.sha256(body).hexdigest())
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def sign(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def read_signature(
    *, method: str, path: str, query: bytes, body: bytes, headers: Iterable[Header], body_names: Iterable[str] = ()
) -> Signed | None:
    """The signature of a request, from its headers or the end of its query; None when it has none.

    `body_names` are the names of the parameters in the body, where they may be mistaken for those of a signature.
    """
    heads = _heads(headers)
    sent = _pairs_of(query)
    names = Counter(_bare(name) for name, _ in sent) + Counter(_bare(name) for name in body_names)
    if heads[HEADERS[2]]:
        advertiser, timestamp, signature = (values[0] if values else "" for values in heads.values())
        problem = _problem_of_headers(heads, names)
        signature = signature.lower().removeprefix(f"{VERSION}=")
    elif names["signature"]:
        values = dict(sent)
        advertiser, timestamp = values.get("advertiser", ""), values.get("ts", "")
        problem, signature, query = _read_query(query, names, values)
    else:
        return None
    problem = problem or _problem_of_values(advertiser, timestamp, signature, path, query)
    text = text_to_sign(
        timestamp=_encodable(timestamp),
        method=method,
        path=path,
        query=query.decode("utf-8", "surrogateescape"),
        body=body,
    )
    return Signed(advertiser if _ADVERTISER.fullmatch(advertiser) else "", timestamp, signature, text, problem)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _heads(headers: Iterable[Header]) -> dict[bytes, list[str]]:
    """Every value of the three headers, in the order of `HEADERS`."""
    found: dict[bytes, list[str]] = {name: [] for name in HEADERS}
    for name, value in headers:
        if name in found:
            found[name].append(value.decode("utf-8", "replace").strip(" \t"))
    return found


def _pairs_of(query: bytes) -> list[tuple[str, str]]:
    """The parameters of the query; none if there are too many: then the request is refused anyway."""
    try:
        return pairs(query)
    except TooManyFields:
        return []


def _bare(name: str) -> str:
    """A name as a careless parser may read it: other capitals, spaces around it, an `amp;` before it."""
    return name.strip().lower().removeprefix("amp;")


def _problem_of_headers(heads: dict[bytes, list[str]], names: Counter[str]) -> str:
    for name, values in heads.items():
        if len(values) != 1:
            times = f"{len(values)} times" if values else "not at all"
            return f"The header {name.decode()} was sent {times}. Send it once."
    if names["signature"]:
        return "The request has a signature in a header and another as a parameter. Send one of them."
    return ""


def _read_query(query: bytes, names: Counter[str], values: dict[str, str]) -> tuple[str, str, bytes]:
    """The problem of a signature sent as a parameter, its value, and the part of the query that it covers."""
    end = _LAST.search(query)
    for name in ("signature", "advertiser", "ts"):
        if names[name] > 1:
            return f"The parameter {name} was sent {names[name]} times. Send it once, in the query.", "", query
    if end is None:
        return (
            "The signature must be the last parameter of the query, as &signature= and 64 hexadecimal digits. "
            "Nothing may follow it: what does is not signed.",
            "",
            query,
        )
    for name in ("advertiser", "ts"):
        if name not in values:
            return f"The query has no parameter {name}. Put it before the signature.", "", query
    return "", end[1].decode().lower(), query[: end.start()]


def _problem_of_values(advertiser: str, timestamp: str, signature: str, path: str, query: bytes) -> str:
    if not _HEX.fullmatch(signature):
        return "The signature must be 64 hexadecimal digits: the HMAC-SHA256 of the text to sign."
    if not _ADVERTISER.fullmatch(advertiser):
        return "The advertiser must be the public ID from its page in the panel, ad_…"
    if "\n" in path or "\n" in timestamp or b"\n" in query:
        return (
            "The path, the timestamp and the query must not have line breaks: they part the lines of the text to sign."
        )
    return ""


def check(signed: Signed, secrets: Iterable[tuple[str, str]], *, received_at: datetime) -> tuple[str, str]:
    """Return whether the signature is valid, bad or stale, and the digest of the secret that fits (empty: none).

    Never raises. `secrets` are the digests and texts of the advertiser's active secrets; all are tried, so that they
    can be rotated.
    """
    if signed.problem:
        return BAD, ""
    fitting = ""
    for digest, secret in secrets:
        if hmac.compare_digest(sign(secret, signed.text).encode(), signed.signature.encode("utf-8", "replace")):
            fitting = digest
    if not fitting:
        return BAD, ""
    return (VALID if is_timely(signed.timestamp, received_at) else STALE), fitting


def is_timely(timestamp: str, received_at: datetime) -> bool:
    return bool(_SECONDS.fullmatch(timestamp)) and abs(received_at.timestamp() - int(timestamp)) <= WINDOW


def is_hmac(secret: AdvertiserSecret) -> bool:
    return secret.kind == AdvertiserSecret.Kind.HMAC
