"""`POST /api/v1/conversions/bulk`: up to 10,000 events in one request, an answer for each.

The body is a JSON array of objects, `{"events": [...]}`, or one object a line (NDJSON); an object's names are those
of the native postback. The advertiser's token stands in the Authorization header. Each event is stored, judged and
answered as if it had come alone: one that is faulty takes no other with it, and a repeated request is a request of
duplicates.
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

from affiliates.secrets import digest
from conversions.explanations import EXPLANATIONS
from conversions.intake import Decision, Received, terms
from conversions.intake.case import Problem
from conversions.intake.receive import MAX_STORED_BODY
from conversions.models import Postback
from conversions.postback_door import (
    Unreadable,
    decide_batch,
    object_pairs,
    opened,
    signature_of,
    storable,
    try_again,
    wait_first,
)
from conversions.reasons import Reason
from conversions.signing import VALID, check
from tracking.http import (
    BodyTooLarge,
    Header,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    request_id,
    respond_json,
)

PATH = "/api/v1/conversions/bulk"
MAX_EVENTS = 10_000
MAX_BODY = 20 * 1024 * 1024
# Events that are decided in one transaction: large enough to be cheap, small enough to hold its locks briefly.
CHUNK = 500
NONE: dict[str, Any] = {"events": 0, "decisions": []}
# Requests that may wait for their turn in a process; more are told to come back.
MAX_WAITING = 8

log = structlog.get_logger(__name__)


class Refused(ValueError):
    """The request as a whole cannot be taken; `reason` says why, none of its events was looked at."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BulkHandler:
    """The ASGI handler of a process. Its requests are decided one after another, by a thread of their own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulk")
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode())]
        if scope["method"] != "POST":
            allow = {"message": "Send the events with POST."}
            await respond_json(send, 405, allow, [*headers, (b"allow", b"POST")])
        elif self._waiting >= MAX_WAITING:
            await respond_json(send, 503, try_again(), [*headers, (b"retry-after", b"5")])
        else:
            self._waiting += 1
            try:
                status, body = await self._answer(scope, receive)
            finally:
                self._waiting -= 1
            await respond_json(send, status, body, [*headers, *wait_first(status)])

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
        head, body = opened(scope, Postback.Door.BULK), b""
        events: list[Any] = []
        try:
            body = await read_body(receive, MAX_BODY)
            head.signed = signature_of(scope, body)
            events = read_events(body, header(scope, b"content-type"))
        except BodyTooLarge as error:
            head.fault = Problem(Reason.TOO_LARGE, "body", f"{error} Send fewer events at once.")
            if not head.bearer:
                # Who signed it cannot be known without the whole body; nothing of it is worth storing.
                return _refusal(head.fault)
        except Refused as error:
            head.fault = Problem(error.reason, "body", str(error))
            head.body = storable(body[: 2 * MAX_STORED_BODY].decode("utf-8", "replace"))
        return await asyncio.get_running_loop().run_in_executor(self._thread, decide_events, head, events)

    def close(self) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()


def read_events(body: bytes, content_type: str) -> list[Any]:
    """The events of a body, decoded; numbers as the texts they were. Raise `Refused` when it is not a list of them."""
    try:
        found = _decode(body, content_type)
    except (ValueError, RecursionError) as error:
        raise Refused(Reason.UNREADABLE, f"The body is not valid JSON: {error}.") from error
    events = found.get("events", found) if isinstance(found, dict) else found
    if not isinstance(events, list):
        raise Refused(Reason.UNREADABLE, 'Send a JSON array of events, or {"events": [...]}.')
    if len(events) > MAX_EVENTS:
        raise Refused(Reason.TOO_LARGE, f"{len(events):,} events in one request; at most {MAX_EVENTS:,}. Split them.")
    return events


def _decode(body: bytes, content_type: str) -> Any:
    if "ndjson" in content_type or "jsonl" in content_type:
        return [_loads(line) for line in body.splitlines() if line.strip()]
    return _loads(body)


def _loads(text: bytes) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def decide_events(head: Received, events: Sequence[Any]) -> tuple[int, dict[str, Any]]:
    """Decide the events in their order, chunk by chunk; the HTTP status and body for all of them.

    A request that cannot be read, or whose token is not valid, is answered before any event is looked at, and stored
    once.
    """
    if head.fault:
        status, said = _single(head)
        return status, {**said, **NONE}
    if not events or _lacks_access(head):
        return _single(head)
    answers: list[dict[str, Any]] = []
    for start in range(0, len(events), CHUNK):
        batch = [_received(head, event) for event in events[start : start + CHUNK]]
        for number, decision in enumerate(decide_batch(batch), start=start):
            answers.append(_event_answer(number, decision))
    counts = Counter(answer["outcome"] for answer in answers)
    return 200, {"events": len(answers), "counts": dict(counts), "decisions": answers}


def _lacks_access(head: Received) -> bool:
    if head.signed:
        secrets = terms.hmac_secrets.many({head.signed.advertiser}).get(head.signed.advertiser, ())
        return check(head.signed, secrets, received_at=head.received_at)[0] != VALID
    key = digest(head.bearer)
    return not head.bearer or key not in terms.tokens.many({key})


def _single(head: Received) -> tuple[int, dict[str, Any]]:
    """The answer to a request without events, of no form or without a valid token, from intake like any other."""
    [decision] = decide_batch([head])
    if isinstance(decision, Exception):
        return 503, try_again()
    return decision.http_status, decision.body


def _received(head: Received, event: Any) -> Received:
    """One event as a request of its own."""
    parameters: list[tuple[str, str]] = []
    fault = None
    try:
        if not isinstance(event, dict):
            raise Unreadable("An event must be a JSON object.")
        parameters = [(storable(name), storable(value)) for name, value in object_pairs(event)]
    except Unreadable as error:
        fault = Problem(Reason.UNREADABLE, "body", str(error))
    body = "" if fault is None else storable(json.dumps(event, ensure_ascii=False))
    return replace(head, parameters=parameters, fault=fault, body=body)


def _event_answer(number: int, decision: Decision | Exception) -> dict[str, Any]:
    if isinstance(decision, Exception):
        log.error("event_not_decided", index=number, error=str(decision).strip())
        return {"index": number, "http_status": 503, **try_again()}
    return {"index": number, "http_status": decision.http_status, **decision.body}


def _refusal(fault: Problem) -> tuple[int, dict[str, Any]]:
    explained = EXPLANATIONS[fault.reason]
    said = {"outcome": "invalid", "reason": fault.reason.value, "message": fault.message}
    return explained.http_status, {**said, "problems": [fault.as_json()], **NONE}
