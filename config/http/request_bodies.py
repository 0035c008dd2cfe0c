"""Limits for the bodies of requests to pages and API, applied before Django reads them.

Django reads a body to its end before anything else, however large and slow it is. So size, time and memory are checked
here, on the event loop: an incoming body uses no thread. Anyone may send up to `SMALL`; for more the sender has to be
authenticated first, by API key or session.

A request with a complete body waits for its turn: each request in Django uses a thread, and busy threads delay clicks
and postbacks, which share the interpreter.
"""

import json
import time
from collections.abc import MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import lru_cache
from typing import Any

import structlog
from django.template.loader import render_to_string

from config.http.body_senders import BodySenders, shows_something
from config.logging.errors import Repeats
from config.monitoring.probes import ANSWERS as PROBES
from web.client_address import origin_of
from web.http import (
    HTML,
    JSON,
    NO_STORE,
    BodyTooLarge,
    Handler,
    Header,
    Receive,
    Scope,
    Send,
    client_ip,
    request_id,
    respond,
)
from web.request_body import (
    KB,
    MB,
    PACKED,
    UNREAD,
    Arrival,
    BodyCutOff,
    BodyTooSlow,
    NoRoom,
    Room,
    declared_size,
    is_packed,
    linger,
    too_large,
)
from web.rest.body import LIMIT
from web.rest.errors import NOT_SIGNED_IN
from web.rest.errors import body as error_body
from web.turns import NoTurn, Turns

API, PANEL = "/api/", "/admin/"
SMALL = 64 * KB
# Of a sender who is known: the API, the panel with its uploads, all other pages.
API_LIMIT, PANEL_LIMIT, PAGE_LIMIT = LIMIT, 21 * MB, 1 * MB
SECONDS, SECONDS_WHEN_KNOWN = 15.0, 180.0
SECONDS_FOR_TURN = 20.0
BUSY = "Too many requests are arriving at once. Send the same request again in a moment."

# Refusals that are logged in a second: more of them say nothing new, and cost as much as the rest of the answer.
MOST_LOGGED = 20

log = structlog.get_logger(__name__)
_refusals = Repeats()


class SenderUnknown(ValueError):
    """A body that only a known sender may send."""


class BodyPacked(ValueError):
    """A body with a content encoding: how large it is would show only when it is unpacked."""


