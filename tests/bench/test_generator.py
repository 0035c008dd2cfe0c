"""The load generator keeps honest count, whatever the server does."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bench.generator import LoadResult, Plan, drive

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"outcome": "accepted"}'


class Server:
    """A little server that answers as set and records what it was asked."""

    def __init__(self, answer: Callable[["Server", Writer], Awaitable[None]]) -> None:
        self.answer, self.asked = answer, []

    async def serve(self, reader: Reader, writer: Writer) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(re.match(rb"GET (\S+)", request)[1].decode())
                await self.answer(self, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def load(answer: Callable[[Server, Writer], Awaitable[None]], **plan: Any) -> tuple[Server, LoadResult]:
    async def run() -> tuple[Server, LoadResult]:
        server = Server(answer)
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            settings = {"targets": ["/a"], "seconds": 0.2, "connections": 4, **plan}
            return server, await asyncio.to_thread(drive, Plan(port=port, **settings))

    return asyncio.run(run())


async def at_once(server: Server, writer: Writer) -> None:
    writer.write(OK)


def test_full_load_counts_each_answer_once():
    server, found = load(at_once)
    assert found.statuses == {"200": len(server.asked)}
    assert found.outcomes == {"accepted": len(server.asked)}
    assert (found.sent, found.failures) == (len(server.asked), 0)
    assert len(server.asked) > 4


def test_paced_load_sends_what_is_due_even_to_a_slow_server():
    async def slowly(server: Server, writer: Writer) -> None:
        await asyncio.sleep(0.05)
        writer.write(OK)

    server, found = load(slowly, rate=200, connections=2)
    assert found.sent == len(server.asked) == 40
    assert found.statuses == {"200": 40}
    # Two connections answer 40 a second; most requests waited for a connection, and that counts.
    assert found.p50_ms > 50


def test_targets_take_turns_and_are_filled_in(tmp_path):
    values = tmp_path / "values"
    values.write_text("x\ny\nz")
    server, _ = load(at_once, targets=["/a?n={n}&v={value}"], values_file=str(values), rate=50, connections=1)
    assert server.asked[:4] == ["/a?n=0&v=x", "/a?n=1&v=y", "/a?n=2&v=z", "/a?n=3&v=x"]
    server, _ = load(at_once, targets=["/a", "/b"], rate=50, connections=1)
    assert server.asked[:3] == ["/a", "/b", "/a"]


def test_answers_in_pieces_are_put_together():
    async def in_pieces(server: Server, writer: Writer) -> None:
        for piece in (OK[:9], OK[9:40], OK[40:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    server, found = load(in_pieces)
    assert found.statuses == {"200": len(server.asked)}


def test_refusals_and_broken_connections_are_distinguished():
    async def badly(server: Server, writer: Writer) -> None:
        if len(server.asked) % 5 == 0:
            writer.transport.abort()
        elif len(server.asked) % 2:
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(OK)

    server, found = load(badly)
    assert found.statuses.keys() == {"200", "503"}
    assert found.failures > 0
    assert sum(found.statuses.values()) + found.failures == found.sent == len(server.asked)


def test_a_server_that_is_not_there_is_an_error():
    with pytest.raises(OSError, match="refused|Connect"):
        drive(Plan(port=9, targets=["/"], seconds=0.1, connections=1))
