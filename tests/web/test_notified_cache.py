"""A cache that the database keeps fresh: bounded, never older than the last change, safe between threads."""

import threading
import time

import pytest

from web.notified_cache import NotifiedCache


@pytest.fixture
def cache() -> NotifiedCache[str, int]:
    cache = NotifiedCache[str, int](capacity=3, lifetime=60, lifetime_disconnected=1)
    cache.connected = True
    return cache


def test_a_stored_value_is_found_until_something_changes(cache):
    cache.store({"a": 1}, cache.generation)
    assert cache.get("a") == 1
    cache.clear()
    with pytest.raises(KeyError):
        cache.get("a")


def test_a_value_that_is_too_old_is_still_the_last_known_one(cache):
    cache.store({"a": 1}, cache.generation)
    cache.clear()
    assert ("a" in cache, cache.last_known("a")) == (True, 1)


def test_what_was_read_before_a_change_is_not_stored(cache):
    before = cache.generation
    cache.clear()
    cache.store({"a": 1}, before)
    assert "a" not in cache


def test_while_the_connection_is_down_values_live_for_the_shorter_time(cache, monkeypatch):
    cache.store({"a": 1}, cache.generation)
    later = time.monotonic() + 30
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert cache.get("a") == 1
    cache.connected = False
    with pytest.raises(KeyError):
        cache.get("a")


def test_without_a_lifetime_nothing_is_used_while_the_connection_is_down(monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    cache = NotifiedCache[str, int](capacity=3, lifetime=60)
    cache.store({"a": 1}, cache.generation)
    with pytest.raises(KeyError):
        cache.get("a")


def test_the_value_stored_longest_ago_leaves_first(cache):
    for name in ("a", "b", "c", "a", "d"):
        cache.store({name: 1}, cache.generation)
    assert [name in cache for name in "abcd"] == [True, False, True, True]


def test_many_threads_never_exceed_its_capacity_or_keep_what_changed(cache):
    def work(number: int) -> None:
        for step in range(300):
            cache.store({f"{number}-{step}": step}, cache.generation)
            if step % 50 == 0:
                cache.clear()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 3
    cache.clear()
    cache.store({"x": 1}, cache.generation - 1)
    assert "x" not in cache
