"""`GET /c/<code>`: record the click, then redirect the visitor. The answer is sent only when the click is durable."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from tracking.capture.click_writer import ClickNotStored
from tracking.capture.clicks import format_row
from tracking.capture.destination import Template, deep_template, render, with_parameters
from tracking.capture.link_cache import LinkCache
from tracking.capture.link_query import COLUMNS, Pairs, read_query
from tracking.capture.link_repairs import repaired
from tracking.capture.opening_page import HEADERS as OPENING_PAGE_HEADERS
from tracking.capture.opening_page import opening_page
from tracking.capture.routes import Route, Visitor
from tracking.capture.targeting import visitor_of
from tracking.click_id import codec
from tracking.consent.policy import NETWORK_IDS, may_pass_on, may_store
from tracking.consent.signals import NAMES as CONSENT_NAMES
from tracking.consent.signals import NOTHING_SAID, Consent, read_consent
from tracking.visitors.identity import known_visitor, new_visitor, pseudonym_of_the_day
from tracking.visitors.privacy import truncate_ip
from web.batching import Batcher, QueueFull
from web.http import (
    HTML,
    NO_STORE,
    Header,
    Receive,
    Scope,
    Send,
    client_ip,
    cookie,
    header,
    respond,
    respond_json,
)

PREFIX = "/c/"
VISITOR_COOKIE = "aff_visitor"
CLICK_COOKIE = "aff_click_"
COOKIE_SECONDS = 90 * 86400
# A pixel on the advertiser's page is a third party there: only SameSite=None cookies reach us; they need Secure.
_KEPT = f"; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; "
_SECURE, _LAX = _KEPT + "Secure; SameSite=None", _KEPT + "SameSite=Lax"
# A link's address alone redirects; with `.json` it answers the click ID.
FORMS = ("", "json")
_CODE = re.compile(r"[a-z0-9_-]{1,40}")
LOOK_HEADERS = frozenset({b"purpose", b"sec-purpose", b"x-purpose", b"x-moz"})
NOBODY = Visitor()
ANY_ORIGIN: Header = (b"access-control-allow-origin", b"*")


def _page(title: str, text: str) -> bytes:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><body><h1>{title}</h1><p>{text}</p>"
    ).encode()


NOT_FOUND = _page("Link not found", "This link does not exist. Please check the address you followed.")
GONE = _page("No longer available", "This offer is not available at the moment.")
TRY_AGAIN = _page("Please try again", "The page you are going to could not be reached just now. Try again in a moment.")


class RedirectHandler:
    """The ASGI handler of a process, with its cache of links and its writer of clicks."""

    def __init__(self, *, cache: LinkCache, writer: "Batcher[bytes, None]") -> None:
        self._cache, self._writer = cache, writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, [(b"allow", b"GET, HEAD"), NO_STORE])
            return
        text = scope["path"][len(PREFIX) :]
        code, _, form = text.lower().partition(".")
        try:
            route = await self._route(code) if form in FORMS else None
            if route is None and (link := repaired(text, scope["query_string"])) and link.form in FORMS:
                scope = {**scope, "query_string": link.query}
                form, route = link.form, await self._route(link.code)
        except ConnectionError:
            await respond(send, 503, [HTML, NO_STORE, (b"retry-after", b"2")], TRY_AGAIN)
            return
        if route is None:
            await respond(send, 404, [HTML, NO_STORE], NOT_FOUND)
            return
        milliseconds = int(time.time() * 1000)
        ip, agent = client_ip(scope), header(scope, b"user-agent")
        visitor = visitor_of(ip, agent) if route.is_targeted else NOBODY
        if route.is_open_at(milliseconds) and route.admits(visitor):
            await self._open(route, Visit(scope, milliseconds, ip, agent, visitor, form == "json"), send)
        else:
            await self._closed(route, form == "json", send)

    async def _route(self, code: str) -> Route | None:
        try:
            return self._cache.get(code)
        except KeyError:
            return await self._cache.load(code) if _CODE.fullmatch(code) else None

    async def _closed(self, route: Route, is_direct: bool, send: Send) -> None:
        if route.fallback_url and not is_direct:
            await respond(send, 302, [(b"location", route.fallback_url.encode()), NO_STORE])
        else:
            await respond(send, 410, [HTML, NO_STORE], GONE)

    async def _open(self, route: Route, visit: "Visit", send: Send) -> None:
        raw_id = codec.new_bytes(link_number=route.number, milliseconds=visit.milliseconds)
        text = codec.sign(raw_id)
        query, others = read_query(visit.scope)
        consent = NOTHING_SAID if CONSENT_NAMES.isdisjoint(query) else read_consent(query)
        headers: list[Header] = [NO_STORE]
        if not _is_only_a_look(visit.scope):
            stores = may_store(consent.state)
            visitor, headers = _cookies(visit, route, text, query) if stores else _no_cookies(visit, route)
            try:
                await self._writer.submit(_row(raw_id, route, visit, visitor, query, consent, stores))
            except QueueFull:
                await respond(send, 503, [HTML, NO_STORE, (b"retry-after", b"2")], TRY_AGAIN)
                return
            except ClickNotStored:
                pass  # Database and disk are both unavailable: the row is in the log, and the ID is still genuine.
        leads = _Leads(route, visit, query, others, text, consent)
        if visit.is_direct:
            body = {"click_id": text, "may_store": may_store(consent.state), "destination": leads.to(route.template)}
            await respond_json(send, 200, body, [ANY_ORIGIN])
            return
        target = route.target_for(visit.visitor) if route.targets and not leads.deep else None
        if target and target.by_page:
            page = opening_page(app=leads.to(target.template), page=leads.to(route.template))
            await respond(send, 200, [*OPENING_PAGE_HEADERS, *headers[1:]], page)
            return
        location = leads.to(target.template if target else route.template)
        await respond(send, 302, [(b"location", location.encode()), *headers])


@dataclass(frozen=True, slots=True)
class Visit:
    """One request through a link, as far as it was processed."""

    scope: Scope
    milliseconds: int
    ip: str | None
    agent: str
    visitor: Visitor
    # The tag on a landing page only requests the click ID: the visitor is already there.
    is_direct: bool


def _is_only_a_look(scope: Scope) -> bool:
    """Whether it is HEAD or a browser's prefetch: answered, never counted."""
    if scope["method"] == "HEAD":
        return True
    return any(
        name in LOOK_HEADERS and (b"prefetch" in value or b"preview" in value) for name, value in scope["headers"]
    )


