"""The native endpoint, `GET|POST /postback`: read a request, pass it to intake, send the answer."""

import asyncio
import json
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from conversions.dialects.other_names import ALIAS, AMBIGUOUS, OWN, TEST, meaning_of
from conversions.dialects.paths import values_at
from conversions.intake import Decision, Received, intake
from conversions.intake.case import Problem
from conversions.intake.read.signing import Signed, read_signature
from conversions.intake.read.throttle import WAIT
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.reasons.refusals import problem, refusal
from records.translation import in_english
from web.batching import Batcher, QueueFull
from web.client_address import origin_of
from web.http import (
    MAX_FIELDS,
    SENT_PATH,
    BodyTooLarge,
    Header,
    Receive,
    Scope,
    Send,
    TooManyFields,
    clean,
    client_ip,
    header,
    is_secure,
    joined,
    pairs,
    request_id,
    respond_json,
)
from web.request_body import (
    MB,
    PACKED,
    BodyCutOff,
    BodyTooSlow,
    NoRoom,
    Room,
    is_packed,
    last_header,
    linger,
    read_body,
)

PATH = "/postback"
MAX_BODY = 64 * 1024
# Seconds within which a body must arrive.
BODY_SECONDS = 15.0
# The most bodies being received at once: of all senders, and of one address.
ROOM = Room(64 * MB, 16 * MB)
# After so many seconds without a decision the sender is asked to retry: a repeat is harmless.
PATIENCE = 25.0
# After fewer idle seconds than this the gatherer's connection is assumed to be alive.
TRUSTED = 5.0
STORED_HEADERS = (b"user-agent", b"content-type", b"host")
# Headers that proxies append to: only the end is stored, where the nearest proxies wrote.
LIST_HEADERS = (b"x-forwarded-for", b"forwarded")

# What may come before JSON: blanks, byte order marks, the first half of UTF-16's characters.
_BEFORE_JSON = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"

log = structlog.get_logger(__name__)
_checked = threading.local()


class Unreadable(ValueError):
    """The body is not what its content type says."""


