"""Turns: so many at work at once, sender by sender, and none waits for ever."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.turns import NoTurn, Turns


async def work(turns: Turns, sender: str, done: list[str]) -> None:
    async with turns.of(sender):
        await asyncio.sleep(0)
        done.append(sender)


def order_of(senders: str, *, at_once: int = 1) -> str:
    """In which order requests are done that come in this order, all at the same moment."""

    async def story() -> str:
        turns, done = Turns(at_once=at_once, most=100, each=100, seconds=60), list[str]()
        await asyncio.gather(*(work(turns, sender, done) for sender in senders))
        return "".join(done)

    return asyncio.run(story())


def test_one_with_a_single_request_does_not_wait_for_all_of_one_with_many() -> None:
    assert order_of("aaaaaab") == "aabaaaa"


def test_senders_with_many_requests_take_turns() -> None:
    assert order_of("aaabbb") == "aababb"


@given(st.text("abcd", max_size=30), st.integers(1, 4))
def test_each_request_gets_one_turn_and_no_more_are_at_work_than_may(senders: str, at_once: int) -> None:
    async def story() -> tuple[list[str], int]:
        turns, done = Turns(at_once=at_once, most=100, each=100, seconds=60), list[str]()
        at_work, highest = 0, 0

        async def one(sender: str) -> None:
            nonlocal at_work, highest
            async with turns.of(sender):
                at_work += 1
                highest = max(highest, at_work)
                await asyncio.sleep(0)
                at_work -= 1
                done.append(sender)

        await asyncio.gather(*map(one, senders))
        return done, highest

    done, highest = asyncio.run(story())
    assert Counter(done) == Counter(senders)
    assert highest == min(at_once, len(senders))


@pytest.mark.parametrize(("bounds", "senders"), [({"most": 3, "each": 9}, "abcd"), ({"most": 9, "each": 2}, "aaa")])
def test_where_too_many_wait_the_next_is_sent_away(bounds: dict[str, int], senders: str) -> None:
    async def story() -> list[object]:
        turns = Turns(at_once=1, seconds=60, **bounds)
        return await asyncio.gather(*(work(turns, sender, []) for sender in senders), return_exceptions=True)

    *rest, last = asyncio.run(story())
    assert isinstance(last, NoTurn)
    assert rest == [None] * len(rest)


def test_no_one_waits_for_ever_and_a_turn_that_was_not_taken_is_not_lost() -> None:
    async def story() -> list[str]:
        turns, done, over = Turns(at_once=1, most=9, each=9, seconds=0.01), list[str](), asyncio.Event()

        async def stuck() -> None:
            async with turns.of("stuck"):
                await over.wait()

        at_work = asyncio.create_task(stuck())
        await asyncio.sleep(0)
        with pytest.raises(NoTurn):
            await work(turns, "waiting", done)
        over.set()
        await at_work
        await work(turns, "later", done)
        return done

    assert asyncio.run(story()) == ["later"]


def test_a_request_that_goes_away_while_it_waits_leaves_its_turn_to_the_next() -> None:
    async def story() -> list[str]:
        turns, done = Turns(at_once=1, most=9, each=9, seconds=60), list[str]()
        tasks = [asyncio.create_task(work(turns, sender, done)) for sender in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await work(turns, "d", done)
        return done

    assert asyncio.run(story()) == ["a", "c", "d"]
