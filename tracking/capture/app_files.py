"""The association files of apps: systems read them to open an app for addresses of our hosts.

`/.well-known/apple-app-site-association` (Apple, "Supporting associated domains") and `/.well-known/assetlinks.json`
(Android, "Verify Android App Links") are made from the panel's apps. They are read again when a link or an app changes,
and served from memory, on every host that serves links.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from tracking.capture.hosts import bare
from web.http import JSON, NO_STORE, TEXT, Handler, Header, Receive, Scope, Send, header, respond

APPLE, ANDROID = "/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"
READ_APPS = """
SELECT app.team_id, app.bundle_id, app.package_name, app.fingerprints, app.hosts, app.link_paths
FROM affiliates_mobileapp app JOIN affiliates_advertiser advertiser ON advertiser.id = app.advertiser_id
WHERE app.is_active AND advertiser.is_active ORDER BY app.id
"""
CACHE: tuple[Header, ...] = ((b"cache-control", b"public, max-age=3600"), (b"x-content-type-options", b"nosniff"))
# The tag's address of a link answers data, and opens no app.
NOT_OPENED = {"/": "/c/*.json", "exclude": True}


class App(NamedTuple):
    """An app as `READ_APPS` reads it."""

    team_id: str
    bundle_id: str
    package_name: str
    fingerprints: list[str]
    hosts: list[str]
    link_paths: list[str]

    def is_on(self, host: str) -> bool:
        return not self.hosts or host in self.hosts


class AppFiles:
    """The files of one process; the listener of `link_cache` keeps the apps up to date."""

    def __init__(self) -> None:
        # None until the database has answered.
        self.apps: list[App] | None = None
        self._made: dict[tuple[str, str], bytes] = {}

    def load(self, rows: Iterable[tuple[object, ...]]) -> None:
        self.apps, self._made = [App(*row) for row in rows], {}  # type: ignore[arg-type]

    @property
    def handlers(self) -> dict[str, Handler]:
        return {APPLE: self._answer, ANDROID: self._answer}

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await respond(send, 405, [TEXT, (b"allow", b"GET, HEAD")], b"Ask with GET.\n")
            return
        if self.apps is None:
            await respond(send, 503, [TEXT, NO_STORE, (b"retry-after", b"2")], b"Try again in a moment.\n")
            return
        content = self._file(scope["path"], bare(header(scope, b"host")))
        if not content:
            await respond(send, 404, [TEXT, *CACHE], b"No app is associated with this host.\n")
        elif scope["method"] == "HEAD":
            length = (b"content-length", b"%d" % len(content))
            await send({"type": "http.response.start", "status": 200, "headers": [JSON, *CACHE, length]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await respond(send, 200, [JSON, *CACHE], content)

    def _file(self, path: str, host: str) -> bytes:
        """The content, empty where no app of the system is on the host. At most one is kept for a host that has one."""
        key = path, host
        if (made := self._made.get(key)) is not None:
            return made
        here = [app for app in self.apps or () if app.is_on(host)]
        document = apple_file(here) if path == APPLE else android_file(here)
        content = json.dumps(document, indent=2).encode() + b"\n" if document else b""
        if content and len(self._made) < 1_000:
            self._made[key] = content
        return content


def apple_file(apps: Iterable[App]) -> dict[str, object]:
    details = [
        {
            "appIDs": [f"{app.team_id}.{app.bundle_id}"],
            "components": [NOT_OPENED, *({"/": path} for path in app.link_paths)],
        }
        for app in apps
        if app.team_id
    ]
    return {"applinks": {"details": details}} if details else {}


def android_file(apps: Iterable[App]) -> list[dict[str, object]]:
    return [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": app.package_name,
                "sha256_cert_fingerprints": app.fingerprints,
            },
        }
        for app in apps
        if app.package_name
    ]
