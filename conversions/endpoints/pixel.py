"""`GET|POST /pixel.gif` and `GET /pixel.js`: an event reported by the visitor's browser on the advertiser's page.

The answer is always an image; the result is in the headers `X-Affidavit-Outcome` and `X-Affidavit-Reason`. The click ID
is sent as `click_id`, or read from the cookie that the tracking link set. `/pixel.js` is a small script that requests
the image with the values of its own `data-` attributes. A browser that leaves the page before the image has loaded
sends the event again by POST (`navigator.sendBeacon`); an event that arrives twice counts once.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from conversions.dialects.answers import PIXEL
from conversions.dialects.other_names import ALIAS, OWN, meaning_of
from conversions.endpoints.native import PATIENCE, not_decided, take_in
from conversions.intake import Decision, Received
from conversions.models import Postback
from conversions.reasons.codes import Reason
from conversions.reasons.refusals import refusal
from tracking.capture.redirect import CLICK_COOKIE
from web.batching import Batcher
from web.http import NO_STORE, Header, Receive, Scope, Send, cookie, header, request_id, respond, respond_json
from web.request_body import BodyCutOff, last_header, linger

IMAGE_PATH, SCRIPT_PATH = "/pixel.gif", "/pixel.js"
# The page must not wait for this script; one that is an hour old does no harm.
SCRIPT_HEADERS: list[Header] = [
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=3600"),
]


class PixelHandler:
    """The ASGI handler of a process; its requests share the batches of the native endpoint."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer
        self._script = (Path(settings.BASE_DIR) / "static" / "tag" / "pixel.js").read_bytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = ("GET", "HEAD") if scope["path"] == SCRIPT_PATH else ("GET", "HEAD", "POST")
        if scope["method"] not in methods:
            allowed = ", ".join(methods)
            body = refusal(Reason.WRONG_METHOD, f"The pixel is requested with {allowed}.", field="method")
            await respond_json(send, 405, body, [(b"allow", allowed.encode())])
        elif scope["path"] == SCRIPT_PATH:
            await respond(send, 200, SCRIPT_HEADERS, self._script)
        elif scope["method"] == "HEAD":
            await respond(send, 200, _outcome_headers(scope, "", ""), PIXEL)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            received = await take_in(scope, receive, Postback.Endpoint.PIXEL)
            received.headers |= _page_of(scope)
            _add_click(received, scope)
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            body = decision.body
        except BodyCutOff:
            return
        except Exception as error:
            _, body = not_decided(error)
        await respond(send, 200, _outcome_headers(scope, body["outcome"], body["reason"]), PIXEL)
        await linger(receive, scope)


def _outcome_headers(scope: Scope, outcome: str, reason: str) -> list[Header]:
    """The headers of the image, which report the result."""
    return [
        (b"content-type", b"image/gif"),
        (b"x-affidavit-outcome", outcome.encode()),
        (b"x-affidavit-reason", reason.encode()),
        (b"x-request-id", request_id(scope).encode()),
        *last_header(scope),
        NO_STORE,
    ]


def _page_of(scope: Scope) -> dict[str, str]:
    """The host of the page that the pixel is on; the rest of its address may be private and is not stored."""
    try:
        return {"referer": urlsplit(header(scope, b"referer")).hostname or ""}
    except ValueError:
        return {"referer": ""}


def _add_click(received: Received, scope: Scope) -> None:
    """Add the click from the cookie, unless the request names one or is signed: the cookie is not signed."""
    if received.signed:
        return
    sent = dict(reversed(received.parameters))
    known = cookie(scope, CLICK_COOKIE + sent.get("advertiser", "")) if sent.get("advertiser") else ""
    named = [name for name, _ in received.parameters if _names_the_click(name)]
    if known and not any(value.strip() for name, value in received.parameters if name in named):
        received.parameters = [pair for pair in received.parameters if pair[0] not in named]
        received.parameters.append(("click_id", known))


def _names_the_click(name: str) -> bool:
    meaning = meaning_of(name)
    return meaning.kind in (OWN, ALIAS) and meaning.fields == ("click_id",)
