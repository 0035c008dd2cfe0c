"""A cold page, with nothing in the browser's cache, stays light: below 300 KB and 12 requests, in real Chromium."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Browser

from affiliates.models import User
from tests.dashboard.panel import populate
from tests.dashboard.portal_pages import World, as_user, world_of
from tests.factories import AffiliateFactory, AffiliateMemberFactory, SuperuserFactory
from tests.servers import Web, database_url, running

pytestmark = pytest.mark.browser
MOST_BYTES, MOST_REQUESTS = 300_000, 12
STORED = {**project.STORAGES, "staticfiles": {"BACKEND": "config.static_storage.StaticStorage"}}
# With letters of the second font: a page with a name from Prague is to be light, too.
NAME = "Žižkov Média"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("collected") / "static"
    with override_settings(STATIC_ROOT=str(root), STORAGES=STORED):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


@pytest.fixture
def site(transactional_db: None, collected: Path, tmp_path: Path) -> Iterator[Web]:
    env = {"DATABASE_URL": database_url(), "STATIC_ROOT": str(collected), "STATIC_MANIFEST": "true"}
    web = Web(log=tmp_path / "web.log", env=env, workers=1)
    with running(web):
        yield web


@pytest.fixture
def world(transactional_db: None) -> World:
    """Full lists: as many rows as a page shows."""
    populate(1)
    world = world_of(AffiliateFactory(name=NAME), name="Loterie Česká")
    for hours in range(60):
        world.conversion(ago=timedelta(hours=hours), click_id=world.click(ago=timedelta(hours=hours + 1)).pk)
    return world


@pytest.fixture
def weigh(browser: Browser, site: Web) -> Callable[[User | None, str], dict[str, int]]:
    """The bytes of each request that a browser with an empty cache makes for a page."""

    def weigh(user: User | None, path: str) -> dict[str, int]:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        if user:
            value = as_user(user).cookies[project.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": project.SESSION_COOKIE_NAME, "value": value, "url": site.base_url}])
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        addresses: dict[str, str] = {}
        sizes: dict[str, int] = {}
        network.on(
            "Network.responseReceived", lambda seen: addresses.update({seen["requestId"]: seen["response"]["url"]})
        )
        network.on("Network.loadingFinished", lambda seen: sizes.update({seen["requestId"]: seen["encodedDataLength"]}))
        answer = page.goto(site.base_url + path)
        page.wait_for_load_state("networkidle")
        assert answer
        assert answer.status == 200
        assert page.url == site.base_url + path
        context.close()
        loaded: dict[str, Any] = {addresses[request]: int(size) for request, size in sizes.items()}
        return {address: size for address, size in loaded.items() if not address.startswith("data:")}

    return weigh


def hold(weights: dict[str, int]) -> None:
    heaviest = sorted(weights.items(), key=lambda each: -each[1])
    assert sum(weights.values()) < MOST_BYTES, heaviest
    assert len(weights) < MOST_REQUESTS, heaviest


def test_pages_of_the_portal_are_light(world: World, weigh: Callable[[User | None, str], dict[str, int]]) -> None:
    hold(weigh(None, "/accounts/login/"))
    user = AffiliateMemberFactory(affiliate=world.affiliate).user
    for path in ("/", "/conversions/", "/clicks/", "/links/", "/offers/", "/earnings/", "/settings/"):
        weights = weigh(user, path)
        assert any("inter-latin" in address for address in weights), path
        hold(weights)


def test_pages_of_the_panel_are_light(world: World, weigh: Callable[[User | None, str], dict[str, int]]) -> None:
    user = SuperuserFactory()
    offer = world.offer.pk
    for path in (
        "/admin/",
        "/admin/conversions/conversion/",
        "/admin/tracking/click/",
        "/admin/affiliates/offer/add/",
        f"/admin/affiliates/offer/{offer}/change/",
        "/admin/payouts/commissionplan/",
        "/trace/",
        "/admin/funnel/",
    ):
        weights = weigh(user, path)
        assert any("kit." in address for address in weights), path
        hold(weights)
