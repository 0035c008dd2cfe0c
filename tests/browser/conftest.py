"""Chromium and a server for it. Without Chromium these tests are skipped in one clear line."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import BROWSER, Web, database_url, running

# Playwright's synchronous face runs an event loop in this thread; Django then refuses its ORM unless set otherwise.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture
def quick_passwords() -> None:
    """Passwords as the server checks them, which is a process of its own."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a file: while it is open this thread has an event loop, which other tests must not meet."""
    path = chromium()
    if path is None:
        message = "no Chromium found: install it or set CHROMIUM_PATH to run the browser tests"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=root):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


@pytest.fixture
def web(transactional_db: None, static_root: Path, tmp_path: Path) -> Iterator[Web]:
    env = {"DATABASE_URL": database_url(), "STATIC_ROOT": str(static_root)}
    web = Web(log=tmp_path / "web.log", env=env, workers=1)
    with running(web):
        yield web


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose console must stay free of errors: a broken script or a policy's refusal is an error."""
    # Its own name, HeadlessChrome, is a bot's: what comes of its clicks would be held.
    context = browser.new_context(viewport={"width": 1440, "height": 900}, user_agent=BROWSER)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []
