"""`GET|POST /pixel.gif` and `GET /pixel.js`: an event told by the visitor's browser on the advertiser's page.

The image is always an image: what came of it stands in the headers `X-Affidavit-Outcome` and `X-Affidavit-Reason`.
The click comes as `click_id`, else from the cookie that the tracking link set. `/pixel.js` is a small script that
calls the image with what its own `data-` attributes say; a browser that leaves the page before the image has come tells
it once more by POST (`navigator.sendBeacon`), and what arrives twice counts once.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from conversions.dialects.answers import PIXEL
from conversions.intake import Decision, Received
from conversions.models import Postback
from conversions.postback_door import PATIENCE, take_in, try_again
from tracking.batching import Batcher, QueueFull
from tracking.http import NO_STORE, Header, Receive, Scope, Send, cookie, header, request_id, respond
from tracking.redirect import CLICK_COOKIE

IMAGE_PATH, SCRIPT_PATH = "/pixel.gif", "/pixel.js"
# A page's visitor waits for nothing: an hour's old script does no harm.
SCRIPT_HEADERS: list[Header] = [
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=3600"),
]

log = structlog.get_logger(__name__)


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
        else:
            outcome, reason = await self._told(scope, receive) if scope["method"] != "HEAD" else ("", "")
            said: list[Header] = [
                (b"content-type", b"image/gif"),
                (b"x-affidavit-outcome", outcome.encode()),
                (b"x-affidavit-reason", reason.encode()),
                (b"x-request-id", request_id(scope).encode()),
                NO_STORE,
            ]
            await respond(send, 200, said, PIXEL)

    async def _told(self, scope: Scope, receive: Receive) -> tuple[str, str]:
        try:
            received = await take_in(scope, receive, Postback.Door.PIXEL)
            received.headers |= _page_of(scope)
            _add_click(received, scope)
            decision = await asyncio.wait_for(self._gatherer.submit(received), PATIENCE)
            return decision.body["outcome"], decision.body["reason"]
        except Exception as error:
            if not isinstance(error, QueueFull):
                log.error("pixel_not_decided", error=str(error).strip() or repr(error))
            body = try_again()
            return str(body["outcome"]), str(body["reason"])


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