class BoundedBodies:
    """Django's application with bounded bodies, and a few requests at work at a time."""

    def __init__(self, application: Handler) -> None:
        self._application, self.senders = application, BodySenders()
        # Unauthenticated senders have a separate limit, and each address a share of it.
        self._open, self._known = Room(64 * MB, 16 * MB), Room(256 * MB, 64 * MB)
        # Those who show nothing wait for others who show nothing; probes wait for neither.
        self._unknown, self._named, self._probes = (
            Turns(at_once=at_once, most=1_000, each=300, seconds=SECONDS_FOR_TURN) for at_once in (2, 6, 2)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._pass(scope, receive, send)
            return
        except (BodyTooLarge, BodyTooSlow, BodyPacked, NoRoom, NoTurn, SenderUnknown) as error:
            # The error references the frames that hold the connection, so only its answer is stored.
            refusal = _answer(error, scope["path"].startswith(API))
        await _refuse(refusal, scope, send)
        await linger(receive, scope)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack, AsyncExitStack() as turn:
            body = _Body(scope, receive, self.senders, self._open, self._known, stack)
            stack.callback(body.let_go)

            async def receive_in_turn() -> MutableMapping[str, Any]:
                was_whole, message = body.is_whole, await body.receive()
                if body.is_whole and not was_whole:
                    await turn.enter_async_context(self._turn(scope))
                return message

            async def send_and_end_turn(message: MutableMapping[str, Any]) -> None:
                await turn.aclose()
                await send(message)

            await self._application(scope, receive_in_turn, send_and_end_turn)

    def _turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        turns = self._named if shows_something(scope) else self._unknown
        turns = self._probes if scope["path"] in PROBES else turns
        return turns.of(origin_of(client_ip(scope)))


class _Body:
    """One body as Django receives it. The rooms' bytes are given back when `stack` closes."""

    def __init__(
        self, scope: Scope, receive: Receive, senders: BodySenders, room: Room, known: Room, stack: AsyncExitStack
    ) -> None:
        self._scope, self._receive, self._senders = scope, receive, senders
        self._room, self._known, self._stack = room, known, stack
        self._arrival: Arrival | None = None
        self.is_whole = self._is_known = False

    async def receive(self) -> MutableMapping[str, Any]:
        if self.is_whole:
            return await self._receive()
        try:
            chunk, is_more = await (self._arrival or await self._begin()).chunk()
        except BodyCutOff:
            return {"type": "http.disconnect"}
        if not is_more:
            self.is_whole, self._scope[UNREAD] = True, False
        return {"type": "http.request", "body": chunk, "more_body": is_more}

    def let_go(self) -> None:
        """Release an unfinished body: arrival and body reference each other, and with them the connection."""
        self._arrival = None

    async def _begin(self) -> Arrival:
        self._scope[UNREAD] = True
        if is_packed(self._scope):
            raise BodyPacked
        guest = self._stack.enter_context(self._room.guest(origin_of(client_ip(self._scope))))
        arrival = self._arrival = Arrival(self._receive, SMALL, seconds=SECONDS, guest=guest, more=self._get_known)
        size = declared_size(self._scope)
        if size > SMALL:
            await self._get_known()
        if size > arrival.limit:
            raise BodyTooLarge(too_large(arrival.limit))
        return arrival

    async def _get_known(self) -> None:
        """Give the body a known sender's bounds, or raise: it is too large for a stranger, or there is no room."""
        arrival = self._arrival
        if arrival is None or self._is_known:
            return
        sender = await self._senders.sender_of(self._scope)
        if not sender:
            raise SenderUnknown(too_large(SMALL))
        arrival.guest.leave()
        arrival.guest = self._stack.enter_context(self._known.guest(sender))
        arrival.guest.take(arrival.counted)
        arrival.limit, arrival.seconds = limit_of(self._scope["path"]), SECONDS_WHEN_KNOWN
        self._is_known = True


def limit_of(path: str) -> int:
    """The largest body that a known sender may send to a path."""
    if path.startswith(API):
        return API_LIMIT
    return PANEL_LIMIT if path.startswith(PANEL) else PAGE_LIMIT


async def _refuse(refusal: tuple[int, str, str], scope: Scope, send: Send) -> None:
    status, code, message = refusal
    if _refusals.count("body", time.monotonic()) <= MOST_LOGGED:
        log.warning("body_refused", status=status, path=scope["path"], why=message, ip=client_ip(scope))
    headers: list[Header] = [NO_STORE, (b"x-request-id", request_id(scope).encode()), (b"connection", b"close")]
    if status == 503:
        headers.append((b"retry-after", b"2"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if scope["path"].startswith(API):
        content = json.dumps(error_body(code, message)).encode()
        await respond(send, status, [JSON, *headers], content)
    else:
        await respond(send, status, [HTML, *headers, (b"x-content-type-options", b"nosniff")], page(status))


def _answer(error: Exception, is_api: bool) -> tuple[int, str, str]:
    if isinstance(error, BodyTooSlow):
        return 408, "too_slow", str(error)
    if isinstance(error, BodyPacked):
        return 415, "unsupported_media_type", PACKED
    if isinstance(error, NoRoom | NoTurn):
        return 503, "try_again", BUSY
    if isinstance(error, SenderUnknown) and is_api:
        return 401, "not_authenticated", f"{error} Only a known sender may send that much. {NOT_SIGNED_IN}"
    return 413, "too_large", f"{error} Send it in parts."


@lru_cache
def page(status: int) -> bytes:
    return render_to_string("body_refused.html", {"status": status}).encode()
