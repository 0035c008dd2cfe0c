"""`GET|POST /pixel.gif` and `GET /pixel.js`: an event told by the visitor's browser on the advertiser's page.

The image is always an image: what came of it stands in the headers `X-Affidavit-Outcome` and `X-Affidavit-Reason`.
The click comes as `click_id`, else from the cookie that the tracking link set. `/pixel.js` is a small script that
calls the image with what its own `data-` attributes say; a browser that leaves the page before the image has come tells
it once more by POST (`navigator.sendBeacon`), and what arrives twice counts once.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from conversions.dialects.answers import PIXEL
from conversions.endpoints.native import PATIENCE, not_decided, take_in
from conversions.intake import Decision, Received
from conversions.models import Postback
from tracking.capture.redirect import CLICK_COOKIE
from web.batching import Batcher
from web.http import NO_STORE, Header, Receive, Scope, Send, cookie, header, request_id, respond
from web.request_body import BodyCutOff, last_header, linger

IMAGE_PATH, SCRIPT_PATH = "/pixel.gif", "/pixel.js"
# A page's visitor waits for nothing: an hour's old script does no harm.
SCRIPT_HEADERS: list[Header] = [
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=3600"),
]


class PixelHandler:
    """The ASGI handler of a process; its requests share the batches of the native door."""

    def __init__(self, gatherer: "Batcher[Received, Decision]") -> None:
        self._gatherer = gatherer
        self._script = (Path(settings.BASE_DIR) / "static" / "tag" / "pixel.js").read_bytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = ("GET", "HEAD") if scope["path"] == SCRIPT_PATH else ("GET", "HEAD", "POST")
        if scope["method"] not in methods:
            await respond(send, 405, [(b"allow", ", ".join(methods).encode()), NO_STORE])
        elif scope["path"] == SCRIPT_PATH:
            await respond(send, 200, SCRIPT_HEADERS, self._script)
        elif scope["method"] == "HEAD":
            await respond(send, 200, _said(scope, "", ""), PIXEL)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            received = await take_in(scope, receive, Postback.Door.PIXEL)
            received.headers |= _page_of(scope)
            _add_click(received, scope)
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            body = decision.body
        except BodyCutOff:
            return
        except Exception as error:
            _, body = not_decided(error)
        await respond(send, 200, _said(scope, body["outcome"], body["reason"]), PIXEL)
        await linger(receive, scope)


def _said(scope: Scope, outcome: str, reason: str) -> list[Header]:
    """The headers of the image, which say what came of the event."""
    return [
        (b"content-type", b"image/gif"),
        (b"x-affidavit-outcome", outcome.encode()),
        (b"x-affidavit-reason", reason.encode()),
        (b"x-request-id", request_id(scope).encode()),
        *last_header(scope),
        NO_STORE,
    ]


def _page_of(scope: Scope) -> dict[str, str]:
    """The host of the page that the pixel stands on; the rest of its address may hold what is nobody's business."""
    try:
        return {"referer": urlsplit(header(scope, b"referer")).hostname or ""}
    except ValueError:
        return {"referer": ""}


def _add_click(received: Received, scope: Scope) -> None:
    """The click from the advertiser's cookie, unless the request names one, or is signed: the cookie is not."""
    if received.signed:
        return
    sent = dict(reversed(received.parameters))
    known = cookie(scope, CLICK_COOKIE + sent.get("advertiser", "")) if sent.get("advertiser") else ""
    if known and not sent.get("click_id", "").strip():
        received.parameters = [pair for pair in received.parameters if pair[0] != "click_id"]
        received.parameters.append(("click_id", known))
