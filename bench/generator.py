"""A load generator of our own, run as a process of its own: raw sockets, keep-alive, one asyncio loop.

Two ways of asking. At full load each connection sends its next request as soon as it is answered. Paced,
requests are due at fixed moments whether or not earlier ones are answered, and a time counts from the
moment the request was due: a server that stalls cannot make its own figures look better by holding up
the one who measures.

Reads what to do as JSON from standard input, writes what came of it as JSON to standard output. Standard
library only.
"""

import asyncio
import json
import re
import selectors
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
OUTCOME = re.compile(rb'"outcome": *"(\w+)"')
# How long answers that are still due at the end are waited for.
PATIENCE = 10.0


@dataclass(frozen=True)
class Plan:
    """What to send. Of `targets` the next is taken each time; `{n}` and `{value}` in them are filled in.

    `rate` is in requests per second; without it the load is full. `values_file` holds a value per line.
    """

    port: int
    targets: list[str]
    seconds: float
    connections: int
    headers: list[str] = field(default_factory=list)
    rate: float | None = None
    values_file: str | None = None
    first: int = 0


@dataclass
class Found:
    """What came of it. `late_ms`: how late the generator itself was, in 99 of 100 cases, when paced."""

    statuses: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    failures: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    late_ms: float = 0.0


class Connection(asyncio.Protocol):
    """One connection; it has at most one request under way."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._buffer = b""
        self.due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._driver.idle(self)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or (length and len(rest) < int(length[1])):
            return
        self._buffer = b""
        due, self.due = self.due, None
        if due is None or length is None:  # An answer nobody asked for, or one of unknown length.
            self._transport.abort()
            self._driver.failed()
            return
        self._driver.answered(head[9:12].decode(), rest, due)
        self._driver.idle(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._driver.lost(self)

    def close(self) -> None:
        self._transport.abort()


class Driver:
    """Sends by the plan and keeps count."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._loop = plan, asyncio.get_running_loop()
        self._requests = requests(plan)
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._overdue: deque[float] = deque()
        self._statuses: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._times: list[float] = []
        self._lateness: list[float] = []
        self._sent = self._failures = self._pending = 0
        self._started, self._ends, self._last = 0.0, 0.0, 0.0
        self._finished = asyncio.Event()

    async def run(self) -> Found:
        for _ in range(self._plan.connections):
            await self._connect()
        self._started = self._last = time.monotonic()
        self._ends = self._started + self._plan.seconds
        if self._plan.rate:
            self._pace(self._started)
        else:
            while self._idle:
                self._send(self._idle.popleft(), time.monotonic())
        self._loop.call_at(self._loop.time() + self._plan.seconds, self._end_when_answered)
        try:
            await asyncio.wait_for(self._finished.wait(), self._plan.seconds + PATIENCE)
        except TimeoutError:
            self._failures += self._pending + len(self._overdue)
        for connection in list(self._connections):
            connection.close()
        return self._found()

    async def _connect(self) -> None:
        _, connection = await self._loop.create_connection(lambda: Connection(self), "127.0.0.1", self._plan.port)
        self._connections.add(connection)

    def _send(self, connection: Connection, due: float) -> None:
        self._sent += 1
        self._pending += 1
        connection.send(next(self._requests), due)

    def _pace(self, due: float) -> None:
        """Send all that is due by now, and come back when the next is."""
        now, step = time.monotonic(), 1 / (self._plan.rate or 1)
        while due <= now and due < self._ends:
            if self._idle:
                self._lateness.append(now - due)
                self._send(self._idle.popleft(), due)
            else:
                self._overdue.append(due)
            due += step
        if due < self._ends:
            self._loop.call_at(self._loop.time() + due - time.monotonic(), self._pace, due)

    def idle(self, connection: Connection) -> None:
        """The connection may send again."""
        now = time.monotonic()
        if self._overdue:
            self._send(connection, self._overdue.popleft())
        elif not self._plan.rate and self._started and now < self._ends:
            self._send(connection, now)
        else:
            self._idle.append(connection)
            self._end_when_answered()

    def answered(self, status: str, body: bytes, due: float) -> None:
        self._last = time.monotonic()
        self._times.append(self._last - due)
        self._pending -= 1
        self._statuses[status] += 1
        if found := OUTCOME.search(body):
            self._outcomes[found[1].decode()] += 1

    def failed(self) -> None:
        self._failures += 1
        self._pending -= 1

    def lost(self, connection: Connection) -> None:
        """Open another in its place, unless all is done."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.due is not None:
            self.failed()
        if time.monotonic() < self._ends:
            self._again = self._loop.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        try:
            await self._connect()
        except OSError:
            self._failures += 1

    def _end_when_answered(self) -> None:
        if self._started and time.monotonic() >= self._ends and not self._pending and not self._overdue:
            self._finished.set()

    def _found(self) -> Found:
        times = sorted(self._times)
        return Found(
            statuses=dict(self._statuses),
            outcomes=dict(self._outcomes),
            sent=self._sent,
            failures=self._failures,
            seconds=self._last - self._started,
            p50_ms=share(times, 0.5) * 1000,
            p99_ms=share(times, 0.99) * 1000,
            late_ms=share(sorted(self._lateness), 0.99) * 1000,
        )


def requests(plan: Plan) -> Iterator[bytes]:
    """The requests in their order, without end."""
    headers = "".join(f"{line}\r\n" for line in ["Host: 127.0.0.1", *plan.headers])
    values = Path(plan.values_file).read_text().split() if plan.values_file else [""]
    whole = [f"GET {target} HTTP/1.1\r\n{headers}\r\n" for target in plan.targets]
    fixed = [text.encode() for text in whole] if not any("{" in text for text in whole) else None
    number = plan.first
    while True:
        if fixed:
            yield fixed[number % len(fixed)]
        else:
            text = whole[number % len(whole)].replace("{n}", str(number))
            yield text.replace("{value}", values[number % len(values)]).encode()
        number += 1


def share(ordered: list[float], part: float) -> float:
    """The value below which this part of the ordered values lies; 0 when there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


async def drive(plan: Plan) -> Found:
    """Send by the plan; give what came of it."""
    return await Driver(plan).run()


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    # select() waits to the microsecond, epoll() to the millisecond: too coarse for pacing.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        found = loop.run_until_complete(drive(Plan(**given)))
    finally:
        loop.close()
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
