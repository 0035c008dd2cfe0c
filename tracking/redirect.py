"""`GET /c/<code>`: record the click, then send the visitor on. Answered only when the click is durable."""

import time
from collections.abc import Mapping
from uuid import UUID, uuid4

from django.conf import settings

from tracking import click_id
from tracking.batching import Batcher, QueueFull
from tracking.capture import format_row
from tracking.click_writer import ClickNotStored
from tracking.destination import deep_template, render
from tracking.http import (
    HTML,
    NO_STORE,
    Header,
    Receive,
    Scope,
    Send,
    TooManyFields,
    clean,
    client_ip,
    cookies,
    header,
    pairs,
    respond,
)
from tracking.link_cache import LinkCache, Route
from tracking.models import SUB_IDS

PREFIX = "/c/"
VISITOR_COOKIE = "aff_visitor"
CLICK_COOKIE = "aff_click_"
COOKIE_SECONDS = 90 * 86400
VALUE_LIMIT = 255
_QUERY_COLUMNS = ("aff_click_id", "source", *SUB_IDS)


def _page(title: str, text: str) -> bytes:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><body><h1>{title}</h1><p>{text}</p>"
    ).encode()


NOT_FOUND = _page("Link not found", "This link does not exist. Please check the address you followed.")
GONE = _page("No longer available", "This offer is not available at the moment.")
TRY_AGAIN = _page("Please try again", "The page you are going to could not be reached just now. Try again in a moment.")


class RedirectHandler:
    """The ASGI handler of a process: its cache of links and its writer of clicks."""

    def __init__(self, *, cache: LinkCache, writer: "Batcher[bytes, None]") -> None:
        self._cache, self._writer = cache, writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, [(b"allow", b"GET, HEAD"), NO_STORE])
            return
        try:
            route = await self._route(scope["path"][len(PREFIX) :].lower())
        except ConnectionError:
            await respond(send, 503, [HTML, NO_STORE, (b"retry-after", b"2")], TRY_AGAIN)
            return
        if route is None:
            await respond(send, 404, [HTML, NO_STORE], NOT_FOUND)
        elif not route.is_open:
            await self._closed(route, send)
        else:
            await self._open(route, scope, send)

    async def _route(self, code: str) -> Route | None:
        try:
            return self._cache.get(code)
        except KeyError:
            return await self._cache.load(code) if 0 < len(code) <= 40 and code.isascii() else None

    async def _closed(self, route: Route, send: Send) -> None:
        if route.fallback_url:
            await respond(send, 302, [(b"location", route.fallback_url.encode()), NO_STORE])
        else:
            await respond(send, 410, [HTML, NO_STORE], GONE)

    async def _open(self, route: Route, scope: Scope, send: Send) -> None:
        try:
            query = _query(scope)
        except TooManyFields:
            query = {}
        milliseconds = int(time.time() * 1000)
        raw_id = click_id.new_bytes(link_number=route.number, milliseconds=milliseconds)
        text = click_id.sign(raw_id)
        headers: list[Header] = [NO_STORE]
        if scope["method"] == "GET":
            visitor, headers = _cookies(scope, route, text)
            row = format_row(
                raw_id=raw_id,
                milliseconds=milliseconds,
                link_number=route.number,
                ip=client_ip(scope),
                visitor=visitor,
                texts=[
                    header(scope, b"user-agent"),
                    header(scope, b"referer"),
                    *(query.get(n, "") for n in _QUERY_COLUMNS),
                ],
            )
            try:
                await self._writer.submit(row)
            except QueueFull:
                await respond(send, 503, [HTML, NO_STORE, (b"retry-after", b"2")], TRY_AGAIN)
                return
            except ClickNotStored:
                pass  # Database and disk are both gone: the row is in the log, and the ID proves itself.
        template = (deep_template(query["url"], route.deep_link_hosts) if "url" in query else None) or route.template
        location = render(template, _values(route, query, text, milliseconds))
        await respond(send, 302, [(b"location", location.encode()), *headers])


def _query(scope: Scope) -> dict[str, str]:
    """The link's parameters; the first of a repeated one counts."""
    found: dict[str, str] = {}
    if scope["query_string"]:
        for name, value in pairs(scope["query_string"]):
            found.setdefault(name, clean(value, 2000 if name == "url" else VALUE_LIMIT))
    return found


def _values(route: Route, query: Mapping[str, str], text: str, milliseconds: int) -> dict[str, str]:
    return {
        **query,
        "click_id": text,
        "affiliate_id": route.affiliate_id,
        "offer_id": route.offer_id,
        "link_code": route.code,
        "country": "",
        "timestamp": str(milliseconds // 1000),
    }


def _cookies(scope: Scope, route: Route, text: str) -> tuple[UUID, list[Header]]:
    """The visitor's ID, and headers that keep it and the last click per advertiser, for the pixel."""
    try:
        visitor = UUID(hex=cookies(scope).get(VISITOR_COOKIE, ""))
    except ValueError:
        visitor = uuid4()
    # A pixel on the advertiser's page is a third party there: only SameSite=None cookies reach us; they need Secure.
    rest = f"; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; " + (
        "Secure; SameSite=None" if settings.REQUIRE_HTTPS else "SameSite=Lax"
    )
    values = (f"{VISITOR_COOKIE}={visitor.hex}{rest}", f"{CLICK_COOKIE}{route.advertiser_id}={text}{rest}")
    return visitor, [NO_STORE, *((b"set-cookie", value.encode()) for value in values)]
