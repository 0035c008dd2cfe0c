"""How long a connection can be held by a sender who shows nothing, and what many of them cost everyone else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from django.core.cache import cache

from config.embedded import web_server
from tests.conversions.sending import World
from tests.servers import Web, database_url, running

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

# Only ends a test that has failed: the server closes all of these within half a minute.
PATIENCE = 120
# More than two processes serve at once under Granian's own defaults.
MANY = 1_500
POST = "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n["
CHUNKS = "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"
PATHS = (
    "/postback", "/d/voluum/postback", "/pixel.gif", "/pixel.js", "/c/nothing", "/robots.txt",
    "/api/v1/conversions/bulk", "/api/v1/conversions/status", "/api/v1/me", "/api/nothing", "/api/schema/",
    "/accounts/login/", "/admin/login/", "/", "/healthz", "/readyz", "/metrics", "/static/nothing.css",
)  # fmt: skip
HELD = {
    "no byte": "",
    "half a line": "GET / HT",
    "half a head": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "an answer, then nothing": "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a websocket": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "waits to be asked": "POST /postback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
    "Expect: 100-continue\r\n\r\n",
    **{f"a small body to {path}": POST.format(path, 1_000) for path in PATHS},
    **{f"a large body to {path}": POST.format(path, 10**6) for path in PATHS},
    **{f"chunks to {path}": CHUNKS.format(path) for path in PATHS},
    **{f"GET of {path} with a body": POST.format(path, 9).replace("POST", "GET") for path in PATHS},
}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    env = {"DATABASE_URL": database_url(), "REQUIRE_HTTPS": "false", "FAILED_POSTBACKS_PER_MINUTE": "0"}
    web = Web(log=tmp_path / "web.log", env=env)
    cache.clear()
    web_server.allow_open_files()
    with running(web):
        yield web


def connect(web: Web) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE)


def is_ended(line: socket.socket) -> bool:
    """Whether the server ends the connection, after an answer or without one."""
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_every_connection_ends_on_which_nothing_comes_or_a_body_stops(web: Web) -> None:
    with ExitStack() as stack:
        held = {name: stack.enter_context(closing(connect(web))) for name in HELD}
        for name, line in held.items():
            line.sendall(HELD[name].encode())
        assert [name for name, line in held.items() if not is_ended(line)] == []


def test_many_connections_on_which_nothing_comes_stop_no_click(web: Web) -> None:
    code = World().ana_link.code
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(closing(connect(web)))
        assert all(web.click(code) for _ in range(10))
