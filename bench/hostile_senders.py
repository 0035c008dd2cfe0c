"""Hostile senders without credentials: slow, huge and malformed bodies to every endpoint, over many connections.

Runs in its own process. Reads `{"port", "connections", "code", "seconds"}` from standard input, writes `ready` once all
connections are open, and writes the result of each kind as JSON when it is ended by SIGTERM or its time is over.
Standard library only.
"""

import asyncio
import itertools
import json
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

MB = 1024 * 1024
# Where they send to; `{code}` is a link's.
PATHS = (
    "/api/v1/conversions/bulk", "/postback", "/pixel.gif", "/c/{code}", "/aff_lsr", "/d/voluum/x/postback",
    "/api/v1/conversions/status", "/accounts/login/", "/pixel.js", "/api/v1/me", "/api/schema/", "/api/nothing", "/",
    "/admin/login/", "/trace/", "/tools/doctor/", "/healthz", "/metrics", "/robots.txt", "/c/nothing", "/d/nothing",
)  # fmt: skip
FORM, JSON, LINES = "application/x-www-form-urlencoded", "application/json", "application/x-ndjson"
# How long one waits for the server to end a connection that sends nothing more.
PATIENCE = 60.0
PIECE = 64 * 1024


@dataclass(frozen=True)
class AttackKind:
    """One kind of attack: the size that the head declares, the bytes sent, and how they are sent."""

    name: str
    body: bytes = b""
    content_type: str = JSON
    method: str = "POST"
    # The body size that the head declares; None declares it chunked, -1 declares the real size.
    says: int | None = -1
    query: str = ""
    headers: str = ""
    # Seconds between two bytes, for a trickle.
    pause: float = 0.0
    # Keep the connection open and send no more once the body is sent; or send the body again and again.
    stalls: bool = False
    endless: bool = False


