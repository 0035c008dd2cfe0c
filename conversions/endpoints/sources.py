"""`POST /sources/<source>/<token>`: webhooks of shops and billing systems, in their own form and with their own proof.

A webhook may say several things, such as an order with its refunds: each is stored and decided as a request of its own.
The answer follows what the platforms do with it: they send again, and in the end switch the webhook off, whenever it is
no 2xx. So all that was decided is answered 200, whatever the decision, and the body has it; another status means that
sending again helps (503, 429), or that the setup is wrong (401, 403, 404, 410).
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import close_old_connections, connections

from conversions.endpoints.native import PATIENCE, not_decided, opened, storable, wait_first
from conversions.intake import Decision, Received, reference_cache
from conversions.intake.case import Problem
from conversions.intake.read.receive import MASK
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import refusal
from conversions.sources.base import VALID, Event, Read, WebhookSource, parsed
from conversions.sources.connections import PREFIX, Connected
from conversions.sources.references import remember
from conversions.sources.table import webhook_source
from records.secrets import digest
from web.batching import Batcher
from web.client_address import origin_of
from web.http import BodyTooLarge, Header, Receive, Scope, Send, clean, request_id, respond_json
from web.request_body import MB, PACKED, BodyCutOff, Room, is_packed, last_header, linger, read_body

# An order with hundreds of lines; and the bodies that may be in memory at once, of all senders and of one address.
MAX_BODY = MB
ROOM = Room(64 * MB, 16 * MB)
BODY_SECONDS = 15.0
# More things than one webhook says.
MOST_EVENTS = 100
IGNORED = "ignored"
# Where the sender is refused, or has to try again. All other decisions are final: the same again would be decided so.
_OPEN = frozenset({401, 403, 413, 429, 503})
_GRAVEST = (
    *("conflict", "forbidden", "invalid", "unknown_click", "held"),
    *("rejected", "updated", "accepted", "duplicate", IGNORED),
)

log = structlog.get_logger(__name__)


def serves(path: str) -> bool:
    return path.startswith(PREFIX)


class SourceHandler:
    """The ASGI handler of a process; its events share the batches of the native endpoint."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sources")

    def close(self) -> None:
        """End the thread and close its connection."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode())]
        code, _, token = scope["path"][len(PREFIX) :].strip("/").partition("/")
        source = webhook_source(code.lower())
        if source is None or not token or "/" in token:
            await respond_json(send, 404, _no_source(), headers)
            return
        if scope["method"] != "POST":
            body = refusal(Reason.WRONG_METHOD, f"{source.title} sends webhooks with POST.", field="method")
            await respond_json(send, 405, body, [*headers, (b"allow", b"POST")])
            return
        try:
            status, body = await self._answer(source, token, scope, receive)
        except BodyCutOff:
            return
        except Exception as error:
            status, body = not_decided(error, source=source.code)
        headers += [(b"x-affidavit-outcome", str(body["outcome"]).encode()), *wait_first(status), *last_header(scope)]
        await respond_json(send, status, body, headers)
        await linger(receive, scope)

    async def _answer(
        self, source: WebhookSource, token: str, scope: Scope, receive: Receive
    ) -> tuple[int, dict[str, Any]]:
        head = opened(scope, Postback.Endpoint.SOURCE)
        head.path, head.bearer = f"{PREFIX}{source.code}/{MASK}", ""
        connected = await self._connected(source, token)
        try:
            with ROOM.guest(origin_of(head.ip)) as guest:
                body = await read_body(receive, scope, MAX_BODY, seconds=BODY_SECONDS, guest=guest)
        except BodyTooLarge as error:
            return 413, refusal(Reason.TOO_LARGE, str(error), field="body")
        if connected is None:
            return await self._decide([head])
        head.mapping, head.address_digest = connected.name, connected.row.digest
        head.advertiser = connected.row.advertiser
        if not connected.row.is_active:
            message = "This source is switched off. Ask the operator."
            return 410, refusal(Reason.WRONG_ADDRESS, message, field="address")
        sent = _headers(scope)
        if source.is_ping(sent, body):
            return 200, _ignored("The address is right.")
        head.proof = source.check(sent, body, connected.secrets, now=datetime.now(UTC).timestamp())
        if head.proof != VALID:
            return await self._decide([head])
        return await self._read(source, connected, head, sent, b"" if is_packed(scope) else body)

    async def _connected(self, source: WebhookSource, token: str) -> Connected | None:
        """The connection that the address belongs to: from memory, or read without blocking the event loop."""
        known = reference_cache.connections_at_hand()
        if known is None:
            known = await self._in_thread(reference_cache.connections)
        found = known.by_digest.get(digest(storable(token)))
        return found if found and found.source.code == source.code else None

    async def _in_thread(self, work: Any, *args: Any) -> Any:
        def run() -> Any:
            close_old_connections()
            return work(*args)

        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._thread, run), PATIENCE)

    async def _read(
        self, source: WebhookSource, connected: Connected, head: Received, sent: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        topic = ""
        try:
            document = parsed(body)
            topic = storable(source.topic(sent, document))[:60]
            read = source.read(topic, document)
        except ValueError as error:
            message = f"The webhook {topic} cannot be read: {error}" if body else PACKED
            head.problem = Problem(Reason.UNREADABLE, "body", storable(clean(message, 300)))
            head.parameters = [("source_event", topic)] if topic else []
            return await self._decide([head])
        if read.references:
            # Before the answer: the platform does not send it again.
            await self._in_thread(_remember, connected, read)
        events = [event for event in read.events if connected.counts(event.word)][:MOST_EVENTS]
        if not events:
            return 200, _ignored(_why_not(read, topic))
        return await self._decide([received(head, event, topic) for event in events])

    async def _decide(self, batch: list[Received]) -> tuple[int, dict[str, Any]]:
        """Hand the events over in their order; they are answered together."""
        waiting = [self._gatherer.submit(each) for each in batch]
        decisions = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
        return answer(decisions)


def received(head: Received, event: Event, topic: str = "") -> Received:
    """The event as a request under our own names."""
    pairs = [(name, value) for name, value in {"event_type": event.word, **event.values}.items() if value]
    pairs += [("source_event", topic)] if topic else []
    return replace(head, parameters=[(storable(name), storable(value)) for name, value in pairs])


def answer(decisions: Sequence[Decision]) -> tuple[int, dict[str, Any]]:
    """The status for the platform, and the gravest decision as the body; of several, all of them."""
    first = min(decisions, key=_gravity)
    status = first.http_status if _is_open(first) else 200
    if len(decisions) == 1:
        return status, first.body
    return status, {**first.body, "events": len(decisions), "decisions": [each.body for each in decisions]}


def _is_open(decision: Decision) -> bool:
    """Not where an order names another advertiser's click: it is the order that is refused, not its sender."""
    return decision.http_status in _OPEN and decision.body["reason"] != Reason.WRONG_ADVERTISER


def _gravity(decision: Decision) -> int:
    if _is_open(decision):
        return -1
    outcome = str(decision.body["outcome"])
    return _GRAVEST.index(outcome) if outcome in _GRAVEST else 0


def _remember(connected: Connected, read: Read) -> None:
    remember(connected.row.advertiser, read.references, now=datetime.now(UTC))


def _headers(scope: Scope) -> dict[str, str]:
    """The headers as a source reads them: names in small letters, the first of each."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "replace"))
    return found


def _why_not(read: Read, topic: str) -> str:
    words = sorted({event.word for event in read.events})
    if words:
        return f"{topic}: no goal is chosen for {', '.join(words)}, so it is not counted."
    return read.why_not or f"{topic} counts nothing here."


def _ignored(message: str) -> dict[str, Any]:
    return {"outcome": IGNORED, "reason": IGNORED, "message": clean(message, 300), "problems": []}


def _no_source() -> dict[str, Any]:
    message = f"No source is known by this address. Copy it from the panel: {PREFIX}<source>/<token>."
    return refusal(Reason.WRONG_ADDRESS, message, field="address")
