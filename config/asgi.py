"""The ASGI entry: clicks and postbacks are answered ahead of Django, everything else by Django.

Each web process has its own link cache, click writer and postback gatherer; nothing is shared between
processes but the database.
"""

import asyncio
import gc
import os
from contextlib import suppress

import psycopg
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

# Django must be ready before anything that has models is imported.
from django.conf import settings
from django.db import connections
from django.urls import get_resolver

from config.http import public_files, static_files
from config.http.refused_heads import refuse_head, refuse_host
from config.http.request_bodies import BoundedBodies
from config.monitoring.probes import THREADS
from conversions.endpoints import (
    bulk,
    dialects,
    native,
    near_addresses,
    pixel,
    sources,
)
from conversions.intake import (
    Decision,
    Received,
    reference_cache,
)
from conversions.intake.connection import use_own_connection
from tracking.capture import (
    app_starts,
    link_cache,
    redirect,
)
from tracking.capture.app_files import AppFiles
from tracking.capture.app_starts import AppStartHandler
from tracking.capture.click_writer import ClickWriter
from tracking.capture.hosts import Hosts
from tracking.click_id import codec
from web.batching import Batcher
from web.http import SENT_PATH, Handler, Receive, Scope, Send, head_problem, header
from web.notifications import connection_parameters

# Seconds that a commit of clicks waits for more of them while there is load.
GATHER_CLICKS = 0.001
# The same for postbacks: a batch costs as much as a dozen events in it, so waiting for more of them pays.
GATHER_POSTBACKS = 0.003


def _load_pages() -> None:
    """Import every view now: the first page would do it on the event loop, with clicks waiting for seconds."""
    get_resolver().reverse_dict.keys()
    get_resolver().resolve("/accounts/login/")


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what lives as long as the process, and look less often at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class Application:
    """Hands each request to its handler; starts the threads of the process with its event loop."""

    def __init__(self) -> None:
        self._started = False
        self._pages = BoundedBodies(django_application)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not self._started:
                self.start()
            if problem := head_problem(scope):
                await refuse_head(scope, send, *problem)
                return
            handler = self._lean_handler(scope["path"]) or self._near_handler(scope)
            if handler is None:
                scope[THREADS] = (self._clicks, self._postbacks, self._listener, self._reference_listener)
                await self._pages(scope, receive, send)
            elif handler is self._static_files or self._hosts.serves(header(scope, b"host")):
                await handler(scope, receive, send)
            else:
                await refuse_host(scope, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    def _lean_handler(self, path: str) -> Handler | None:
        if path.startswith(redirect.PREFIX):
            return self._redirect
        if path.startswith(static_files.PREFIX):
            return self._static_files
        if found := self._endpoints.get(path):
            return found
        if dialects.serves(path):
            return self._dialects
        return self._sources if sources.serves(path) else None

    def _near_handler(self, scope: Scope) -> Handler | None:
        """The handler of an address that resembles one of ours."""
        path = scope["path"]
        if path[: len(redirect.PREFIX)].lower() == redirect.PREFIX:
            return self._redirect
        if ours := near_addresses.served_as(path):
            scope[SENT_PATH], scope["path"] = path, ours
            return self._lean_handler(ours)
        return self._wrong_addresses if near_addresses.resembles(scope) else None

    def start(self) -> None:
        codec.keys()  # Nonsense in CLICK_ID_KEYS is refused now, not at the first click.
        self._cache = link_cache.LinkCache()
        self._hosts = Hosts()
        self._app_files, self._app_starts = AppFiles(), AppStartHandler()
        self._listener = link_cache.start(self._cache, self._hosts, self._app_files)
        self._reference_listener = reference_cache.listen()
        parameters = {**connection_parameters(), "connect_timeout": 2}
        writer = ClickWriter(
            connect=lambda: psycopg.connect(**parameters, autocommit=True), directory=settings.SPOOL_DIR
        )
        writer.start()
        self._clicks: Batcher[bytes, None] = Batcher(
            name="clicks",
            handle=writer.write,
            batch_limit=5_000,
            queue_limit=50_000,
            gather=GATHER_CLICKS,
            finish=writer.close,
        )
        self._postbacks: Batcher[Received, Decision] = Batcher(
            name="postbacks",
            handle=native.decide_batch,
            batch_limit=200,
            queue_limit=5_000,
            gather=GATHER_POSTBACKS,
            begin=use_own_connection,
            finish=connections.close_all,
        )
        self._clicks.start()
        self._postbacks.start()
        self._redirect = redirect.RedirectHandler(cache=self._cache, writer=self._clicks)
        self._bulk = bulk.BulkHandler(self._postbacks)
        self._wrong_addresses = near_addresses.WrongAddressHandler(self._postbacks)
        self._dialects = dialects.DialectHandler(self._postbacks)
        self._static_files = static_files.StaticFiles()
        self._sources = sources.SourceHandler(self._postbacks)
        self._endpoints: dict[str, Handler] = {
            **public_files.FILES,
            **self._app_files.handlers,
            app_starts.PATH: self._app_starts,
            native.PATH: native.PostbackHandler(self._postbacks),
            bulk.PATH: self._bulk,
            **dict.fromkeys((pixel.IMAGE_PATH, pixel.SCRIPT_PATH), pixel.PixelHandler(self._postbacks)),
        }
        self._started = True
        _load_pages()
        _spare_the_collector()

    async def stop(self) -> None:
        """Write and decide what still waits, then end the threads."""
        if not self._started:
            return
        self._started = False
        self._listener.stop()
        self._reference_listener.stop()
        for batcher in (self._clicks, self._postbacks):
            batcher.stop()
        for thread in (self._clicks, self._postbacks, self._listener, self._reference_listener):
            await asyncio.to_thread(thread.join, 15)
        await asyncio.to_thread(self._app_starts.close)
        await asyncio.to_thread(self._bulk.close)
        await asyncio.to_thread(self._dialects.close)
        await asyncio.to_thread(self._sources.close)
        await asyncio.to_thread(self._pages.senders.close)
        await asyncio.to_thread(self._cache.close)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                with suppress(Exception):
                    await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Application()
