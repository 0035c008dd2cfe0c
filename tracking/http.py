"""The little HTTP that the lean handlers need: they run ahead of Django and its middleware."""

import ipaddress
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_FIELDS = 200
NO_STORE: Header = (b"cache-control", b"no-store, max-age=0")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
JSON: Header = (b"content-type", b"application/json")


class BodyTooLarge(ValueError):
    """The request's body is larger than the handler takes."""


class TooManyFields(ValueError):
    """The request names more parameters than `MAX_FIELDS`."""


def clean(text: str, limit: int) -> str:
    """The text cut to a limit, without control characters and lone surrogates.

    PostgreSQL keeps no NUL, UTF-8 no surrogates, and a line break has no place here.
    """
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable() or (ord(c) > 0x9F and not "\ud800" <= c <= "\udfff"))
    return text[:limit]


def header(scope: Scope, name: bytes, limit: int = 500) -> str:
    """A header's first value, or an empty text."""
    for key, value in scope["headers"]:
        if key == name:
            return clean(value.decode("utf-8", "replace"), limit)
    return ""


def pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Decode a query or form. Raise `TooManyFields` rather than work through a flood."""
    if b"%" not in encoded and b"+" not in encoded and encoded.isascii() and encoded.count(b"&") < MAX_FIELDS:
        # Nothing is encoded: what parse_qsl would find, in a third of its time.
        fields = (part.partition("=") for part in encoded.decode().split("&") if part)
        return [(name, value) for name, _, value in fields]
    try:
        return parse_qsl(encoded.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise TooManyFields(f"More than {MAX_FIELDS} parameters.") from error


def cookie(scope: Scope, name: str) -> str:
    """A cookie's first value, or an empty text. HTTP/2 may send each cookie as a header of its own."""
    for key, sent in scope["headers"]:
        if key == b"cookie":
            for part in clean(sent.decode("utf-8", "replace"), 4096).split(";"):
                found, _, value = part.strip().partition("=")
                if found == name:
                    return value
    return ""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; raise `BodyTooLarge` as soon as it is known to be."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")
        if not message.get("more_body"):
            return bytes(body)


async def respond(send: Send, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: object, headers: Iterable[Header] = ()) -> None:
    await respond(send, status, [JSON, NO_STORE, *headers], json.dumps(value, ensure_ascii=False).encode() + b"\n")


def request_id(scope: Scope) -> str:
    """The sender's X-Request-Id when it is a sane one, else a new one."""
    given = header(scope, b"x-request-id", 64)
    is_sane = given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    return given if is_sane else secrets.token_hex(12)


@lru_cache(maxsize=4)
def _networks(listed: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(entry) for entry in listed)


@lru_cache(maxsize=8192)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    return address is not None and any(address in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def client_ip(scope: Scope) -> str | None:
    """The visitor's or sender's address: X-Forwarded-For counts only as far as trusted proxies vouch for it."""
    client = scope.get("client")
    if not settings.TRUSTED_PROXIES:
        return client[0] if client and _address(client[0]) else None
    current = _address(client[0]) if client else None
    for hop in reversed(header(scope, b"x-forwarded-for", 1000).split(",")):
        if not _trusted(current):
            break
        current = _address(hop) or current
    return str(current) if current else None


def is_secure(scope: Scope) -> bool:
    """Whether the request reached us, or a trusted proxy in front of us, over HTTPS."""
    if scope.get("scheme") == "https":
        return True
    client = scope.get("client")
    trusted = client is not None and _trusted(_address(client[0]))
    return trusted and header(scope, b"x-forwarded-proto") == "https"
