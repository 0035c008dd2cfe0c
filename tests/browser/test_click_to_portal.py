"""One click, followed through the pages: the link, the shop, the affiliate's portal, the operator's trace."""

import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from payouts.ledger.booking import book_changes
from tests.factories import PASSWORD, AffiliateMemberFactory, SuperuserFactory, UserFactory
from tests.scenarios.story import Program, balance

pytestmark = pytest.mark.browser

WELCOME = "<!doctype html><link rel=icon href=data:,><title>Shop</title><h1>Welcome to the shop</h1>"
WITH_TAG = """<!doctype html><link rel=icon href=data:,><title>Landing</title>
<form><input type=hidden name=click_id></form><script src="{host}/static/tag/affidavit.js"></script>"""

WITH_PIXEL = """<!doctype html><link rel=icon href=data:,><title>Thanks</title>
<script async src="{host}/pixel.js" data-advertiser="{advertiser}" data-event-type="purchase" data-txid="1001"
    data-revenue="59.90" data-currency="EUR"></script>"""


class ShopPages(BaseHTTPRequestHandler):
    """The advertiser's own site, on another origin: a welcome page, a page with the pixel, and pages with the tag."""

    tracking_host = ""

    def do_GET(self) -> None:
        path, _, advertiser = self.path.partition("?")[0].partition("/thanks/")
        if advertiser:
            page = WITH_PIXEL.format(host=self.tracking_host, advertiser=advertiser)
        else:
            page = WELCOME if path.startswith("/welcome") else WITH_TAG.format(host=self.tracking_host)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def shop_site(web):
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (ShopPages,), {"tracking_host": web.base_url}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(web, shop_site):
    program = Program("Shop", vertical="shop", destination_url=shop_site + "/welcome?cid={click_id}")
    program.goal("purchase", percent="8", needs_revenue=True)
    program.ana = program.enroll("Ana")
    AffiliateMemberFactory(affiliate=program.ana, user=UserFactory(email="ana@blog.example", name="Ana"))
    SuperuserFactory(email="olga@operator.example", name="Olga")
    return program


def sign_in(page: Page, web, email: str) -> None:
    page.goto(f"{web.base_url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")


def visit_the_shop(page: Page, web, code: str) -> str:
    """Follow the link as a visitor; the click ID that the shop was given."""
    page.goto(f"{web.base_url}/c/{code}?sub1=newsletter")
    expect(page.get_by_role("heading", name="Welcome to the shop")).to_be_visible()
    return page.url.split("cid=")[1]


def buy(web, program, cid: str) -> None:
    answer = web.postback(
        token=program.token, click_id=cid, txid="order-1", event_type="purchase", revenue="49.90", currency="EUR"
    )
    assert answer.json["outcome"] == "accepted", answer.text
    book_changes()
    connections.close_all()


def test_a_click_is_followed_from_the_link_to_the_portal(page, web, shop):
    cid = visit_the_shop(page, web, shop.links["Ana"].code)
    buy(web, shop, cid)
    assert balance(shop.ana, "EUR") == Decimal("3.99")

    sign_in(page, web, "ana@blog.example")
    expect(page.get_by_text("3.99").first).to_be_visible()
    page.goto(f"{web.base_url}/clicks/")
    expect(page.get_by_text("newsletter").first).to_be_visible()
    page.goto(f"{web.base_url}/conversions/?q={cid}")
    page.get_by_role("link", name="purchase").first.click()
    expect(page.get_by_text("8 % of 49.90 EUR = 3.99 EUR").first).to_be_visible()
    page.goto(f"{web.base_url}/earnings/")
    expect(page.get_by_text("8 % of 49.90 EUR = 3.99 EUR").first).to_be_visible()


def test_the_operator_finds_the_whole_story_by_the_click_id(page, web, shop):
    cid = visit_the_shop(page, web, shop.links["Ana"].code)
    buy(web, shop, cid)

    sign_in(page, web, "olga@operator.example")
    page.goto(f"{web.base_url}/admin/")
    search = page.locator("main input[name=q], #content input[name=q], form input[name=q]").first
    search.fill(cid)
    search.press("Enter")
    expect(page.get_by_text("order-1").first).to_be_visible()
    story = page.locator("body")
    for part in (cid, "newsletter", "authenticate", "deduplicate", "Ana", "8 % of 49.90 EUR = 3.99 EUR", "Approved"):
        expect(story).to_contain_text(part, ignore_case=True)


BLOCKED = """
Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }});
Object.defineProperty(document, 'cookie', {get: () => '', set() {}});
"""


@pytest.mark.parametrize("storage", ["free", "blocked"])
def test_the_tag_registers_a_click_on_a_landing_page(page, web, shop, shop_site, storage):
    if storage == "blocked":
        page.add_init_script(BLOCKED)
    page.goto(f"{shop_site}/landing?aff={shop.links['Ana'].code}&sub1=direct")
    cid = page.evaluate("new Promise(done => Affidavit.ready(done))")
    assert page.input_value("input[name=click_id]") == cid
    buy(web, shop, cid)
    assert balance(shop.ana, "EUR") == Decimal("3.99")
    if storage == "free":
        page.reload()
        assert page.evaluate("new Promise(done => Affidavit.ready(done))") == cid  # a reload is no second click
        page.goto(f"{shop_site}/checkout")
        assert page.input_value("input[name=click_id]") == cid


def test_the_pixel_reports_a_sale_with_the_click_in_the_pages_address(page, web, shop, shop_site):
    cid = visit_the_shop(page, web, shop.links["Ana"].code)
    advertiser = shop.offer.advertiser
    advertiser.allows_pixel = True
    advertiser.save()
    page.context.clear_cookies()

    with page.expect_response("**/pixel.gif?*") as reported:
        page.goto(f"{shop_site}/thanks/{advertiser.public_id}?click_id={cid}")

    assert reported.value.headers["x-affidavit-outcome"] == "accepted"
