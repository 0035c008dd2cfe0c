"""Group commit: items that arrive together are handled together, by a thread of its own.

The items that gather while one batch is handled are the next one, so batches grow automatically with the load, and a
single request does not wait. With `gather`, a batch that follows one of several items waits that long for more: under
load a few larger commits cost less than many small ones.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

Item = TypeVar("Item")
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class QueueFull(ConnectionError):
    """The queue is at its memory limit: a refusal is better than running out of memory."""


class Batcher(threading.Thread, Generic[Item, Result]):
    """Gathers items from the event loop and handles them in batches.

    `handle` gets the items and returns a result for each, in order; a result that is an exception is
    raised to that item's waiter alone, an exception raised by `handle` to all of the batch. `begin` and `finish` are
    called in the thread, before the first batch and after the last.
    """

    def __init__(
        self,
        *,
        name: str,
        handle: Callable[[list[Item]], Sequence[Result | Exception]],
        batch_limit: int,
        queue_limit: int,
        gather: float = 0.0,
        begin: Callable[[], None] = lambda: None,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._handle_batch, self._begin, self._finish_up = handle, begin, finish
        self._batch_limit, self._queue_limit, self._gather = batch_limit, queue_limit, gather
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._wake = threading.Event()
        self._stopping = False

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Queue an item from the event loop; the future is done when its batch is."""
        if len(self._waiting) >= self._queue_limit or self._stopping:
            raise QueueFull(f"{self.name} has too much to do.")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._waiting.append((item, future))
        self._wake.set()
        return future

    def stop(self) -> None:
        """Accept no more items, handle those in the queue, then end."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        self._begin()
        is_busy = False
        while not self._stopping or self._waiting:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if is_busy and self._gather and not self._stopping:
                    time.sleep(self._gather)
                # Only this thread removes, so slice and deletion are about the same items.
                batch = self._waiting[: self._batch_limit]
                del self._waiting[: len(batch)]
                self._settle(batch)
                is_busy = len(batch) > 1
        self._finish_up()

    def _settle(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        results: Sequence[Result | Exception]
        try:
            results = self._handle_batch([item for item, _ in batch])
        except Exception as error:
            log.error("batch_failed", batcher=self.name, items=len(batch), error=str(error).strip())
            results = [error] * len(batch)
        with contextlib.suppress(RuntimeError):  # The loop has ended: no one awaits the result.
            self._loop.call_soon_threadsafe(_answer, [future for _, future in batch], results)


def _answer(futures: "list[asyncio.Future[Result]]", results: "Sequence[Result | Exception]") -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
