import asyncio

import pytest

from affiliates.models import Affiliate
from tests.asgi_client import visit
from tests.factories import TrackingLinkFactory
from tracking.capture import link_cache
from tracking.capture.link_cache import LinkCache
from tracking.capture.routes import read_routes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link():
    return TrackingLinkFactory(code="ana-casino")


@pytest.fixture
def cache():
    cache = LinkCache()
    yield cache
    cache.close()


async def until(condition, seconds=5.0):
    """Wait for a condition that other threads bring about; the limit only ends a test that has failed."""
    for _ in range(int(seconds / 0.02)):
        if await condition():
            return True
        await asyncio.sleep(0.02)
    return False


def test_suspending_an_affiliate_stops_its_links_without_waiting_for_expiry(link):
    async def story(client):
        assert (await client.get("/c/ana-casino")).status == 302
        await asyncio.to_thread(Affiliate.objects.update, status=Affiliate.Status.SUSPENDED)

        async def gone():
            return (await client.get("/c/ana-casino")).status == 410

        return await until(gone)

    assert visit(story)


def test_a_warm_link_needs_no_query(link, monkeypatch):
    reads = []
    monkeypatch.setattr(link_cache, "read_routes", lambda codes: reads.append(codes) or read_routes(codes))

    async def story(client):
        async def connected():
            return client._application._redirect._cache.connected

        assert await until(connected)
        for _ in range(20):
            assert (await client.get("/c/ana-casino")).status == 302
            assert (await client.get("/c/nosuch")).status == 404

    visit(story)
    assert sum(len(codes) for codes in reads) <= 4  # at most once more each, when the listener began to hear


def test_misses_that_come_together_are_read_together(link, cache, monkeypatch):
    reads = []
    monkeypatch.setattr(link_cache, "read_routes", lambda codes: reads.append(list(codes)) or read_routes(codes))

    async def story():
        return await asyncio.gather(*(cache.load(code) for code in ["ana-casino", "a", "b", "ana-casino"] * 5))

    routes = asyncio.run(story())
    assert [route.code if route else None for route in routes[:4]] == ["ana-casino", None, None, "ana-casino"]
    assert sum(len(codes) for codes in reads) == 3


def test_a_known_link_goes_on_while_the_database_is_down(link, cache, monkeypatch):
    def down(codes):
        raise ConnectionError("the database is down")

    async def story():
        known = await cache.load("ana-casino")
        cache.clear()
        monkeypatch.setattr(link_cache, "read_routes", down)
        with pytest.raises(KeyError):
            cache.get("ana-casino")
        assert await cache.load("ana-casino") == known
        with pytest.raises(ConnectionError):
            await cache.load("never-seen")

    asyncio.run(story())


def test_memory_is_bounded(link, cache):
    cache.capacity = 10

    async def story():
        await asyncio.gather(*(cache.load(f"code{n}") for n in range(50)))

    asyncio.run(story())
    assert len(cache) == 10


def test_what_was_read_before_a_change_is_not_kept_after_it(link, cache, monkeypatch):
    """A change that is notified while the old row is on its way must win."""

    async def story():

        def slow(codes):
            routes = read_routes(codes)
            cache.clear()
            return routes

        monkeypatch.setattr(link_cache, "read_routes", slow)
        await cache.load("ana-casino")
        with pytest.raises(KeyError):
            cache.get("ana-casino")

    asyncio.run(story())
