"""The tags in a real browser, on a page whose tracking host answers slowly or whose cookies are malformed."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page

from conversions.dialects.answers import PIXEL

pytestmark = pytest.mark.browser

TAGS = settings.BASE_DIR / "static" / "tag"
WITH_PIXEL = """<!doctype html><link rel=icon href=data:,><title>Thanks</title>
<script async src="{host}/pixel.js" data-advertiser="ad_1" data-event-type="purchase" data-txid="1001"></script>"""
WITH_TAG = """<!doctype html><link rel=icon href=data:,><title>Landing</title>
<form><input type=hidden name=click_id></form><script src="{host}/static/tag/affidavit.js"></script>"""
SAID = {"advertiser": "ad_1", "event_type": "purchase", "txid": "1001", "click_id": "c1"}


class Site:
    """The shop under one name, the tracking host under another; of the pixel it keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.was_called, self.lets_images_come = threading.Event(), threading.Event()
        self.lets_images_come.set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path.endswith(".js"):
                    self._send("text/javascript", (TAGS / path.rpartition("/")[2]).read_bytes())
                elif path == "/pixel.gif":
                    site.sent.append(("GET", dict(parse_qsl(urlsplit(self.path).query))))
                    site.lets_images_come.wait(30)
                    self._send("image/gif", PIXEL)
                else:
                    pages = {"/thanks": WITH_PIXEL, "/landing": WITH_TAG}
                    self._send("text/html", pages.get(path, "<!doctype html>").format(host=site.tracking).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                site.sent.append(("POST", dict(parse_qsl(body))))
                self._send("image/gif", PIXEL)
                site.was_called.set()

            def _send(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                with suppress(ConnectionError):  # The page was left.
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
    site.lets_images_come.set()
    site.server.shutdown()
    site.server.server_close()


def test_the_pixel_is_sent_once_by_an_image_that_comes(site: Site, page: Page) -> None:
    page.goto(f"{site.shop}/thanks?click_id=c1")
    page.wait_for_load_state("networkidle")
    page.goto(f"{site.shop}/next")
    page.wait_for_load_state("networkidle")
    assert site.sent == [("GET", SAID)]


def test_a_page_that_is_left_before_the_image_came_shows_it_by_beacon(site: Site, page: Page) -> None:
    site.lets_images_come.clear()
    with page.expect_request("**/pixel.gif?*"):
        page.goto(f"{site.shop}/thanks?click_id=c1", wait_until="domcontentloaded")
    page.goto(f"{site.shop}/next")
    assert site.was_called.wait(30)
    assert site.sent[-1] == ("POST", SAID)


@pytest.mark.parametrize("path", ["/thanks", "/landing"])
def test_a_malformed_cookie_breaks_no_tag(site: Site, page: Page, path: str) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }});")
    for name in ("affidavit_click", "affidavit_visitor", "affidavit_last"):
        page.context.add_cookies([{"name": name, "value": "%E0%A4%A", "url": site.shop}])
    page.goto(f"{site.shop}{path}")
    page.wait_for_load_state("networkidle")
