"""Read a request's body: up to a size, within a time, and within the process's memory for bodies.

A sender without progress is dropped: it gets `GRACE` seconds, and then as long as its bytes earn it at `RATE`. The
bytes are counted in a `Room`, of which one sender may use a share only, so bodies that stop half-way cost their sender
a share, and others nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from web.http import BodyTooLarge, Header, Receive, Scope

# Seconds before progress is required, and the bytes a second that are required then.
GRACE = 10.0
RATE = 16 * 1024
KB, MB = 1024, 1024 * 1024
# After an early answer so many bytes are still read, for so many seconds, and discarded.
LINGER_SIZE, LINGER = 32 * MB, 3.0
PACKED = "Compressed bodies are not read. Send the body as it is, without Content-Encoding."
# In the scope: whether a part of the body may still be on its way.
UNREAD = "affidavit.unread"


class BodyTooSlow(ValueError):
    """The body did not arrive in time."""


class BodyCutOff(ValueError):
    """The sender closed the connection before its body was complete: there is no one to answer."""


class NoRoom(ValueError):
    """Too many bodies are arriving at once. `is_own`: those of this sender alone."""

    def __init__(self, *, is_own: bool) -> None:
        super().__init__("Too much of your own is arriving at once." if is_own else "Too much is arriving at once.")
        self.is_own = is_own


@dataclass
class Room:
    """The bytes of bodies in a process at once, and the share of one sender."""

    size: int
    share: int
    taken: Counter[str] = field(default_factory=Counter)
    total: int = 0

    @contextmanager
    def guest(self, sender: str) -> Iterator["Guest"]:
        """A sender's place for one body; its bytes are released at the end."""
        guest = Guest(self, sender)
        try:
            yield guest
        finally:
            guest.leave()


class Guest:
    """One body in a room."""

    def __init__(self, room: Room, sender: str) -> None:
        self._room, self._sender, self._held = room, sender, 0

    def take(self, count: int) -> None:
        """Raise `NoRoom` when the room, or the sender's share of it, is used up."""
        room = self._room
        if room.taken[self._sender] + count > room.share:
            raise NoRoom(is_own=True)
        if room.total + count > room.size:
            raise NoRoom(is_own=False)
        room.taken[self._sender] += count
        room.total += count
        self._held += count

    def leave(self) -> None:
        room = self._room
        room.total -= self._held
        room.taken[self._sender] -= self._held
        self._held = 0
        if not room.taken[self._sender]:
            del room.taken[self._sender]


class Arrival:
    """A body while it arrives.

    `more` is called once if the body grows over its limit or finds no room: it may raise `limit` and `seconds` and
    change the guest, for a sender that is authenticated, or raise.
    """

    def __init__(
        self,
        receive: Receive,
        limit: int,
        *,
        seconds: float,
        guest: Guest,
        more: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._receive, self._more = receive, more
        self._began = asyncio.get_running_loop().time()
        self.limit, self.seconds, self.guest = limit, seconds, guest
        # The bytes received, and how many of them the guest has taken.
        self.size = self.counted = 0

    async def chunk(self) -> tuple[bytes, bool]:
        """The next bytes, and whether more follow. Raise `BodyTooLarge`, `BodyTooSlow`, `BodyCutOff` or `NoRoom`."""
        try:
            async with asyncio.timeout_at(self._deadline()):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTooSlow(self._too_slow()) from error
        if message["type"] == "http.disconnect":
            raise BodyCutOff("The connection was closed before the body was complete.")
        found: bytes = message.get("body", b"")
        self.size += len(found)
        await self._count(len(found))
        return found, bool(message.get("more_body"))

    async def _count(self, count: int) -> None:
        if self.size > self.limit and self._more:
            await self._more()
        if self.size > self.limit:
            raise BodyTooLarge(too_large(self.limit))
        try:
            self.guest.take(count)
        except NoRoom:
            if self._more is None:
                raise
            await self._more()
            self.guest.take(count)
        self.counted += count

    def _deadline(self) -> float:
        return self._began + min(self.seconds, GRACE + self.size / RATE)

    def _too_slow(self) -> str:
        return (
            f"The body did not arrive in time: {self.size:,} bytes came. It may take {GRACE:.0f} seconds and one "
            f"more for each {RATE // KB} KB, at most {self.seconds:.0f} in all. Send it again, in smaller parts."
        )


def too_large(limit: int) -> str:
    shown = f"{limit // MB} MB" if limit >= MB else f"{limit // KB} KB"
    return f"The body is larger than {shown}, {limit:,} bytes."


async def read_body(receive: Receive, scope: Scope, limit: int, *, seconds: float, guest: Guest) -> bytes:
    """The whole body; raises what `Arrival.chunk` raises."""
    scope[UNREAD] = True
    if declared_size(scope) > limit:
        raise BodyTooLarge(too_large(limit))
    arrival = Arrival(receive, limit, seconds=seconds, guest=guest)
    body, is_more = bytearray(), True
    while is_more:
        chunk, is_more = await arrival.chunk()
        body += chunk
    scope[UNREAD] = False
    return bytes(body)


def declared_size(scope: Scope) -> int:
    """The value of Content-Length; 0 without one."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:18]) if value.isdigit() else 0
    return 0


def is_packed(scope: Scope) -> bool:
    """Whether the body has a content encoding."""
    return any(
        name == b"content-encoding" and value.strip().lower() not in (b"", b"identity")
        for name, value in scope["headers"]
    )


def last_header(scope: Scope) -> list[Header]:
    """The header that closes the connection when the answer is sent before the body was read."""
    return [(b"connection", b"close")] if scope.get(UNREAD) else []


async def linger(receive: Receive, scope: Scope) -> None:
    """Discard what still arrives after an early answer: a sender in the middle of its body would not see the answer."""
    left = LINGER_SIZE if scope.get(UNREAD) else 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while left > 0:
                message = await receive()
                if not message.get("more_body"):
                    return
                left -= len(message.get("body", b""))
