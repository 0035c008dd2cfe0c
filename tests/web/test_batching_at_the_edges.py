"""Batches when things go wrong: results that do not fit, waiters that are gone, a loop that has ended, the bounds."""

import asyncio
import threading
from typing import Any

import pytest

from web.batching import Batcher, QueueFull


def batcher(handle: Any, **more: Any) -> "Batcher[int, int]":
    made: Batcher[int, int] = Batcher(name="clicks", handle=handle, **{"batch_limit": 100, "queue_limit": 1000, **more})
    made.start()
    return made


async def ended(made: "Batcher[int, int]") -> None:
    made.stop()
    await asyncio.to_thread(made.join, 10)
    assert not made.is_alive()


def test_a_batch_has_no_more_items_than_its_limit_and_leaves_none_behind() -> None:
    sizes: list[int] = []

    def handle(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    async def story() -> list[int]:
        go = threading.Event()
        made = batcher(lambda items: go.wait(10) and handle(items), batch_limit=4)
        futures = [made.submit(number) for number in range(11)]
        go.set()
        found = await asyncio.gather(*futures)
        await ended(made)
        return found

    assert asyncio.run(story()) == list(range(11))
    assert (sum(sizes), max(sizes)) == (11, 4)


def test_the_bound_of_the_queue_is_for_what_waits_not_for_what_is_handled() -> None:
    async def story() -> list[int]:
        is_in, go = threading.Event(), threading.Event()
        made = batcher(lambda items: (is_in.set(), go.wait(10), items)[-1], queue_limit=2, batch_limit=1)
        futures = [made.submit(0)]
        await asyncio.to_thread(is_in.wait, 10)
        futures += [made.submit(1), made.submit(2)]
        with pytest.raises(QueueFull, match="clicks has too much to do"):
            made.submit(3)
        go.set()
        found = await asyncio.gather(*futures)
        assert await made.submit(4) == 4
        await ended(made)
        return found

    assert asyncio.run(story()) == [0, 1, 2]


def test_the_last_work_is_finished_before_the_end_and_once() -> None:
    order: list[Any] = []

    async def story() -> None:
        made = batcher(lambda items: (order.append(list(items)), items)[-1], finish=lambda: order.append("finished"))
        futures = [made.submit(number) for number in range(3)]
        made.stop()
        made.stop()
        await asyncio.gather(*futures)
        await ended(made)

    asyncio.run(story())
    assert [item for batch in order[:-1] for item in batch] == [0, 1, 2]
    assert order.count("finished") == 1
    assert order[-1] == "finished"


def test_a_waiter_that_left_while_its_batch_was_handled_disturbs_no_one() -> None:
    async def story() -> int:
        is_in, go = threading.Event(), threading.Event()
        made = batcher(lambda items: (is_in.set(), go.wait(10), items)[-1])
        left, stays = made.submit(1), made.submit(2)
        await asyncio.to_thread(is_in.wait, 10)
        left.cancel()
        go.set()
        found = await stays
        await ended(made)
        return found

    assert asyncio.run(story()) == 2


def test_what_was_queued_before_the_thread_began_is_handled_though_it_is_stopped_at_once() -> None:
    async def story() -> list[int]:
        made: Batcher[int, int] = Batcher(name="clicks", handle=lambda items: items, batch_limit=2, queue_limit=9)
        futures = [made.submit(number) for number in range(3)]
        made.stop()
        made.start()
        await asyncio.to_thread(made.join, 10)
        return [await future for future in futures]

    assert asyncio.run(asyncio.wait_for(story(), 10)) == [0, 1, 2]


def test_what_waits_is_handled_even_when_the_loop_has_ended_meanwhile() -> None:
    """A worker that is stopped in the middle: its clicks are written though no one awaits the answer."""
    handled: list[int] = []
    go = threading.Event()

    async def story() -> "Batcher[int, int]":
        made = batcher(lambda items: (go.wait(10), handled.extend(items), items)[-1])
        for number in range(3):
            made.submit(number)
        made.stop()
        return made

    made = asyncio.run(story())
    go.set()
    made.join(10)
    assert not made.is_alive()
    assert handled == [0, 1, 2]
