"""Schedule requests if only a few may run at once: sender by sender in turn, not first come first served."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoTurn(Exception):
    """The request cannot be queued: too many are, or it has been for too long. It may be sent again."""


class Turns:
    """At most `at_once` requests run; at most `most` are queued or run, of one sender at most `each`.

    None is queued for longer than `seconds`. For the event loop's thread alone.
    """

    def __init__(self, *, at_once: int, most: int, each: int, seconds: float) -> None:
        self._free, self._most, self._each, self._seconds = at_once, most, each, seconds
        self._places: Counter[str] = Counter()
        # Senders in the order of their turns, each with its queued requests.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, sender: str) -> AsyncIterator[None]:
        """Wait for a turn and keep it until the end of the block. Raise `NoTurn` if there is none in time."""
        if self._places.total() >= self._most or self._places[sender] >= self._each:
            raise NoTurn
        self._places[sender] += 1
        try:
            await self._turn(sender)
            try:
                yield
            finally:
                self._next()
        finally:
            self._places[sender] -= 1
            self._places += Counter()  # Drop those at zero.

    async def _turn(self, sender: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sender, deque()).append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except (asyncio.CancelledError, TimeoutError) as error:
            if turn.done() and not turn.cancelled():
                self._next()  # The turn came while the request was cancelled.
            if isinstance(error, TimeoutError):
                raise NoTurn from error
            raise

    def _next(self) -> None:
        """Pass the turn on; a sender that has had one goes to the end."""
        while self._waiting:
            sender, turns = next(iter(self._waiting.items()))
            del self._waiting[sender]
            turn = turns.popleft()
            if turns:
                self._waiting[sender] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
