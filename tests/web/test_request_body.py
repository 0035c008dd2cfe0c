"""How a body is read: whole or not at all, within its bounds, and no sender at the cost of another."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import request_body
from web.http import BodyTooLarge
from web.request_body import (
    KB,
    UNREAD,
    Arrival,
    BodyCutOff,
    BodyTooSlow,
    NoRoom,
    Room,
    declared_size,
    is_packed,
    last_header,
    linger,
    read_body,
)

Messages = Iterable[dict[str, Any]]


def part(size: int, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def sender(messages: Messages, pause: float = 0.0) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What a server hands on of a sender who sends nothing more once these messages have come."""
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        for message in left:
            return message
        return await asyncio.get_running_loop().create_future()

    return receive


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"headers": headers}


def read(messages: Messages, limit: int = 64 * KB, *, seconds: float = 60, pause: float = 0.0) -> bytes:
    with Room(1024 * KB, 512 * KB).guest("someone") as guest:
        return asyncio.run(read_body(sender(messages, pause), scope(), limit, seconds=seconds, guest=guest))


def test_a_body_in_parts_is_read_whole() -> None:
    assert read([part(3), part(0), part(4, more=False)]) == b"x" * 7


def test_a_body_over_the_limit_is_refused_while_it_comes() -> None:
    with pytest.raises(BodyTooLarge, match="larger than 1 KB"):
        read([part(600)] * 3, 1 * KB)


def test_a_body_that_announces_too_much_is_not_waited_for() -> None:
    head = scope((b"content-length", b"70000"))
    with Room(1, 1).guest("someone") as guest, pytest.raises(BodyTooLarge):
        asyncio.run(read_body(sender([]), head, 64 * KB, seconds=60, guest=guest))


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert len(read([part(KB - 1), part(1, more=False)], 1 * KB)) == KB


def test_what_has_come_of_a_body_that_broke_off_is_not_taken_for_all_of_it() -> None:
    with pytest.raises(BodyCutOff):
        read([part(10), {"type": "http.disconnect"}])


def test_a_body_that_stops_arriving_is_not_waited_for_without_end() -> None:
    with pytest.raises(BodyTooSlow, match="10 bytes came"):
        read([part(10)], seconds=0.05)


def test_a_trickle_does_not_earn_itself_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "GRACE", 0.05)
    with pytest.raises(BodyTooSlow):
        read([part(1)] * 10_000, seconds=3600, pause=0.001)


def test_a_sender_who_keeps_up_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "GRACE", 0.05)
    monkeypatch.setattr(request_body, "RATE", 1)
    assert len(read([part(10), part(10), part(10, more=False)], seconds=3600, pause=0.03)) == 30


def test_one_sender_takes_its_share_of_the_room_and_no_more() -> None:
    room = Room(100, 40)
    with room.guest("greedy") as first, room.guest("greedy") as second, room.guest("modest") as other:
        first.take(30)
        with pytest.raises(NoRoom) as refused:
            second.take(11)
        assert refused.value.is_own
        other.take(40)


def test_many_senders_take_the_room_and_no_more() -> None:
    room = Room(100, 40)
    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(room.guest(str(number))).take(40)
        with pytest.raises(NoRoom) as refused:
            stack.enter_context(room.guest("late")).take(21)
        assert not refused.value.is_own


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 60), max_size=5)), max_size=8))
def test_a_room_gives_back_exactly_what_was_taken(bodies: list[tuple[str, list[int]]]) -> None:
    room = Room(150, 80)
    with ExitStack() as stack:
        for name, sizes in bodies:
            guest = stack.enter_context(room.guest(name))
            for size in sizes:
                try:
                    guest.take(size)
                except NoRoom:
                    break
            assert room.total == room.taken.total() <= 150
            assert max(room.taken.values(), default=0) <= 80
    assert (room.total, room.taken) == (0, {})


def test_who_shows_itself_when_asked_may_send_more() -> None:
    async def story() -> int:
        room, asked = Room(10 * KB, 10 * KB), []

        async def show() -> None:
            asked.append(arrival.size)
            arrival.limit = 5 * KB

        with room.guest("someone") as guest:
            arrival = Arrival(sender([part(600)] * 4), 1 * KB, seconds=60, guest=guest, more=show)
            for _ in range(4):
                await arrival.chunk()
        return len(asked)

    assert asyncio.run(story()) == 1


@given(st.binary(max_size=30) | st.integers(0, 10**5000 - 1).map(lambda n: b"9" * min(n, 6000)))
def test_no_content_length_breaks_the_reading_of_it(value: bytes) -> None:
    size = declared_size(scope((b"content-length", value)))
    assert size >= 0
    assert size == 0 or value.isdigit()


def test_a_content_length_of_thousands_of_digits_is_too_large() -> None:
    assert declared_size(scope((b"content-length", b"9" * 5000))) > 10**17


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"br", b"deflate, gzip", b" zstd "])
def test_a_packed_body_is_known_by_its_head(encoding: bytes) -> None:
    assert is_packed(scope((b"content-encoding", encoding)))


@pytest.mark.parametrize("headers", [[], [(b"content-encoding", b"")], [(b"content-encoding", b"identity")]])
def test_a_body_as_it_is_is_not_packed(headers: list[tuple[bytes, bytes]]) -> None:
    assert not is_packed(scope(*headers))


def test_only_an_answer_to_an_unread_body_ends_the_connection() -> None:
    assert last_header({UNREAD: True}) == [(b"connection", b"close")]
    assert last_header({UNREAD: False}) == last_header({}) == []


def test_after_an_early_answer_no_more_is_thrown_away_than_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "LINGER_SIZE", 100)
    read_parts = iter([part(30)] * 10)

    async def receive() -> dict[str, Any]:
        return next(read_parts)

    asyncio.run(linger(receive, {UNREAD: True}))
    assert len(list(read_parts)) == 6


def test_after_an_early_answer_a_sender_that_stops_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "LINGER", 0.02)
    asyncio.run(linger(sender([part(1)]), {UNREAD: True}))


def test_nothing_is_waited_for_where_the_body_was_read() -> None:
    asyncio.run(linger(sender([]), {UNREAD: False}))
