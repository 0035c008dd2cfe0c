"""Minimal HTTP parsing for the handlers that run ahead of Django and its middleware."""

import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings

from web.characters import OLD_ENCODING
from web.forwarded import Client, client_of, lists

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

MAX_FIELDS = 200
# In the scope: the path as it was sent, where it was served as one of ours.
SENT_PATH = "affidavit.sent_path"
# Percent-encoded characters of a query or form: each takes a step of Python to decode.
MAX_ESCAPES = 6_000
# Bytes of all headers together, names and values; and of the path with the query.
MAX_HEAD, MAX_ADDRESS = 32 * 1024, 16 * 1024
NO_STORE: Header = (b"cache-control", b"no-store, max-age=0")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
JSON: Header = (b"content-type", b"application/json")


class BodyTooLarge(ValueError):
    """The request's body is larger than the handler accepts."""


class TooManyFields(ValueError):
    """The request names more parameters than `MAX_FIELDS`, or encodes more characters than `MAX_ESCAPES`."""


def clean(text: str, limit: int) -> str:
    """The text cut to a limit, without control characters and lone surrogates.

    PostgreSQL stores no NUL, UTF-8 no surrogates, and line breaks are not allowed here.
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
    """Decode a query or form. Raise `TooManyFields` for a flood of parameters."""
    if b"%" not in encoded and b"+" not in encoded and encoded.isascii() and encoded.count(b"&") < MAX_FIELDS:
        # Nothing is encoded: the result of parse_qsl in a third of its time.
        fields = (part.partition("=") for part in encoded.decode().split("&") if part)
        return [(name, value) for name, _, value in fields]
    if encoded.count(b"%") > MAX_ESCAPES:
        raise TooManyFields(f"More than {MAX_ESCAPES:,} characters are percent-encoded.")
    try:
        text = encoded.decode("utf-8", OLD_ENCODING)
        return parse_qsl(text, keep_blank_values=True, errors=OLD_ENCODING, max_num_fields=MAX_FIELDS)
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


async def respond(send: Send, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: object, headers: Iterable[Header] = ()) -> None:
    await respond(send, status, [JSON, NO_STORE, *headers], json.dumps(value, ensure_ascii=False).encode() + b"\n")


def request_id(scope: Scope) -> str:
    """The sender's X-Request-Id if it is valid, else a new one."""
    given = header(scope, b"x-request-id", 64)
    is_sane = given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    return given if is_sane else secrets.token_hex(12)


def joined(scope: Scope, name: bytes) -> str:
    """All lines of a list header as one list, in their order."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _client(scope: Scope) -> Client:
    peer = scope.get("client")
    is_encrypted = scope.get("scheme") == "https"
    if not settings.TRUSTED_PROXIES:
        return client_of(peer[0] if peer else None, is_secure=is_encrypted, addresses="", protocols="")
    addresses, protocols = (joined(scope, name.encode()) for name in lists())
    return client_of(peer[0] if peer else None, is_secure=is_encrypted, addresses=addresses, protocols=protocols)


def client_ip(scope: Scope) -> str | None:
    """The visitor's or sender's address, as `web.forwarded` reads it."""
    return _client(scope).address


def is_secure(scope: Scope) -> bool:
    """Whether the client connected to us, or to the trusted proxy in front of us, over HTTPS."""
    return _client(scope).is_secure


def head_problem(scope: Scope) -> tuple[int, str] | None:
    """Status and text of a refusal because of the headers alone: for requests that no honest client sends."""
    if len(scope["path"]) + len(scope["query_string"]) > MAX_ADDRESS:
        return 414, "The address is longer than 16 KB. Send fewer or shorter parameters, or send them in the body."
    size = hosts = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        hosts += name == b"host"
    if size > MAX_HEAD:
        return 431, "The headers are larger than 32 KB together. Send fewer or shorter ones, for example fewer cookies."
    if hosts > 1:
        return 400, "The request has more than one Host header. Send it once."
    return None
