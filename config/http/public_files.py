"""Files for machines on every host, tracking domains too: `/robots.txt`, `/.well-known/security.txt` (RFC 9116)."""

import re
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from web.http import TEXT, Handler, Header, Receive, Scope, Send, header, respond

ROBOTS = "/robots.txt"
SECURITY = "/.well-known/security.txt"
OLD_SECURITY = "/security.txt"
# Nothing here is for search engines: links count clicks, and all pages are behind a sign-in.
NO_ROBOTS = b"User-agent: *\nAllow: /robots.txt\nAllow: /.well-known/\nDisallow: /\n"
NO_CONTACT = b"No contact for reports on security is set here (SECURITY_CONTACT).\n"
# Renewed every day. The RFC asks for less than a year.
VALID_FOR = timedelta(days=180)
CACHE: tuple[Header, ...] = ((b"cache-control", b"public, max-age=3600"), (b"x-content-type-options", b"nosniff"))
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?")


def security_text(*, host: str, now: datetime) -> str:
    """The file as this host serves it; nothing where no contact is set."""
    if not settings.SECURITY_CONTACTS:
        return ""
    expires = datetime.combine(now.date(), time(), UTC) + VALID_FOR
    lines = [f"Contact: {contact}" for contact in settings.SECURITY_CONTACTS]
    lines += [f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: en"]
    lines += [f"Canonical: {address}" for address in _addresses(host)]
    lines += [f"Policy: {settings.SECURITY_POLICY_URL}"] if settings.SECURITY_POLICY_URL else []
    return "\n".join([*lines, ""])


def _addresses(host: str) -> list[str]:
    """Where the file is: at the public address, and on this host where that is another, such as a tracking domain."""
    public = urlsplit(settings.PUBLIC_URL)
    found = [f"{settings.PUBLIC_URL}{SECURITY}"]
    if _HOST.fullmatch(host) and host != public.netloc.lower():
        found.append(f"{public.scheme}://{host}{SECURITY}")
    return found


async def _robots(scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(scope, send, NO_ROBOTS)


async def _security(scope: Scope, receive: Receive, send: Send) -> None:
    text = security_text(host=header(scope, b"host").lower(), now=datetime.now(UTC))
    await _answer(scope, send, text.encode() or NO_CONTACT, status=200 if text else 404)


async def _moved(scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(scope, send, b"", status=301, headers=((b"location", SECURITY.encode()),))


async def _answer(
    scope: Scope, send: Send, body: bytes, *, status: int = 200, headers: tuple[Header, ...] = ()
) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        await respond(send, 405, [TEXT, (b"allow", b"GET, HEAD")], b"Ask with GET.\n")
    elif scope["method"] == "HEAD":
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [TEXT, *CACHE, *headers, length]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await respond(send, status, [TEXT, *CACHE, *headers], body)


FILES: dict[str, Handler] = {ROBOTS: _robots, SECURITY: _security, OLD_SECURITY: _moved}
