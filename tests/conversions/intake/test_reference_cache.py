"""Terms in memory: used while changes are heard of, bounded, and never older than the last change."""

import pytest

from conversions.intake import reference_cache
from conversions.intake.reference_cache import Kept


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
def kept(source):
    kept = Kept(source.read)
    kept.heard = True
    return kept


def test_only_what_is_missing_is_read(kept, source):
    assert kept.many(["a"]) == {"a": 1}
    assert kept.many(["a", "b"]) == {"a": 1, "b": 2}
    assert kept.many(["a", "b", "b"]) == {"a": 1, "b": 2}
    assert source.reads == [{"a"}, {"b"}]


def test_what_does_not_exist_is_asked_for_each_time(kept, source):
    assert kept.many(["nosuch"]) == {}
    source.rows["nosuch"] = 3
    assert kept.many(["nosuch"]) == {"nosuch": 3}


def test_a_change_empties_the_memory(kept, source):
    kept.many(["a"])
    source.rows["a"] = 9
    kept.clear()
    assert kept.many(["a"]) == {"a": 9}


def test_a_change_during_a_reading_makes_that_reading_short_lived(kept, source):
    source.during = kept.clear
    assert kept.many(["a"]) == {"a": 1}
    source.rows["a"], source.during = 9, lambda: None
    assert kept.many(["a"]) == {"a": 9}


def test_without_a_line_everything_is_read_anew(kept, source):
    kept.many(["a"])
    kept.heard = False
    source.rows["a"] = 9
    assert kept.many(["a"]) == {"a": 9}
    assert kept.many([]) == {}
    assert source.reads == [{"a"}, {"a"}]


def test_an_old_reading_is_not_used(kept, source, monkeypatch):
    kept.many(["a"])
    monkeypatch.setattr(reference_cache, "LIFETIME", -1.0)
    kept.many(["a"])
    assert source.reads == [{"a"}, {"a"}]


def test_memory_is_bounded(kept, source, monkeypatch):
    monkeypatch.setattr(reference_cache, "CAPACITY", 1)
    kept.many(["a", "b"])
    kept.many(["a", "b"])
    assert [len(keys) for keys in source.reads] == [2, 1]
