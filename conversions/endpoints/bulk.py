"""`POST /api/v1/conversions/bulk`: up to 10,000 events in one request, with an answer for each.

The body is a JSON array of objects, `{"events": [...]}`, or one object per line (NDJSON). An object uses the names of
the native postback. The advertiser's token is sent in the Authorization header. Each event is stored, decided and
answered as if it had been sent alone: an invalid event does not affect the others, and the events of a repeated request
are duplicates.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import structlog
from django.db import connections

from conversions.endpoints.bulk_events import BulkRefused, read_events
from conversions.endpoints.bulk_senders import BulkSenders, has_access
from conversions.endpoints.native import (
    PATIENCE,
    Unreadable,
    decide_batch,
    not_decided,
    object_pairs,
    opened,
    signature_of,
    storable,
    try_again,
    wait_first,
)
from conversions.intake import Decision, Received
from conversions.intake.case import Problem
from conversions.intake.read.receive import MAX_STORED_BODY
from conversions.intake.read.signing import is_timely
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.explanations import EXPLANATIONS
from conversions.reasons.refusals import problem as described
from conversions.reasons.refusals import refusal
from web.batching import Batcher
from web.client_address import origin_of
from web.http import (
    BodyTooLarge,
    Header,
    Receive,
    Scope,
    Send,
    TooManyFields,
    header,
    request_id,
    respond_json,
)
from web.request_body import (
    MB,
    PACKED,
    UNREAD,
    BodyCutOff,
    NoRoom,
    Room,
    is_packed,
    last_header,
    linger,
    read_body,
)

PATH = "/api/v1/conversions/bulk"
MAX_BODY = 20 * MB
# Events that are decided in one transaction: large enough to be cheap, small enough to release its locks quickly.
CHUNK = 500
NONE: dict[str, Any] = {"events": 0, "decisions": []}
# The largest body that is read when the signature's timestamp is too old: enough to report it to an honest sender.
MAX_LATE_BODY = 64 * 1024
# Seconds within which a body must arrive.
BODY_SECONDS = 180.0
# The most bodies in memory at once: of the process, and of one sender.
ROOM, SHARE = 128 * MB, 48 * MB
# Requests that may queue in a process, and those of one advertiser; further ones are asked to retry later.
MAX_WAITING, MOST_OF_ONE = 8, 4

log = structlog.get_logger(__name__)


class Busy(Exception):
    """All places are taken, or all that this advertiser may have (`is_own`)."""

    def __init__(self, *, is_own: bool) -> None:
        self.is_own = is_own


class BulkHandler:
    """The ASGI handler of a process. Its requests are decided one after another, by a thread of their own.

    The sender is identified first, from the headers alone. Only then is the body read, and a place is taken once the
    body is complete.
    """

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulk")
        self._senders = BulkSenders()
        # Requests with a token and requests with a signature use separate places: a signature is proven by the whole
        # body only.
        self._rooms = {True: Room(ROOM, SHARE), False: Room(ROOM, SHARE)}
        self._places: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode())]
        if scope["method"] != "POST":
            refused = {**refusal(Reason.WRONG_METHOD, "Send the events with POST.", field="method"), **NONE}
            await respond_json(send, 405, refused, [*headers, (b"allow", b"POST")])
            return
        scope[UNREAD] = True
        try:
            status, body = await self._answer(scope, receive)
        except BodyCutOff:
            return
        except (Busy, NoRoom) as error:
            status, body = (429, _too_many()) if error.is_own else (503, try_again())
            headers.append((b"retry-after", b"5"))
        except Exception as error:
            status, body = not_decided(error)
            headers += wait_first(status)
        else:
            headers += wait_first(status)
        await respond_json(send, status, body, [*headers, *last_header(scope)])
        await linger(receive, scope)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
        head = opened(scope, Postback.Endpoint.BULK)
        claim = signature_of(scope, b"")
        sender = await self._senders.sender_of(head, claim)
        if sender is None:
            head.signed = claim
            return await self._alone(head)
        # A signature is only a claim until the body has arrived: naming another advertiser must not use up its share.
        shares = f"{sender} {origin_of(head.ip)}" if claim else sender
        limit = MAX_BODY if claim is None or is_timely(claim.timestamp, head.received_at) else MAX_LATE_BODY
        with self._rooms[claim is None].guest(shares) as guest:
            try:
                body = await read_body(receive, scope, limit, seconds=BODY_SECONDS, guest=guest)
            except BodyTooLarge as error:
                head.problem = Problem(Reason.TOO_LARGE, "body", f"{error} {_how_to_send(limit)}")
                # The sender cannot be verified without the whole body; there is nothing worth storing.
                return _refusal(head.problem) if claim else await self._alone(head)
            if claim and not await self._senders.has_signed(head, scope, body):
                return await self._alone(head)
            if is_packed(scope):
                head.problem = Problem(Reason.UNREADABLE, "body", PACKED)
                return await self._alone(head)
            return await self._decide(head, sender, body, header(scope, b"content-type"))

    async def _alone(self, head: Received) -> tuple[int, dict[str, Any]]:
        """Answer a request whose events are not read: it is decided like a single postback."""
        decision = await asyncio.wait_for(self._gatherer.submit(head), PATIENCE)
        return decision.http_status, {**decision.body, **NONE}

    async def _decide(self, head: Received, sender: str, body: bytes, kind: str) -> tuple[int, dict[str, Any]]:
        if self._places[sender] >= MOST_OF_ONE:
            raise Busy(is_own=True)
        if self._places.total() >= MAX_WAITING:
            raise Busy(is_own=False)
        self._places[sender] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, decide_body, head, body, kind)
        finally:
            self._places[sender] -= 1
            self._places += Counter()  # drop senders without any

    def close(self) -> None:
        self._senders.close()
        self._thread.submit(connections.close_all)
        self._thread.shutdown()


def decide_body(head: Received, body: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
    try:
        events = read_events(body, content_type)
    except BulkRefused as error:
        head.problem = Problem(error.reason, "body", str(error))
        head.body = storable(body[: 2 * MAX_STORED_BODY].decode("utf-8", "replace"))
        events = []
    return decide_events(head, events)


def decide_events(head: Received, events: Sequence[Any]) -> tuple[int, dict[str, Any]]:
    """Decide the events in order, chunk by chunk; return the HTTP status and body for all of them.

    A request that cannot be read, or whose token is not valid, is answered before any event is read, and stored once.
    """
    if head.problem:
        status, body = _single(head)
        return status, {**body, **NONE}
    if not events or not has_access(head):
        return _single(head)
    answers: list[dict[str, Any]] = []
    for start in range(0, len(events), CHUNK):
        batch = [_received(head, event) for event in events[start : start + CHUNK]]
        for number, decision in enumerate(decide_batch(batch), start=start):
            answers.append(_event_answer(number, decision))
    counts = Counter(answer["outcome"] for answer in answers)
    return 200, {"events": len(answers), "counts": dict(counts), "decisions": answers}


def _single(head: Received) -> tuple[int, dict[str, Any]]:
    """Answer a request without events, in no known form or without a valid token, through intake like any other."""
    [decision] = decide_batch([head])
    if isinstance(decision, Exception):
        return 503, try_again()
    return decision.http_status, decision.body


def _received(head: Received, event: Any) -> Received:
    """Return one event as a request of its own."""
    parameters: list[tuple[str, str]] = []
    left_out: list[str] = []
    problem = None
    try:
        if not isinstance(event, dict):
            raise Unreadable("An event must be a JSON object.")
        parameters = [(storable(name), storable(value)) for name, value in object_pairs(event, left_out)]
    except TooManyFields as error:
        problem = Problem(Reason.TOO_LARGE, "body", str(error))
    except Unreadable as error:
        problem = Problem(Reason.UNREADABLE, "body", str(error))
    body = "" if problem is None else storable(json.dumps(event, ensure_ascii=False))
    return replace(head, parameters=parameters, problem=problem, body=body, left_out=left_out)


def _event_answer(number: int, decision: Decision | Exception) -> dict[str, Any]:
    if isinstance(decision, Exception):
        log.error("event_not_decided", index=number, error=str(decision).strip())
        return {"index": number, "http_status": 503, **try_again()}
    return {"index": number, "http_status": decision.http_status, **decision.body}


def _refusal(problem: Problem) -> tuple[int, dict[str, Any]]:
    body = refusal(problem.reason, problem.message, field=problem.field)
    return EXPLANATIONS[problem.reason].http_status, {**body, **NONE}


def _how_to_send(limit: int) -> str:
    if limit == MAX_BODY:
        return "Send fewer events at once."
    return "The timestamp of the signature is more than five minutes off; correct the clock to send more."


def _too_many() -> dict[str, Any]:
    message = "Too many of your requests are in progress. Wait for their answers, then send this one again."
    return {**try_again(), "message": message, "problems": [described(Reason.TRY_AGAIN, message)]}
