"""Cache of links for the hot path; PostgreSQL notifies it of changes.

Three mechanisms stop a suspended affiliate's links within a second in every process: a NOTIFY from the database empties
the cache; while that connection is down, entries live one second; and they never live longer than a minute. Misses at
the same time are read by one query.
"""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import structlog
from django.db import close_old_connections, connections

from tracking.capture.app_files import READ_APPS, AppFiles
from tracking.capture.hosts import READ_DOMAINS, Hosts
from tracking.capture.routes import Route, read_routes
from web.notifications import Listener
from web.notified_cache import NotifiedCache

log = structlog.get_logger(__name__)

LIFETIME = 60.0
LIFETIME_DISCONNECTED = 1.0
CAPACITY = 100_000
# How long a click waits for its link to be read: if an older value is cached, and if none is.
PATIENCE = 1.0
PATIENCE_UNKNOWN = 5.0
# How long after a failure cached links are used without reading them again.
TROUBLE = 1.0
CHANNEL = "links_changed"


class LinkCache(NotifiedCache[str, Route | None]):
    """A bounded cache of routes. `get` never waits; `load` reads what is missing, many codes at a time."""

    def __init__(self) -> None:
        super().__init__(capacity=CAPACITY, lifetime=LIFETIME, lifetime_disconnected=LIFETIME_DISCONNECTED)
        self._waiting: dict[str, asyncio.Future[Route | None]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._reading = False
        self._trouble_until = 0.0

    async def load(self, code: str) -> Route | None:
        """Read the route; while the database is down or hangs, use the last cached one, however old."""
        known = code in self
        if known and time.monotonic() < self._trouble_until:
            return self.last_known(code)
        future = self._waiting.get(code)
        if future is None:
            future = self._waiting[code] = asyncio.get_running_loop().create_future()
            if not self._reading:
                self._reading = True
                self._read_task = asyncio.create_task(self._read_waiting())
        try:
            return await asyncio.wait_for(asyncio.shield(future), PATIENCE if known else PATIENCE_UNKNOWN)
        except OSError:  # TimeoutError is one
            self._trouble_until = time.monotonic() + TROUBLE
            if known:
                return self.last_known(code)
            raise ConnectionError("The link could not be read.") from None

    async def _read_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                waiting, self._waiting, generation = self._waiting, {}, self.generation
                try:
                    routes = await loop.run_in_executor(self._reader, _read_in_thread, list(waiting))
                except Exception as error:
                    log.warning("links_unreadable", error=str(error))
                    _fail(waiting.values(), error)
                    continue
                self.store(routes, generation)
                for code, future in waiting.items():
                    if not future.done():
                        future.set_result(routes[code])
        finally:
            self._reading = False

    def close(self) -> None:
        """End the reader's thread and close its connection."""
        self._reader.submit(connections.close_all)
        self._reader.shutdown()


def _fail(futures: Iterable[asyncio.Future[Route | None]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(ConnectionError(f"The links could not be read: {error}"))
            future.exception()  # The visitor left, so no warning is needed.


def _read_in_thread(codes: list[str]) -> dict[str, Route | None]:
    close_old_connections()
    return read_routes(codes)


def start(cache: LinkCache, hosts: Hosts, apps: AppFiles) -> Listener:
    """Keep the cache, the hosts and the association files up to date from now on."""

    def changed(listening: psycopg.Connection) -> None:
        hosts.domains = frozenset(host for (host,) in listening.execute(READ_DOMAINS).fetchall())
        apps.load(listening.execute(READ_APPS).fetchall())
        cache.clear()

    def connected(is_connected: bool) -> None:
        cache.connected = is_connected

    listener = Listener(changed=changed, connected=connected, channel=CHANNEL)
    listener.start()
    return listener
