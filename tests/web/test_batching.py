import asyncio
import threading

import pytest

from web.batching import Batcher, QueueFull


def run(handle, story, **limits):
    async def whole():
        batcher = Batcher(name="test", handle=handle, **{"batch_limit": 100, "queue_limit": 1000, **limits})
        batcher.start()
        try:
            return await story(batcher)
        finally:
            batcher.stop()
            await asyncio.to_thread(batcher.join, 10)
            assert not batcher.is_alive()

    return asyncio.run(whole())


def test_what_gathers_while_a_batch_is_handled_is_the_next_batch():
    batches, first_is_in, go_on = [], threading.Event(), threading.Event()

    def handle(items):
        batches.append(list(items))
        first_is_in.set()
        assert go_on.wait(10)
        return [item * 2 for item in items]

    async def story(batcher):
        futures = [batcher.submit(1)]
        await asyncio.to_thread(first_is_in.wait, 10)
        futures += [batcher.submit(n) for n in (2, 3, 4)]
        go_on.set()
        return await asyncio.gather(*futures)

    assert run(handle, story) == [2, 4, 6, 8]
    assert batches == [[1], [2, 3, 4]]


def test_after_a_batch_of_several_the_next_one_waits_for_more_but_a_lone_item_never_does(monkeypatch):
    naps, batches, first_is_in, go_on = [], [], threading.Event(), threading.Event()
    monkeypatch.setattr("web.batching.time.sleep", naps.append)

    def handle(items):
        batches.append((list(items), len(naps)))
        first_is_in.set()
        assert go_on.wait(10)
        return items

    async def story(batcher):
        futures = [batcher.submit(1)]
        await asyncio.to_thread(first_is_in.wait, 10)
        futures += [batcher.submit(2), batcher.submit(3)]
        go_on.set()
        await asyncio.gather(*futures)
        await batcher.submit(4)
        await batcher.submit(5)

    run(handle, story, gather=0.25)
    # Who came after one alone does not wait, who came after two does, and that lone one ends it.
    assert batches == [([1], 0), ([2, 3], 0), ([4], 1), ([5], 1)]
    assert naps == [0.25]


def test_an_item_that_fails_fails_alone():
    def handle(items):
        return [ValueError(item) if item == 2 else item for item in items]

    async def story(batcher):
        return await asyncio.gather(*(batcher.submit(n) for n in (1, 2, 3)), return_exceptions=True)

    results = run(handle, story)
    assert [results[0], results[2]] == [1, 3]
    assert isinstance(results[1], ValueError)


def test_a_batch_that_fails_shows_every_waiter_and_the_next_one_goes_on():
    def handle(items):
        if 1 in items:
            raise OSError("disk")
        return items

    async def story(batcher):
        with pytest.raises(OSError, match="disk"):
            await batcher.submit(1)
        return await batcher.submit(2)

    assert run(handle, story) == 2


def test_a_full_queue_refuses_at_once():
    hold = threading.Event()

    async def story(batcher):
        futures = [batcher.submit(0)]
        await asyncio.sleep(0.05)  # the first is being handled
        futures += [batcher.submit(n) for n in range(3)]
        with pytest.raises(QueueFull):
            batcher.submit(9)
        hold.set()
        return await asyncio.gather(*futures)

    assert run(lambda items: hold.wait(10) and items, story, queue_limit=3) == [0, 0, 1, 2]


def test_stopping_handles_what_waits_and_takes_no_more():
    async def story(batcher):
        futures = [batcher.submit(n) for n in range(250)]
        batcher.stop()
        with pytest.raises(QueueFull):
            batcher.submit(1)
        return await asyncio.gather(*futures)

    assert run(lambda items: items, story) == list(range(250))


def test_a_waiter_that_left_does_not_disturb_the_others():
    async def story(batcher):
        left = batcher.submit(1)
        left.cancel()
        return await batcher.submit(2)

    assert run(lambda items: items, story) == 2
