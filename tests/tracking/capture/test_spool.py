import fcntl
import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracking.capture import spool
from tracking.capture.spool import Spool, segments, state

ROWS = [b"first\n", b"second \xc3\xa9\n", b"third" * 100 + b"\n"]


def drained(directory):
    return [payload for segment in segments(directory) for payload in segment.payloads]


def damage_of(directory):
    return sum(segment.damaged for segment in segments(directory))


def written(directory, rows=ROWS):
    """The path of a closed segment with these rows."""
    writer = Spool(directory)
    writer.append(rows)
    writer.close()
    return max(directory.glob("*.spool"))


def test_what_is_appended_comes_back_in_order(tmp_path):
    writer = Spool(tmp_path)
    writer.append(ROWS[:1])
    writer.append(ROWS[1:])
    writer.close()
    written(tmp_path, [b"later\n"])
    assert drained(tmp_path) == [*ROWS, b"later\n"]


def test_a_segment_is_left_alone_while_its_writer_lives(tmp_path):
    writer = Spool(tmp_path)
    writer.append(ROWS)
    assert drained(tmp_path) == []
    assert state(tmp_path).segments == 1
    writer.close()
    assert drained(tmp_path) == ROWS


def test_a_segment_is_drained_by_one_at_a_time(tmp_path):
    path = written(tmp_path)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert drained(tmp_path) == []
    assert drained(tmp_path) == ROWS


@pytest.mark.parametrize("lost", [1, 5, 11, 13, 300])
def test_a_torn_tail_is_skipped_and_reported(tmp_path, lost):
    path = written(tmp_path)
    os.truncate(path, path.stat().st_size - lost)
    assert drained(tmp_path) == ROWS[:2]
    assert damage_of(tmp_path) > 0


def test_damage_in_the_middle_costs_one_record(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"second")] ^= 1
    path.write_bytes(bytes(data))
    assert drained(tmp_path) == [ROWS[0], ROWS[2]]


def test_a_damaged_segment_is_kept_aside(tmp_path):
    path = written(tmp_path)
    os.truncate(path, path.stat().st_size - 1)
    for segment in segments(tmp_path):
        segment.remove()
    assert (state(tmp_path).segments, state(tmp_path).quarantined) == (0, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=6), st.data())
def test_any_damage_leaves_only_rows_that_were_written(tmp_path, rows, data):
    for old in tmp_path.glob("*.spool"):
        old.unlink()
    path = written(tmp_path, rows) if rows else None
    if path is None:
        return
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    left = iter(rows)
    assert all(any(payload == row for row in left) for payload in drained(tmp_path))  # a subsequence


def test_an_absurd_length_is_damage_not_memory(tmp_path):
    path = written(tmp_path, [])
    path.write_bytes(struct.pack(">4sII", spool.MARKER, 2**31, 0) + b"x" * 50)
    assert drained(tmp_path) == []


def test_a_new_segment_is_begun_when_one_is_large(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MAX_SEGMENT", 100)
    writer = Spool(tmp_path)
    for _ in range(3):
        writer.append([b"x" * 90])
    assert state(tmp_path).segments == 3
    assert len(drained(tmp_path)) == 3


def test_a_failed_sync_is_raised_and_the_next_append_begins_anew(tmp_path, monkeypatch):
    writer = Spool(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(spool.os, "fdatasync", lambda fd: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            writer.append(ROWS)
    writer.append([b"after\n"])
    writer.close()
    assert drained(tmp_path)[-1] == b"after\n"
