"""The doors of other platforms: their addresses, parameters and answers; behind them the same intake.

Served at a platform's own address where that is its own (`/aff_lsr`, `/p.ashx` …), and always below `/d/<platform>/`.
The advertiser's token comes in the platform's own parameter for it, in `token`, as bearer, as the password of a basic
authentication, or as a part of the path (`/d/voluum/aft_…/postback`): for platforms that send no token, the address
is the secret. It is masked before anything is stored.
"""

import asyncio
import base64
import binascii
import re
from typing import NamedTuple

import structlog

from conversions.dialects.answers import Spoken, image_answer
from conversions.dialects.table import BY_NAME, BY_PATH, Dialect
from conversions.intake import Decision, Received
from conversions.intake.receive import MASK
from conversions.postback_door import PATIENCE, take_in, try_again, wait_first
from tracking.batching import Batcher, QueueFull
from tracking.http import NO_STORE, Header, Receive, Scope, Send, header, request_id, respond, respond_json

PREFIX = "/d/"
KEY = re.compile(r"aft_[A-Za-z0-9_-]{10,80}")
KEITARO = re.compile(rf"^/({KEY.pattern})/postback$")
IMPACT = re.compile(r"^/Advertisers/[A-Za-z0-9_-]{1,40}/Conversions/?$")

log = structlog.get_logger(__name__)


def serves(path: str) -> bool:
    """Whether a request for this path is for the handler."""
    return path.startswith(PREFIX) or address_of(path) is not None


class Address(NamedTuple):
    """What a path says: whose dialect, the token if the path holds one, and the path as it may be stored."""

    dialect: Dialect
    token: str
    path: str


def address_of(path: str) -> Address | None:
    """The dialect that a path belongs to, or None: then it is nobody's here."""
    if path in BY_PATH:
        return Address(BY_PATH[path], "", path)
    if IMPACT.match(path):
        return Address(BY_NAME["impact"], "", path)
    if found := KEITARO.match(path):
        return Address(BY_NAME["keitaro"], found[1], f"/{MASK}/postback")
    if path.startswith(PREFIX):
        name, _, rest = path[len(PREFIX) :].partition("/")
        parts = rest.split("/")
        token = next((part for part in parts if KEY.fullmatch(part)), "")
        shown = "/".join(MASK if part == token else part for part in parts) if token else rest
        dialect = BY_NAME.get(name.lower())
        return Address(dialect, token, f"{PREFIX}{name}/{shown}") if dialect else None
    return None


class DialectHandler:
    """The ASGI handler of a process; its requests share the batches of the native door."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode()), NO_STORE]
        address = address_of(scope["path"])
        if address is None:
            known = ", ".join(sorted(BY_NAME))
            await respond_json(send, 404, {"message": f"No platform is known by this address; there are {known}."})
            return
        if scope["method"] not in ("GET", "POST"):
            await respond_json(send, 405, {"message": "Send it with GET or POST."}, [(b"allow", b"GET, POST")])
            return
        spoken, outcome = await self._spoken(address, scope, receive)
        said = (b"x-affidavit-outcome", outcome.encode())
        kind = (b"content-type", spoken.content_type.encode())
        await respond(send, spoken.status, [kind, said, *headers, *wait_first(spoken.status)], spoken.content)

    async def _spoken(self, address: Address, scope: Scope, receive: Receive) -> tuple[Spoken, str]:
        dialect, sent = address.dialect, dict[str, str]()
        try:
            received = await take_in(scope, receive, nested=True)
            received.mapping, received.path = dialect.name, address.path
            received.bearer = address.token or received.bearer or _password(scope)
            sent = {name.lower(): value for name, value in reversed(received.parameters)}
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            status, body = decision.http_status, decision.body
        except Exception as error:
            if not isinstance(error, QueueFull):
                log.error("postback_not_decided", dialect=dialect.name, error=str(error).strip() or repr(error))
            status, body = 503, try_again()
        is_pixel = scope["path"] in dialect.pixels or sent.get("f") == "img"
        speak = image_answer if is_pixel else dialect.answers
        return speak(status, body, sent), str(body["outcome"])


def _password(scope: Scope) -> str:
    """The password of a basic authentication, where impact.com and others put the token."""
    kind, _, encoded = header(scope, b"authorization").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
