"""Addresses that resemble ours: a slash behind, capitals, another version. No event that is sent there is lost unseen.

One that differs in slashes or capitals only is served as ours. Any other is stored and refused with the right address,
so the operator finds it among the advertiser's postbacks.
"""

import asyncio
from typing import Any

from django.urls import Resolver404, resolve

from conversions.dialects.table import BY_PATH
from conversions.endpoints import bulk, native, pixel
from conversions.endpoints.native import PATIENCE, not_decided, storable, take_in, wait_first
from conversions.intake import Decision, Received
from conversions.intake.case import Problem
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import problem, refusal
from web.batching import Batcher
from web.http import Header, Receive, Scope, Send, request_id, respond_json
from web.request_body import BodyCutOff, last_header, linger

_OURS = (native.PATH, bulk.PATH, pixel.IMAGE_PATH, pixel.SCRIPT_PATH, *BY_PATH)
_BY_FOLDED = {path.lower(): path for path in _OURS}
# Words of an address, in small letters and without an ending such as .php, that say what its sender meant.
_WORDS = frozenset(
    {"postback", "postbacks", "post-back", "post_back", "pb", "s2s", "conversion", "conversions", "conv", "callback"}
    | {"pixel", "pixels", "bulk"}
)
_PAGES = ("/static/", "/admin/", "/accounts/")
# Taken by the REST API, which lists conversions there; a sender that posts events means the bulk endpoint.
_LIST = "/api/v1/conversions"


def served_as(path: str) -> str:
    """Our address that a path differs from in slashes and capitals only; empty if there is none."""
    return _BY_FOLDED.get("/" + path.lower().strip("/ "), "")


def resembles(scope: Scope) -> bool:
    """Whether a path that no endpoint serves was meant for one, and is no page either."""
    path = scope["path"].lower()
    if path.rstrip("/") == _LIST:
        return bool(scope["method"] == "POST")
    if path.startswith(_PAGES) or not any(part.partition(".")[0] in _WORDS for part in path.split("/")):
        return False
    return not _is_page(scope["path"])


def _is_page(path: str) -> bool:
    """Whether Django has a page there. What answers all that is unknown below `/api/` has no name."""
    for each in (path, f"{path.rstrip('/')}/"):
        try:
            if resolve(each).url_name:
                return True
        except Resolver404:
            continue
    return False


class WrongAddressHandler:
    """The ASGI handler for addresses that resemble ours; its requests share the batches of the native endpoint."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[Header] = [(b"x-request-id", request_id(scope).encode())]
        message = message_for(storable(scope["path"])[:100])
        if scope["method"] not in ("GET", "POST"):
            await respond_json(send, 404, refusal(Reason.WRONG_ADDRESS, message, field="address"), headers)
            return
        try:
            status, body = await self._refuse(scope, receive, message)
        except BodyCutOff:
            return
        await respond_json(send, status, body, [*headers, *wait_first(status), *last_header(scope)])
        await linger(receive, scope)

    async def _refuse(self, scope: Scope, receive: Receive, message: str) -> tuple[int, dict[str, Any]]:
        """Store the request with its problem; a sender who is refused for the token as well reads both."""
        try:
            received = await take_in(scope, receive, nested=True)
            received.problem = Problem(Reason.WRONG_ADDRESS, "address", message, storable(scope["path"])[:100])
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
        except BodyCutOff:
            raise
        except Exception as error:
            return not_decided(error)
        body = decision.body
        if body["reason"] != Reason.WRONG_ADDRESS:
            body = {**body, "problems": [*body["problems"], problem(Reason.WRONG_ADDRESS, message, field="address")]}
        return decision.http_status, body


def message_for(path: str) -> str:
    """Which address was meant."""
    folded = path.lower()
    if "pixel" in folded:
        right = f"{pixel.IMAGE_PATH}, the pixel"
    elif "bulk" in folded or folded.startswith("/api/"):
        right = f"{native.PATH}, or for many events at once to {bulk.PATH}, with POST"
    else:
        right = f"{native.PATH}, or in another platform's form to /d/<platform>/postback"
    return f"{path} is no address of ours: nothing was counted. Send it to {right}."