class PostbackHandler:
    """The ASGI handler of a process; concurrent requests share the gatherer's batches."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode())]
        if scope["method"] not in ("GET", "POST"):
            body = refusal(Reason.WRONG_METHOD, "Send the postback with GET or POST.", field="method")
            await respond_json(send, 405, body, [*headers, (b"allow", b"GET, POST")])
            return
        try:
            received = await take_in(scope, receive)
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            status, body = decision.http_status, decision.body
        except BodyCutOff:
            return
        except Exception as error:
            status, body = not_decided(error)
        await respond_json(send, status, body, [*headers, *wait_first(status), *last_header(scope)])
        await linger(receive, scope)


def not_decided(error: Exception, **context: object) -> tuple[int, dict[str, Any]]:
    """Status and body where no decision was made; errors that the sender did not cause are logged."""
    if isinstance(error, BodyTooSlow):
        return 408, {**try_again(), "message": str(error), "problems": [problem(Reason.TRY_AGAIN, str(error))]}
    if not isinstance(error, QueueFull | NoRoom):
        log.error("postback_not_decided", error=str(error).strip() or repr(error), **context)
    return 503, try_again()


def wait_first(status: int) -> list[Header]:
    """The Retry-After header of an answer after which the sender may retry."""
    seconds = {429: WAIT, 503: 2}.get(status)
    return [(b"retry-after", str(seconds).encode())] if seconds else []


def decide_batch(batch: list[Received]) -> list[Decision | Exception]:
    """Run intake in the gatherer's thread, over one connection that stays open from batch to batch.

    A batch that fails with its connection is tried once more over a new one. When a batch fails otherwise, each request
    is tried alone, so that one cannot make the others fail.
    """
    _look_after_connection()
    failure: Exception = OperationalError()
    for _ in range(2):
        try:
            return [*intake(batch, now=datetime.now(UTC))]
        except (OperationalError, InterfaceError) as error:
            # The connection was lost, perhaps while idle, or the transaction had a conflict. What was stored is
            # harmless.
            log.warning("batch_tried_again", postbacks=len(batch), error=str(error).strip())
            failure = error
            connection.close()
        except Exception as error:
            if len(batch) == 1:
                return [error]
            log.error("batch_tried_one_by_one", postbacks=len(batch), error=str(error).strip())
            return [decision for received in batch for decision in decide_batch([received])]
    return [failure] * len(batch)


def _look_after_connection() -> None:
    """Check that the connection is alive, but not for each batch: the check costs as much as two statements."""
    now = time.monotonic()
    if now - getattr(_checked, "at", -TRUSTED) >= TRUSTED:
        close_old_connections()
    _checked.at = now


def opened(scope: Scope, endpoint: Postback.Endpoint) -> Received:
    """Build the request from its headers alone; no parameters yet."""
    return Received(
        endpoint=endpoint,
        method=scope["method"],
        path=storable(scope.get(SENT_PATH) or scope["path"]),
        parameters=[],
        headers=_stored_headers(scope),
        ip=client_ip(scope),
        is_secure=is_secure(scope),
        received_at=datetime.now(UTC),
        bearer=_bearer(scope),
    )


def _stored_headers(scope: Scope) -> dict[str, str]:
    found = {name.decode(): header(scope, name) for name in STORED_HEADERS}
    found |= {name.decode(): clean(joined(scope, name)[-500:], 500) for name in LIST_HEADERS}
    return {name: value for name, value in found.items() if value}


async def take_in(
    scope: Scope,
    receive: Receive,
    endpoint: Postback.Endpoint = Postback.Endpoint.NATIVE,
    *,
    nested: bool = False,
    paths: Sequence[str] = (),
) -> Received:
    """Read the parameters of the query, then those of the body. Errors in them are stored in the request, not raised.

    Raise what `read_body` raises for a body that did not arrive (too slow, no room, cut off).

    `nested` accepts lists and objects within a JSON body as text: other platforms send some that have no meaning here.
    `paths` lead to values within them.
    """
    received = opened(scope, endpoint)
    body, in_body = b"", list[tuple[str, str]]()
    try:
        received.parameters += pairs(scope["query_string"])
        if scope["method"] == "POST" or _has_body(scope):
            with ROOM.guest(origin_of(received.ip)) as guest:
                body = await read_body(receive, scope, MAX_BODY, seconds=BODY_SECONDS, guest=guest)
            in_body = _body_pairs(received, body, nested, is_packed(scope), paths)
            received.parameters += in_body
    except (BodyTooLarge, TooManyFields) as error:
        received.problem = Problem(Reason.TOO_LARGE, "body", str(error))
    except Unreadable as error:
        received.problem = Problem(Reason.UNREADABLE, "body", storable(str(error)))
    if received.problem is None or received.problem.reason != Reason.TOO_LARGE:
        # The signature of a request that was not read completely cannot be checked. In another platform's body
        # `signature` and `ts` may mean anything; in the native form they belong to the signature.
        received.signed = signature_of(scope, body, () if nested else [name for name, _ in in_body])
    received.parameters = [(storable(name), storable(value)) for name, value in received.parameters]
    return received


def _has_body(scope: Scope) -> bool:
    """Whether a GET came with a body, as some clients send one: what it holds must not be dropped in silence."""
    return header(scope, b"content-length").strip() not in ("", "0") or bool(header(scope, b"transfer-encoding"))


def signature_of(scope: Scope, body: bytes, body_names: Iterable[str] = ()) -> Signed | None:
    """The signature of the request, from its headers or its query."""
    return read_signature(
        method=scope["method"],
        path=scope.get(SENT_PATH) or scope["path"],
        query=scope["query_string"],
        body=body,
        headers=scope["headers"],
        body_names=body_names,
    )


def storable(text: str) -> str:
    """Replace what PostgreSQL (NUL) and JSON (lone surrogates) cannot store; everything else stays as sent."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _bearer(scope: Scope) -> str:
    kind, _, token = header(scope, b"authorization").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _body_pairs(
    received: Received, body: bytes, nested: bool, is_packed: bool, paths: Sequence[str]
) -> list[tuple[str, str]]:
    """The parameters of the body. What looks like JSON is read as JSON, whatever the content type.

    The content type is not signed: if it decided, the same signed bytes could be read in two ways.
    """
    kind = received.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body.strip():
        return []
    if is_packed:
        raise Unreadable(PACKED)
    if kind == "application/json" or body.lstrip(_BEFORE_JSON)[:1] in (b"{", b"[", b'"'):
        return _json_pairs(received, body, nested, paths)
    if kind in ("application/x-www-form-urlencoded", "", "text/plain"):
        return pairs(body)
    received.body = body.decode("utf-8", "replace").replace("\x00", "")
    raise Unreadable(f"The content type {kind} is not read here.")


def _json_pairs(received: Received, body: bytes, nested: bool, paths: Sequence[str]) -> list[tuple[str, str]]:
    """A JSON object as pairs. Numbers keep their digits: an amount never passes through a float."""
    try:
        value: Any = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
        if nested and isinstance(value, dict) and len(value) <= MAX_FIELDS:
            within = values_at(paths, value)
            value = {name: json.dumps(each) if isinstance(each, list | dict) else each for name, each in value.items()}
            value |= within
    except (ValueError, RecursionError) as error:
        received.body = body.decode("utf-8", "replace").replace("\x00", "")
        raise Unreadable(f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        received.body = body.decode("utf-8", "replace").replace("\x00", "")
        raise Unreadable("The body must be one JSON object; several events go to the bulk API.")
    return object_pairs(value, received.left_out)


def object_pairs(value: dict[str, Any], left_out: list[str]) -> list[tuple[str, str]]:
    """A decoded JSON object as pairs; null counts as absent.

    A list or object that no field of ours needs is left out, and its name added to `left_out`. Raise `Unreadable` for
    one in the place of a field, `TooManyFields` for more names than a form may have.
    """
    if len(value) > MAX_FIELDS:
        raise TooManyFields(f"More than {MAX_FIELDS} parameters.")
    nested = {name for name, entry in value.items() if isinstance(entry, list | dict) and not _is_field(name)}
    left_out += nested
    return [(name, _plain(name, entry)) for name, entry in value.items() if entry is not None and name not in nested]


def _is_field(name: str) -> bool:
    return meaning_of(name).kind in (OWN, ALIAS, AMBIGUOUS, TEST)


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise Unreadable(f"{clean(name, 60)} must be a plain value, not a list or an object.")


def try_again() -> dict[str, object]:
    reason = Reason.TRY_AGAIN
    message = in_english(EXPLANATIONS[reason].remedy)
    return {"outcome": "error", "reason": reason.value, "message": message, "problems": []}
