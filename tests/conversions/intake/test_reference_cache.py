"""Reference data in memory: used while changes are notified, bounded, and never older than the last change."""

import pytest

from conversions.intake import reference_cache
from conversions.intake.reference_cache import ReferenceCache


class Source:
    """Stands for a table; counts how often it is read, and can change while it is being read."""

    def __init__(self):
        self.rows, self.reads, self.during = {"a": 1, "b": 2}, [], lambda: None

    def read(self, keys):
        self.reads.append(set(keys))
        found = {key: self.rows[key] for key in keys if key in self.rows}
        self.during()
        return found


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def cache(source):
    cache = ReferenceCache(source.read)
    cache.connected = True
    return cache


def test_only_what_is_missing_is_read(cache, source):
    assert cache.many(["a"]) == {"a": 1}
    assert cache.many(["a", "b"]) == {"a": 1, "b": 2}
    assert cache.many(["a", "b", "b"]) == {"a": 1, "b": 2}
    assert source.reads == [{"a"}, {"b"}]


def test_what_does_not_exist_is_asked_for_each_time(cache, source):
    assert cache.many(["nosuch"]) == {}
    source.rows["nosuch"] = 3
    assert cache.many(["nosuch"]) == {"nosuch": 3}


def test_a_change_empties_the_memory(cache, source):
    cache.many(["a"])
    source.rows["a"] = 9
    cache.clear()
    assert cache.many(["a"]) == {"a": 9}


def test_a_change_during_a_reading_makes_that_reading_short_lived(cache, source):
    source.during = cache.clear
    assert cache.many(["a"]) == {"a": 1}
    source.rows["a"], source.during = 9, lambda: None
    assert cache.many(["a"]) == {"a": 9}


def test_without_a_connection_everything_is_read_anew(cache, source):
    cache.many(["a"])
    cache.connected = False
    source.rows["a"] = 9
    assert cache.many(["a"]) == {"a": 9}
    assert cache.many([]) == {}
    assert source.reads == [{"a"}, {"a"}]


def test_an_old_reading_is_not_used(cache, source):
    cache.many(["a"])
    cache.lifetime = 0.0
    cache.many(["a"])
    assert source.reads == [{"a"}, {"a"}]


def test_memory_is_bounded(cache, source):
    cache.capacity = 1
    cache.many(["a", "b"])
    cache.many(["a", "b"])
    assert [len(keys) for keys in source.reads] == [2, 1]


def test_a_process_that_makes_every_change_itself_reads_once_until_it_forgets(source, monkeypatch):
    cache = ReferenceCache(source.read)
    monkeypatch.setattr(reference_cache, "ALL", (cache,))
    with reference_cache.kept_by_hand():
        assert [cache.many(["a"]), cache.many(["a"])] == [{"a": 1}, {"a": 1}]
        source.rows["a"] = 3
        reference_cache.forget()
        assert cache.many(["a"]) == {"a": 3}
    cache.many(["a"])
    cache.many(["a"])
    assert len(source.reads) == 4