SLOW = (
    AttackKind("nothing after the first byte", b"[", says=20 * MB, stalls=True),
    AttackKind("a byte a second", b"[" * 600, says=60_000, pause=1.0, stalls=True),
    AttackKind("chunked, a byte a second", b"[" * 600, says=None, pause=1.0, stalls=True),
    AttackKind("expects to be asked for it", b"", says=MB, headers="Expect: 100-continue\r\n", stalls=True),
    AttackKind("a form that does not end", b"a=1&", FORM, says=60_000, stalls=True),
    AttackKind(
        "a named token, then nothing", b"[", says=MB, headers="Authorization: Bearer aft_of_no_one\r\n", stalls=True
    ),
)
LARGE = (
    AttackKind("lines of one figure", b"1\n" * (2 * MB), LINES),
    AttackKind("lists in a list", b"[" + b"[]," * MB + b"[]]"),
    AttackKind("chunked without an end", b"[" * PIECE, says=None, endless=True),
    AttackKind("a form of 2.5 MB", b"a=" + b"x" * (5 * MB // 2), FORM),
    AttackKind("100,000 parameters", b"a=1&" * 100_000, FORM),
    AttackKind("a wrong key with 10 MB", b" " * (10 * MB), headers="Authorization: Bearer afk_of_no_one\r\n"),
    AttackKind("a wrong session with 10 MB", b" " * (10 * MB), headers="Cookie: sessionid=" + "a" * 32 + "\r\n"),
    AttackKind("many parts", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 20_000 + b"--x--\r\n",
         "multipart/form-data; boundary=x"),
    AttackKind("PUT", b" " * (4 * MB), method="PUT"),
    AttackKind("GET with a body", b" " * (4 * MB), method="GET"),
)  # fmt: skip
SMALL = (
    AttackKind("deep", b"[" * 60_000),
    AttackKind("deep objects", b'{"a":' * 12_000),
    AttackKind("many names", b"{" + b",".join(b'"a%d":1' % n for n in range(5_000)) + b"}"),
    AttackKind("a number of 60,000 figures", b'{"revenue":' + b"1" * 60_000 + b"}"),
    AttackKind("lines that are small", b"1\n" * 30_000, LINES),
    AttackKind("text that might hold addresses", b"a." * 30_000, "text/xml"),
    AttackKind("10,000 parameters in the query", method="GET", query="?" + "a&" * 10_000),
    AttackKind("escapes in the query", method="GET", query="?a=" + "%01" * 20_000),
    AttackKind("said to be packed", b"\x1f\x8b" + b"\x00" * 1_000, headers="Content-Encoding: gzip\r\n"),
    AttackKind("less than it says", b"[", says=1_000),
    AttackKind("no characters", b"\xff\xfe" * 20_000, FORM),
    AttackKind("HEAD with a body", b"[" * 1_000, method="HEAD"),
    AttackKind("OPTIONS with a body", b"[" * 1_000, method="OPTIONS"),
)
QUICK = tuple(itertools.chain(LARGE, SMALL))


@dataclass
class AttackResult:
    """The result of each kind: counts by status (`none`: no answer), and connections that were never ended."""

    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    left_open: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> str:
        answers = {name: dict(counts) for name, counts in self.answers.items()}
        return json.dumps({"answers": answers, "left_open": dict(self.left_open)})


class Attack:
    """All connections of one run. `pause` is the time between two requests of a connection."""

    def __init__(self, *, port: int, code: str, connections: int, seconds: float, pause: float = 0.5) -> None:
        self._port, self._code, self._count, self._seconds, self._pause = port, code, connections, seconds, pause
        self._over = asyncio.Event()
        self.found = AttackResult()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        loop.call_later(self._seconds, self._over.set)
        tasks = [asyncio.create_task(self._send_on(self._turns(number))) for number in range(self._count)]
        print("ready", flush=True)
        await asyncio.gather(*tasks)

    def _turns(self, number: int) -> Iterator[tuple[AttackKind, str]]:
        """The requests of one connection: every second one is slow. All pairs of kind and path are sent."""
        kinds = SLOW if number % 2 else QUICK
        for turn in itertools.count(number // 2 * 7):
            yield kinds[turn % len(kinds)], PATHS[(turn // len(kinds) + number // 2) % len(PATHS)]

    async def _send_on(self, turns: Iterator[tuple[AttackKind, str]]) -> None:
        for kind, path in turns:
            if self._over.is_set():
                return
            with suppress(OSError):
                await self._send(kind, path.format(code=self._code))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._pause)

    async def _send(self, kind: AttackKind, path: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            sending = asyncio.create_task(_write(kind, path, writer))
            status = await self._status(reader, kind)
            sending.cancel()
            with suppress(OSError, asyncio.CancelledError):
                await sending
            self.found.answers[kind.name][status] += 1
        finally:
            writer.close()

    async def _status(self, reader: asyncio.StreamReader, kind: AttackKind) -> str:
        """The status of the answer; `open` when neither an answer nor an end of the connection came."""
        status = "none"
        try:
            async with asyncio.timeout(PATIENCE):
                while line := await reader.readline():
                    if line.startswith(b"HTTP/1.1 ") and not line.startswith(b"HTTP/1.1 100"):
                        return line[9:12].decode()
        except TimeoutError:
            status = "open"
            self.found.left_open[kind.name] += 1
        except OSError:
            status = "none"
        return status


async def _write(kind: AttackKind, path: str, writer: asyncio.StreamWriter) -> None:
    says = len(kind.body) if kind.says == -1 else kind.says
    size = "Transfer-Encoding: chunked" if says is None else f"Content-Length: {says}"
    head = f"{kind.method} {path}{kind.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hostile\r\n"
    writer.write(f"{head}Content-Type: {kind.content_type}\r\n{size}\r\n{kind.headers}\r\n".encode())
    with suppress(OSError):
        for piece in _pieces(kind):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if says is None else piece)
            await writer.drain()
            await asyncio.sleep(kind.pause)
        if not kind.stalls and len(kind.body) < (says or 0):
            writer.write_eof()
        elif says is None and not kind.stalls:
            writer.write(b"0\r\n\r\n")


def _pieces(kind: AttackKind) -> Iterator[bytes]:
    if kind.pause:
        yield from (kind.body[at : at + 1] for at in range(len(kind.body)))
        return
    while True:
        yield from (kind.body[at : at + PIECE] for at in range(0, len(kind.body), PIECE))
        if not kind.endless:
            return


def main() -> int:
    given = json.load(sys.stdin)

    async def run() -> AttackResult:
        attack = Attack(**given)
        await attack.run()
        return attack.found

    print(asyncio.run(run()).as_json())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
