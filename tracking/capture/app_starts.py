"""`GET /app/click.json`: an app's first start learns which click brought it, by the click ID that it holds.

Only by that: the install referrer of the Play Store, an address that opened the app, or one that the visitor pasted. No
visitor is recognized by address, model or fonts: such a guess would credit the wrong affiliate and follow people who
did not agree. An ID is signed and cannot be guessed, so it opens its own click alone; the answer has what the landing
page of that click was sent, and nothing else.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.db import close_old_connections, connections

from records.addresses import MACRO
from tracking.capture.destination import render
from tracking.capture.routes import route_of
from tracking.click_id.codec import ClickID, parse, text_of
from tracking.click_id.pasted import click_ids_in
from tracking.models import SUB_IDS, Click, TrackingLink
from web.client_address import origin_of
from web.http import NO_STORE, TEXT, Receive, Scope, Send, TooManyFields, client_ip, pairs, respond, respond_json
from web.rest.minutes import count_in_this_minute, rest_of_this_minute

PATH = "/app/click.json"
# Where the app may have found the click ID; the first that holds a genuine one counts.
NAMES = ("click_id", "referrer", "link")
# Google Play keeps an install referrer for 90 days.
MOST_DAYS = 90
PATIENCE = 5.0
LABELS = ("source", *SUB_IDS)

log = structlog.get_logger(__name__)


class AppStartHandler:
    """The ASGI handler of a process, with threads of its own that read the database."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="app-starts")

    def close(self) -> None:
        for _ in range(2):
            self._threads.submit(connections.close_all)
        self._threads.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, [TEXT, NO_STORE, (b"allow", b"GET, HEAD")], b"Ask with GET.\n")
            return
        loop = asyncio.get_running_loop()
        try:
            reading = loop.run_in_executor(self._threads, _answer_in_thread, scope["query_string"], client_ip(scope))
            status, body = await asyncio.wait_for(reading, PATIENCE)
        except Exception as error:
            log.error("app_start_not_answered", error=str(error).strip() or repr(error))
            status, body = 503, _refusal("try_again", "The click could not be read. Try again in a moment.")
        wait = [(b"retry-after", b"%d" % max(1, int(rest_of_this_minute())))] if status in (429, 503) else []
        await respond_json(send, status, body, wait)


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"click_id": None, "error": code, "message": message}


def _answer_in_thread(query: bytes, ip: str | None) -> tuple[int, dict[str, Any]]:
    close_old_connections()
    if _asks_too_often(ip):
        return 429, _refusal("too_many_requests", "Too many requests from this address. Try again in a minute.")
    try:
        sent = dict(reversed(pairs(query)))
    except TooManyFields:
        sent = {}
    found = next((text for name in NAMES for text in click_ids_in(sent.get(name, ""))), "")
    click = parse(found) if found else None
    if click is None:
        named = ", ".join(NAMES)
        return 404, _refusal("unknown_click", f"None of {named} holds a click ID that was made here.")
    if not 0 <= time.time() - click.made_at.timestamp() <= MOST_DAYS * 86_400:
        return 404, _refusal("click_too_old", f"The click is more than {MOST_DAYS} days old.")
    return answer_for(click)


def _asks_too_often(ip: str | None) -> bool:
    """Whether the address has used up this minute. No limit without Redis."""
    limit: int = settings.APP_STARTS_PER_MINUTE
    try:
        return bool(limit) and count_in_this_minute(f"app-starts:{origin_of(ip)}") > limit
    except redis.RedisError as error:
        log.warning("app_start_limit_not_counted", error=str(error).strip())
        return False


def answer_for(click: ClickID) -> tuple[int, dict[str, Any]]:
    """What the landing page of the click was sent. A click that is not stored yet, or no longer, has no labels."""
    links = TrackingLink.objects.select_related("enrollment__affiliate", "enrollment__offer__advertiser")
    link = links.prefetch_related("enrollment__offer__destinations").filter(pk=click.link_number).first()
    if link is None:
        return 404, _refusal("unknown_click", "The link of this click does not exist any more.")
    row = Click.objects.filter(pk=click.uuid).first()
    route = route_of(link)
    labels = {name: getattr(row, name) for name in LABELS if row}
    values = {
        **labels,
        "aff_click_id": row.aff_click_id if row else "",
        "click_id": text_of(click.uuid),
        "affiliate_id": route.affiliate_id,
        "offer_id": route.offer_id,
        "link_code": route.code,
        "country": row.country if row else "",
        "consent": row.consent if row else "",
        "timestamp": str(int(click.made_at.timestamp())),
    }
    destination = render(route.template, values)
    parts = urlsplit(destination)
    # The advertiser's app may have the labels that the advertiser's page is sent.
    sent_on = set(MACRO.findall(link.destination_url or link.enrollment.offer.destination_url))
    return 200, {
        "click_id": values["click_id"],
        "clicked_at": click.made_at.isoformat(),
        "destination": destination,
        "path": parts.path or "/",
        "query": parts.query,
        "labels": {name: value for name, value in labels.items() if name in sent_on and value},
        "is_complete": row is not None,
    }
