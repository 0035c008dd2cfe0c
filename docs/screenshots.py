"""Take the pictures of the README: `make screenshots`. Starts a demo of its own and a headless Chromium."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SIZE = {"width": 1440, "height": 900}


@contextmanager
def demo() -> Iterator[dict[str, Any]]:
    """A demo with data of its own, stopped and removed afterwards; yields the facts of demo.json."""
    with tempfile.TemporaryDirectory(prefix="affidavit-screenshots-") as folder:
        env = {**os.environ, "AFFIDAVIT_DATA": folder}
        process = subprocess.Popen([sys.executable, "-m", "config.embedded.demo"], cwd=ROOT, env=env)
        facts = Path(folder) / "demo.json"
        try:
            while not facts.exists():
                if process.poll() is not None:
                    sys.exit("The demo did not start; its output above says why.")
                time.sleep(0.3)
            yield json.loads(facts.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def chromium() -> str:
    found = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("No Chromium found: install it or set CHROMIUM_PATH.")
    return found


def signed_in(browser: Browser, base: str, login: dict[str, str], scheme: str = "light") -> Page:
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, device_scale_factor=1)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{base}/accounts/login/")
    page.fill("input[name=login]", login["email"])
    page.fill("input[name=password]", login["password"])
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
    return page


def picture(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)  # charts draw themselves in
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"  {name}.png", flush=True)


def a_sale(facts: dict[str, Any]) -> str:
    """Make a click and a purchase as a visitor and an advertiser would; the click's ID."""
    goal = next(goal for goal in facts["goals"] if goal["code"] == "purchase")
    link = next(link for link in facts["links"] if link["offer"] == goal["offer"])
    token = next(a["token"] for a in facts["advertisers"] if a["name"] == link["advertiser"])
    click = Request(f"{facts['base_url']}/c/{link['code']}.json?sub1=newsletter", headers={"User-Agent": AGENT})  # noqa: S310
    with urlopen(click) as answer:  # noqa: S310 # nosec B310 # our own demo
        cid = str(json.load(answer)["click_id"])
    sale = f"click_id={cid}&txid=README-1&event_type=purchase&revenue=100.00&currency=EUR&status=approved&token={token}"
    with urlopen(f"{facts['base_url']}/postback?{sale}") as answer:  # noqa: S310 # nosec B310 # our own demo
        assert json.load(answer)["outcome"] == "accepted"
    time.sleep(3)  # the worker books it
    return cid


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as facts, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        base, logins = facts["base_url"], {login["role"]: login for login in reversed(facts["logins"])}
        cid = a_sale(facts)
        page = signed_in(browser, base, logins["affiliate"])
        picture(page, f"{base}/", "portal-overview")
        picture(page, f"{base}/earnings/", "portal-earnings")
        page = signed_in(browser, base, logins["operator"])
        picture(page, f"{base}/admin/", "operator-overview")
        picture(page, f"{base}/trace/?q={cid}", "operator-trace")
        browser.close()


if __name__ == "__main__":
    main()
