"""Requests to the ASGI entry in this process: the same handlers, cache and threads as a web worker has."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from config.asgi import Application

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))


class Client:
    def __init__(self, application: Application) -> None:
        self._application = application

    async def get(self, path: str, params: Any = None, **kwargs: Any) -> Answer:
        return await self.request("GET", path, params, **kwargs)

    async def request(
        self,
        method: str,
        path: str,
        params: Any = None,
        *,
        query: bytes | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        raw_headers: Sequence[tuple[bytes, bytes]] = (),
        client: str = "203.0.113.9",
    ) -> Answer:
        sent: list[dict[str, Any]] = []
        given = {"host": "testserver", "user-agent": BROWSER, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": urlencode(params or {}).encode() if query is None else query,
            "headers": [*raw_headers, *((name.encode(), value.encode()) for name, value in given.items())],
            "client": (client, 40000),
        }

        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            for message in messages:
                return message
            return await asyncio.get_running_loop().create_future()  # The client stays and sends nothing more.

        async def send(message: Any) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        cookies = [value for name, value in pairs if name == "set-cookie"]
        return Answer(sent[0]["status"], dict(pairs), cookies, b"".join(m.get("body", b"") for m in sent[1:]))


class Standing:
    """An application that stays up, for many requests one after another from the test's own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._application = Application()
        self._client = Client(self._application)
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)

    async def _start(self) -> None:
        self._application.start()

    def wait_for_hosts(self) -> None:
        """Until the database has answered which hosts are served, every host is."""
        while self._application._hosts.domains is None:
            time.sleep(0.01)

    def request(self, *args: Any, **kwargs: Any) -> Answer:
        return asyncio.run_coroutine_threadsafe(self._client.request(*args, **kwargs), self._loop).result(60)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._application.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


@contextmanager
def standing() -> Iterator[Standing]:
    application = Standing()
    try:
        yield application
    finally:
        application.close()


def visit(story: Callable[[Client], Awaitable[Any]]) -> Any:
    """Run a story against a freshly started application, and stop its threads afterwards."""

    async def run() -> Any:
        application = Application()
        application.start()
        try:
            return await story(Client(application))
        finally:
            await application.stop()

    return asyncio.run(run())
