"""The tag heeds the visitor's consent: from the page, a platform of the IAB framework, or Google's consent mode."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TAG = settings.BASE_DIR / "static" / "tag" / "affidavit.js"
PAGE = """<!doctype html><link rel=icon href=data:,><title>Landing</title>
<form><input type=hidden name=click_id></form><script>{before}</script>
<script src="{host}/static/tag/affidavit.js" {attributes}></script>"""
TCF = """
var listeners = [];
window.__tcfapi = function (command, version, call) {
  listeners.push(call);
  if (%s) call(%s, true);
};
"""
GRANTED = """{eventStatus: "tcloaded", gdprApplies: true, tcString: "CGRANTED",
  purpose: {consents: {1: true, 7: true}, legitimateInterests: {}}}"""
DENIED = """{eventStatus: "tcloaded", gdprApplies: true, tcString: "CDENIED",
  purpose: {consents: {}, legitimateInterests: {7: true}}}"""
ASKING = '{eventStatus: "cmpuishown", gdprApplies: true, tcString: "COLD"}'
LAYER = "window.dataLayer = []; function gtag() { dataLayer.push(arguments); }\n"


class Site:
    """The shop under one name, the tracking host under another; it keeps the queries of registered clicks."""

    def __init__(self) -> None:
        self.before = self.attributes = ""
        self.may_store = True
        self.registered: list[dict[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path.endswith(".js"):
                    self._send("text/javascript", TAG.read_bytes())
                elif parts.path.endswith(".json"):
                    site.registered.append(dict(parse_qsl(parts.query)))
                    answer = {"click_id": f"c{len(site.registered)}", "may_store": site.may_store}
                    self._send("application/json", json.dumps(answer).encode())
                else:
                    page = PAGE.format(host=site.tracking, before=site.before, attributes=site.attributes)
                    self._send("text/html", page.encode())

            def _send(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.shop, self.tracking = (f"http://{name}:{self.server.server_port}" for name in ("localhost", "127.0.0.1"))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def land(site: Site, page: Page, path: str = "/landing?aff=ana") -> None:
    page.goto(f"{site.shop}{path}")
    page.wait_for_function("document.querySelector('input').value")


def stored(page: Page) -> set[str]:
    local = page.evaluate("Object.keys(localStorage)")
    return {name for name in [*local, *(each["name"] for each in page.context.cookies())] if "affidavit" in name}


@pytest.mark.parametrize(
    ("before", "attributes", "is_stored", "sent"),
    [
        ("", "", True, {}),
        ("", "data-consent=granted", True, {"consent": "granted"}),
        ("", "data-consent=denied", False, {"consent": "denied"}),
        ("", "data-consent=required", False, {}),
        (TCF % ("true", GRANTED), "", True, {"gdpr": "1", "gdpr_consent": "CGRANTED"}),
        (TCF % ("true", DENIED), "", False, {"gdpr": "1", "gdpr_consent": "CDENIED"}),
        (TCF % ("true", ASKING), "", False, {"consent": "unknown"}),
        (TCF % ("false", "null"), "", False, {"consent": "unknown"}),
        (TCF % ("true", "{gdprApplies: false}"), "", True, {"gdpr": "0"}),
        (LAYER + "gtag('consent', 'default', {ad_storage: 'denied'});", "", False, {"gcs": "G10-"}),
        (
            LAYER + "gtag('consent', 'default', {ad_storage: 'denied'});"
            "gtag('consent', 'update', {ad_storage: 'granted', analytics_storage: 'granted'});",
            "data-consent=required",
            True,
            {"gcs": "G111"},
        ),
        (LAYER + "gtag('consent', 'update', {ad_storage: 'granted'});", "data-consent=denied", False, {"gcs": "G11-"}),
    ],
)
def test_what_is_stored_and_sent_is_what_the_visitor_agreed_to(
    site: Site, page: Page, before: str, attributes: str, is_stored: bool, sent: dict[str, str]
) -> None:
    site.before, site.attributes = before, attributes
    land(site, page)
    assert page.input_value("input") == "c1"
    assert bool(stored(page)) == is_stored
    (query,) = site.registered
    assert ("visitor" in query) == is_stored
    assert sent.items() <= query.items()


def test_a_consent_that_comes_later_stores_and_a_refusal_removes(site: Site, page: Page) -> None:
    site.attributes = "data-consent=required"
    land(site, page)
    page.evaluate("Affidavit.consent('granted')")
    assert "affidavit_click" in stored(page)
    page.evaluate("Affidavit.consent('denied')")
    assert stored(page) == set()
    assert page.evaluate("Affidavit.clickId()") == "c1"


def test_the_decision_in_the_platforms_window_is_followed(site: Site, page: Page) -> None:
    site.before = TCF % ("true", ASKING)
    land(site, page)
    assert stored(page) == set()
    page.evaluate(f"listeners[0]({GRANTED}, true)")
    assert "affidavit_click" in stored(page)
    page.evaluate(f"listeners[0]({DENIED}, true)")
    assert stored(page) == set()


def test_a_returning_visitor_keeps_the_click_while_the_platform_still_loads(site: Site, page: Page) -> None:
    land(site, page)
    site.before = TCF % ("false", "null")
    page.goto(f"{site.shop}/other")
    page.wait_for_function("window.Affidavit")
    page.wait_for_timeout(1200)
    assert "affidavit_click" in stored(page)


def test_a_program_that_requires_consent_is_obeyed(site: Site, page: Page) -> None:
    site.may_store = False
    land(site, page)
    assert page.input_value("input") == "c1"
    assert stored(page) == set()


def test_a_click_id_in_the_address_reaches_the_form_without_consent(site: Site, page: Page) -> None:
    site.attributes = "data-consent=denied"
    land(site, page, "/landing?click_id=from-the-link")
    assert page.input_value("input") == "from-the-link"
    assert stored(page) == set()
