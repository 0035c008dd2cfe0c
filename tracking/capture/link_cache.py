"""Cache of links for the hot path; PostgreSQL notifies it of changes.

Three mechanisms stop a suspended affiliate's links within a second in every process: a NOTIFY from the database empties
the cache; while that connection is down, entries live one second; and they never live longer than a minute. Misses at
the same time are read by one query.
"""

import asyncio
import contextlib
import select
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import structlog
from django.db import close_old_connections, connection, connections
from psycopg.sql import SQL, Identifier

from tracking.capture.hosts import READ_DOMAINS, Hosts
from tracking.capture.routes import Route, read_routes

log = structlog.get_logger(__name__)

LIFETIME = 60.0
LIFETIME_DISCONNECTED = 1.0
CAPACITY = 100_000
# How long a click waits for its link to be read: if an older value is cached, and if none is.
PATIENCE = 1.0
PATIENCE_UNKNOWN = 5.0
# For so long after a failure cached links are used without reading them again.
TROUBLE = 1.0
# After so many seconds without a notification the listener checks that its connection is alive.
QUIET = 15.0


class LinkCache:
    """A bounded cache of routes. `get` never waits; `load` reads what is missing, many codes at a time."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[float, Route | None]] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[Route | None]] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._reading = False
        self._generation = 0
        self._trouble_until = 0.0
        self.connected = False

    def get(self, code: str) -> Route | None:
        """The route; raise KeyError when it is not in memory or too old."""
        made, route = self._entries[code]
        if time.monotonic() - made > (LIFETIME if self.connected else LIFETIME_DISCONNECTED):
            raise KeyError(code)
        return route

    async def load(self, code: str) -> Route | None:
        """Read the route; while the database is down or hangs, use the last cached one, however old."""
        known = code in self._entries
        if known and time.monotonic() < self._trouble_until:
            return self._entries[code][1]
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
                return self._entries[code][1]
            raise ConnectionError("The link could not be read.") from None

    async def _read_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                waiting, self._waiting, generation = self._waiting, {}, self._generation
                try:
                    routes = await loop.run_in_executor(self._reader, _read_in_thread, list(waiting))
                except Exception as error:
                    log.warning("links_unreadable", error=str(error))
                    _fail(waiting.values(), error)
                    continue
                if generation == self._generation:
                    self._keep(routes)
                for code, future in waiting.items():
                    if not future.done():
                        future.set_result(routes[code])
        finally:
            self._reading = False

    def _keep(self, routes: dict[str, Route | None]) -> None:
        now = time.monotonic()
        for code, route in routes.items():
            self._entries[code] = (now, route)
        while len(self._entries) > CAPACITY:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Make every entry too old to be used, but keep it for the time when the database is down."""
        self._generation += 1
        for code, (_, route) in self._entries.items():
            self._entries[code] = (float("-inf"), route)

    def close(self) -> None:
        """End the reader's thread and close its connection."""
        self._reader.submit(connections.close_all)
        self._reader.shutdown()


def _fail(futures: Iterable[asyncio.Future[Route | None]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(ConnectionError(f"The links could not be read: {error}"))
            future.exception()  # The visitor left: no reason for a warning.


def _read_in_thread(codes: list[str]) -> dict[str, Route | None]:
    close_old_connections()
    return read_routes(codes)


class Listener(threading.Thread):
    """Waits for NOTIFY on its own connection and calls back; reconnects by itself when the connection breaks."""

    def __init__(
        self,
        *,
        changed: Callable[[psycopg.Connection], None],
        connected: Callable[[bool], None],
        channel: str = "links_changed",
    ) -> None:
        super().__init__(name=f"{channel}-listener", daemon=True)
        self._changed, self._connected, self._channel = changed, connected, channel
        self._stopping = threading.Event()
        self._woken, self._wake = socket.socketpair()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("listener_down", channel=self._channel, error=str(error).strip())
            self._connected(False)
            self._stopping.wait(0.5)

    def _listen(self) -> None:
        with psycopg.connect(**connection_parameters(), autocommit=True) as line:
            line.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
            # Changes before the connection was up were not notified.
            self._changed(line)
            self._connected(True)
            while not self._stopping.is_set():
                if not select.select([line.fileno(), self._woken.fileno()], [], [], QUIET)[0]:
                    line.execute("SELECT 1")  # Detects a connection that died silently.
                if list(line.notifies(timeout=0)):
                    self._changed(line)

    def stop(self) -> None:
        self._stopping.set()
        self._wake.send(b"x")


def connection_parameters() -> dict[str, Any]:
    """The parameters for psycopg to connect as Django does, for connections outside Django's."""
    parameters = dict(connection.get_connection_params())
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding", "pool"):
        parameters.pop(name, None)
    return parameters


def start(cache: LinkCache, hosts: Hosts) -> Listener:
    """Keep the cache and the hosts up to date from now on; call from the event loop whose handlers use them."""
    loop = asyncio.get_running_loop()

    def on_loop(action: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended: the cache is no longer read.
            loop.call_soon_threadsafe(action)

    def changed(line: psycopg.Connection) -> None:
        hosts.domains = frozenset(host for (host,) in line.execute(READ_DOMAINS).fetchall())
        on_loop(cache.clear)

    def connected(is_connected: bool) -> None:
        cache.connected = is_connected

    listener = Listener(changed=changed, connected=connected)
    listener.start()
    return listener
