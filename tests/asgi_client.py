"""Requests to the ASGI entry in this process: the same handlers, cache and threads as a web worker has."""

import asyncio
from collections.abc import Awaitable, Callable
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
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": (client, 40000),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        cookies = [value for name, value in pairs if name == "set-cookie"]
        return Answer(sent[0]["status"], dict(pairs), cookies, b"".join(m.get("body", b"") for m in sent[1:]))


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