def _row(
    raw_id: bytes,
    route: Route,
    visit: Visit,
    visitor: str,
    query: Mapping[str, str],
    consent: Consent,
    stores: bool,
) -> bytes:
    """The row of the click. Of a visitor who refused: the network, the agent until its marks, the site before."""
    ip, referrer = visit.ip, _referrer(visit, query)
    if ip and (settings.CLICK_IP_TRUNCATE or not stores):
        ip = truncate_ip(ip) or None
    return format_row(
        raw_id=raw_id,
        milliseconds=visit.milliseconds,
        link_number=route.number,
        ip=ip,
        visitor=visitor,
        texts=[
            visit.agent,
            referrer if stores else _site(referrer),
            *(query.get(name, "") for name in COLUMNS),
        ],
        consent=consent,
    )


def _site(referrer: str) -> str:
    """The site that the visitor came from, without the page."""
    parts = referrer.split("/", 3)
    return f"{parts[0]}//{parts[2]}/" if len(parts) > 2 and parts[0] in ("http:", "https:") else ""


def _referrer(visit: Visit, query: Mapping[str, str]) -> str:
    """The referrer. The tag's own request comes from the landing page, so the tag sends it as a parameter."""
    return query.get("referrer", "")[:500] if visit.is_direct else header(visit.scope, b"referer")


class _Leads:
    """Where a click leads: a deep link if the offer allows it, else a destination; macros and passed parameters."""

    __slots__ = ("deep", "passed", "values")

    def __init__(
        self, route: Route, visit: Visit, query: Mapping[str, str], others: Pairs, text: str, consent: Consent
    ) -> None:
        self.deep = deep_template(query["url"], route.deep_link_hosts, route.click_pairs) if "url" in query else None
        self.values = _values(route, visit, query, text, consent)
        passes = route.passes
        self.passed = others if passes is None else [pair for pair in others if pair[0] in passes] if passes else []
        if self.passed and not may_pass_on(consent.state):
            self.passed = [pair for pair in self.passed if pair[0].lower() not in NETWORK_IDS]

    def to(self, template: Template) -> str:
        address = render(self.deep or template, self.values)
        return with_parameters(address, self.passed) if self.passed else address


def _values(route: Route, visit: Visit, query: Mapping[str, str], text: str, consent: Consent) -> dict[str, str]:
    return {
        **query,
        "consent": consent.state,
        "click_id": text,
        "affiliate_id": route.affiliate_id,
        "offer_id": route.offer_id,
        "link_code": route.code,
        "country": visit.visitor.country,
        "timestamp": str(visit.milliseconds // 1000),
    }


def _cookies(visit: Visit, route: Route, text: str, query: Mapping[str, str]) -> tuple[str, list[Header]]:
    """The visitor's ID, and headers that set it and the last click per advertiser, for the pixel.

    The tag stores the visitor's ID on the landing page's own host and sends it.
    """
    sent = query.get("visitor", "") if visit.is_direct else cookie(visit.scope, VISITOR_COOKIE)
    visitor = (known_visitor(sent) if sent else None) or new_visitor(visit.milliseconds)
    rest = _SECURE if settings.REQUIRE_HTTPS else _LAX
    return visitor, [
        NO_STORE,
        (b"set-cookie", f"{VISITOR_COOKIE}={visitor}{rest}".encode()),
        (b"set-cookie", f"{CLICK_COOKIE}{route.advertiser_id}={text}{rest}".encode()),
    ]


def _no_cookies(visit: Visit, route: Route) -> tuple[str, list[Header]]:
    """For a visitor who refused: an ID of the day, and headers that clear the cookies that are still there."""
    visitor = pseudonym_of_the_day(milliseconds=visit.milliseconds, ip=visit.ip, agent=visit.agent)
    attributes = (_SECURE if settings.REQUIRE_HTTPS else _LAX).replace(f"Max-Age={COOKIE_SECONDS}", "Max-Age=0")
    held = () if visit.is_direct else (VISITOR_COOKIE, f"{CLICK_COOKIE}{route.advertiser_id}")
    gone = [(b"set-cookie", f"{name}=0{attributes}".encode()) for name in held if cookie(visit.scope, name)]
    return visitor, [NO_STORE, *gone]
