"""The endpoints of other platforms: their addresses, parameters and answers, in front of the same intake.

Presets and the mappings that operators define are handled alike.

Each is served at the platform's own address where it has one (`/aff_lsr`, `/p.ashx` …), and always below
`/d/<platform>/`. The advertiser's token is sent in the platform's own parameter for it, in `token`, as bearer, as the
password of a basic authentication, or as a part of the path (`/d/voluum/aft_…/postback`): for platforms that send no
token, the address is the secret. It is masked before anything is stored.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import NamedTuple

import structlog
from django.db import close_old_connections, connections

from conversions.dialects.answers import Spoken, image_answer
from conversions.dialects.dialect import Dialect
from conversions.dialects.table import BY_FORM, BY_NAME, BY_PATH
from conversions.endpoints.native import PATIENCE, not_decided, storable, take_in, try_again, wait_first
from conversions.intake import Decision, Received, reference_cache
from conversions.intake.read.receive import MASK
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import refusal
from web.batching import Batcher
from web.http import NO_STORE, Header, Receive, Scope, Send, header, request_id, respond, respond_json
from web.request_body import BodyCutOff, last_header, linger

PREFIX = "/d/"
KEY = re.compile(r"aft_[A-Za-z0-9_-]{10,80}")
EMPTY: Mapping[str, Dialect] = MappingProxyType({})


def _form(text: str) -> re.Pattern[str]:
    """Compile an address with variable parts; {token} matches the form of our tokens."""
    parts = (f"(?P<token>{KEY.pattern})" if part == "{token}" else _part(part) for part in text.split("/"))
    return re.compile("/".join(parts) + "/?")


def _part(text: str) -> str:
    return "[A-Za-z0-9_-]{1,40}" if text.startswith("{") else re.escape(text)


FORMS = [(_form(form), dialect) for form, dialect in BY_FORM.items()]
log = structlog.get_logger(__name__)


def serves(path: str) -> bool:
    return path.startswith(PREFIX) or address_of(path) is not None


class Address(NamedTuple):
    """The content of a path: its dialect, the token if the path holds one, and the path as it may be stored."""

    dialect: Dialect
    token: str
    path: str


def address_of(path: str, own: Mapping[str, Dialect] = EMPTY) -> Address | None:
    """The dialect that a path belongs to, or None if the path is not served here.

    `own` are the mappings that operators defined; a preset of the same name goes first.
    """
    if path in BY_PATH:
        return Address(BY_PATH[path], "", path)
    for form, dialect in FORMS:
        if found := form.fullmatch(path):
            token = found.groupdict().get("token", "")
            return Address(dialect, token, path.replace(token, MASK) if token else path)
    if path.startswith(PREFIX):
        name, _, rest = path[len(PREFIX) :].partition("/")
        parts = rest.split("/")
        token = next((part for part in parts if KEY.fullmatch(part)), "")
        shown = "/".join(MASK if part == token else part for part in parts) if token else rest
        named = BY_NAME.get(name.lower()) or own.get(name.lower())
        return Address(named, token, f"{PREFIX}{name}/{shown}") if named else None
    return None


def find_address(path: str) -> Address | None:
    """Like `address_of`, with the operators' mappings read from the database: for callers that may block."""
    return address_of(path) or (address_of(path, reference_cache.own_dialects()) if path.startswith(PREFIX) else None)


def read_own() -> dict[str, Dialect]:
    """Read the operators' mappings in a thread of their own; raise what the database raises."""
    close_old_connections()
    return reference_cache.own_dialects()


class DialectHandler:
    """The ASGI handler of a process; its requests share the batches of the native endpoint."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mappings")

    def close(self) -> None:
        """End the reader's thread and close its connection."""
        self._reader.submit(connections.close_all)
        self._reader.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode()), NO_STORE]
        try:
            address = address_of(scope["path"]) or address_of(scope["path"], await self._own())
        except Exception as error:
            log.error("mappings_not_read", error=str(error).strip() or repr(error))
            await respond_json(send, 503, try_again(), [*headers, *wait_first(503)])
            return
        if address is None:
            known = ", ".join(sorted(BY_NAME))
            message = f"No platform is known by this address; there are {known}."
            await respond_json(send, 404, refusal(Reason.WRONG_ADDRESS, message, field="address"), headers)
            return
        if not address.dialect.is_active:
            message = "This address is switched off. Ask the operator."
            await respond_json(send, 410, refusal(Reason.WRONG_ADDRESS, message, field="address"), headers)
            return
        if scope["method"] not in ("GET", "POST"):
            body = refusal(Reason.WRONG_METHOD, "Send it with GET or POST.", field="method")
            await respond_json(send, 405, body, [*headers, (b"allow", b"GET, POST")])
            return
        try:
            spoken, outcome = await self._spoken(address, scope, receive)
        except BodyCutOff:
            return
        outcome_header = (b"x-affidavit-outcome", outcome.encode())
        kind = (b"content-type", spoken.content_type.encode())
        headers += [*wait_first(spoken.status), *last_header(scope)]
        await respond(send, spoken.status, [kind, outcome_header, *headers], spoken.content)
        await linger(receive, scope)

    async def _own(self) -> dict[str, Dialect]:
        """The operators' mappings: from memory, or read without blocking the event loop."""
        known = reference_cache.own_dialects_at_hand()
        if known is not None:
            return known
        reading = asyncio.get_running_loop().run_in_executor(self._reader, read_own)
        return await asyncio.wait_for(reading, PATIENCE)

    async def _spoken(self, address: Address, scope: Scope, receive: Receive) -> tuple[Spoken, str]:
        dialect, sent = address.dialect, dict[str, str]()
        try:
            received = await take_in(scope, receive, nested=True, paths=dialect.mapping.paths)
            received.mapping, received.path = dialect.name, storable(address.path)
            received.bearer = address.token or received.bearer or _password(scope)
            sent = {name.lower(): value for name, value in reversed(received.parameters)}
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            status, body = decision.http_status, decision.body
        except BodyCutOff:
            raise
        except Exception as error:
            status, body = not_decided(error, dialect=dialect.name)
        name, value = dialect.image_when or ("", None)
        is_pixel = scope["path"] in dialect.pixels or sent.get(name, "") == value
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
