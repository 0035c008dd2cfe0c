"""The project's load generator, run in its own process: raw sockets, keep-alive, one loop over epoll.

It has two modes. At full load each connection sends its next request as soon as it is answered. Paced, requests are due
at fixed moments whether or not earlier ones are answered, and a time counts from the moment the request was due: a
server that stalls cannot make its own figures look better by delaying the generator.

Reads the plan as JSON from standard input, writes the result as JSON to standard output. Standard library only, and as
few steps per request as Python allows, because the server cannot use the processor time that it spends.
"""

import json
import re
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
OUTCOME = re.compile(rb'"outcome": *"(\w+)"')
# How long answers that are still due at the end are waited for.
PATIENCE = 10.0
# The least time between two looks at what is due; epoll waits no shorter.
STEP = 0.001


@dataclass(frozen=True)
class Plan:
    """The requests to send. Each request uses the next of `targets`; `{n}` and `{value}` in them are filled in.

    `rate` is in requests per second; without it the load is full. `values_file` holds a value per line. With `event`,
    requests are POSTs of a JSON array of `batch` events, made from that text as the targets are.
    """

    port: int
    targets: list[str]
    seconds: float
    connections: int
    headers: list[str] = field(default_factory=list)
    rate: float | None = None
    values_file: str | None = None
    first: int = 0
    event: str = ""
    batch: int = 1


@dataclass
class LoadResult:
    """The result. `late_ms`: how late the generator itself was, at most, in 99 of 100 cases, when paced."""

    statuses: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    failures: int = 0
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    late_ms: float = 0.0


class Connection:
    """One connection; it has at most one open request, which was due at `due`."""

    __slots__ = ("buffer", "due", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.due: float | None = None


class Driver:
    """Sends requests by the plan and counts the answers."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._requests = plan, requests(plan)
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._overdue: deque[float] = deque()
        self._statuses: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._times: list[float] = []
        self._lateness: list[float] = []
        self._sent = self._failures = 0
        self._planned = round((plan.rate or 0) * plan.seconds)
        self._scheduled = 0
        self._began = self._due = self._ends = 0.0

    def run(self) -> LoadResult:
        for _ in range(self._plan.connections):
            self._connect()
        began = time.monotonic()
        self._began, self._due, self._ends = began, began, began + self._plan.seconds
        while not self._is_done(time.monotonic()):
            self._send_due()
            for number, _ in self._epoll.poll(STEP):
                self._receive(self._connections[number])
        seconds = time.monotonic() - began
        self._failures += self._under_way + len(self._overdue)
        for connection in self._connections.values():
            connection.socket.close()
        self._epoll.close()
        return self._found(seconds)

    @property
    def _under_way(self) -> int:
        return sum(connection.due is not None for connection in self._connections.values())

    def _is_done(self, now: float) -> bool:
        """Whether time is up and every answer there; or no answer is to be hoped for."""
        if now < self._ends or self._scheduled < self._planned:
            return not self._connections
        return now > self._ends + PATIENCE or not (self._overdue or self._under_way)

    def _connect(self) -> None:
        connection = Connection(self._plan.port)
        self._connections[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket, select.EPOLLIN)
        self._idle.append(connection)

    def _send_due(self) -> None:
        """Send due requests on free connections; without a free connection they wait."""
        now = time.monotonic()
        if self._plan.rate is None:
            while self._idle and now < self._ends:
                self._send(self._idle.popleft(), now)
            return
        # Counted, not added up: the rounding of a thousand small steps would make one request more or less.
        while self._due <= now and self._scheduled < self._planned:
            self._lateness.append(now - self._due)
            self._overdue.append(self._due)
            self._scheduled += 1
            self._due = self._began + self._scheduled / self._plan.rate
        while self._idle and self._overdue:
            self._send(self._idle.popleft(), self._overdue.popleft())

    def _send(self, connection: Connection, due: float) -> None:
        self._sent += 1
        connection.due = due
        try:
            connection.socket.sendall(next(self._requests))
        except OSError:
            self._lose(connection)

    def _receive(self, connection: Connection) -> None:
        """Read received data; count the answer once it is complete."""
        try:
            data = connection.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._lose(connection)
            return
        connection.buffer += data
        head, found, body = connection.buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        if connection.due is None or length is None:  # An answer without a request, or one of unknown length.
            self._lose(connection)
            return
        self._times.append(time.monotonic() - connection.due)
        connection.buffer, connection.due = b"", None
        self._statuses[head[9:12].decode()] += 1
        self._outcomes.update(outcome.decode() for outcome in OUTCOME.findall(body))
        self._idle.append(connection)

    def _lose(self, connection: Connection) -> None:
        """Count open requests as failed, and open another connection in its place."""
        self._failures += connection.due is not None
        connection.due = None
        with suppress(ValueError):
            self._idle.remove(connection)
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        with suppress(OSError):
            self._connect()

    def _found(self, seconds: float) -> LoadResult:
        times = sorted(self._times)
        return LoadResult(
            statuses=dict(self._statuses),
            outcomes=dict(self._outcomes),
            sent=self._sent,
            failures=self._failures,
            seconds=seconds,
            p50_ms=share(times, 0.5) * 1000,
            p99_ms=share(times, 0.99) * 1000,
            late_ms=share(sorted(self._lateness), 0.99) * 1000,
        )


def requests(plan: Plan) -> Iterator[bytes]:
    """The requests in their order, without end."""
    headers = "".join(f"{line}\r\n" for line in ["Host: 127.0.0.1", *plan.headers])
    values = Path(plan.values_file).read_text().split() if plan.values_file else [""]
    if plan.event:
        yield from _in_bulk(plan, headers, values)
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


def _in_bulk(plan: Plan, headers: str, values: list[str]) -> Iterator[bytes]:
    """Requests with many events each, without end; numbers go on from one to the next."""
    head = f"POST {plan.targets[0]} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: "
    number = plan.first
    while True:
        numbers = range(number, number + plan.batch)
        events = (plan.event.replace("{n}", str(n)).replace("{value}", values[n % len(values)]) for n in numbers)
        body = f"[{','.join(events)}]"
        yield f"{head}{len(body)}\r\n\r\n{body}".encode()
        number += plan.batch


def share(ordered: list[float], part: float) -> float:
    """The value below which this part of the ordered values is; 0 when there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def drive(plan: Plan) -> LoadResult:
    """Send by the plan and return the result. Raise OSError when no server listens there."""
    return Driver(plan).run()


if __name__ == "__main__":
    json.dump(asdict(drive(Plan(**json.load(sys.stdin)))), sys.stdout)
