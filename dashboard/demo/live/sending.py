"""Plain HTTP to a running server: one persistent connection per thread; redirects are not followed."""

import http.client
import ipaddress
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 15.0


class Unreachable(ConnectionError):
    """The server did not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    location: str
    text: str
    seconds: float

    def json(self) -> dict[str, Any]:
        """The answer's JSON object, or an empty one when it is none."""
        try:
            value = json.loads(self.text)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Sender:
    """Sends requests to one server from any number of threads."""

    def __init__(self, base_url: str) -> None:
        self._parts = urlsplit(base_url)
        self._mine = threading.local()

    def send(self, request: Request) -> HttpAnswer:
        """Send the request and return the answer. If the server closed the connection meanwhile, reconnect once."""
        started, kept = time.monotonic(), hasattr(self._mine, "line")
        try:
            return self._send(request, started)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if kept and isinstance(error, ConnectionError):
                return self.send(request)
            raise Unreachable(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._mine, "line"):
            self._mine.line.close()
            del self._mine.line

    def _send(self, request: Request, started: float) -> HttpAnswer:
        if not hasattr(self._mine, "line"):
            secure = self._parts.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            self._mine.line = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT)
        line: http.client.HTTPConnection = self._mine.line
        path = self._parts.path.rstrip("/") + request.target
        line.request(request.method, path, body=request.body, headers=dict(request.headers))
        response = line.getresponse()
        text = response.read().decode("utf-8", "replace")
        return HttpAnswer(response.status, response.getheader("location", "") or "", text, time.monotonic() - started)


def is_loopback(url: str) -> bool:
    """Whether the address can only be this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
