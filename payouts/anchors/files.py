"""The file of anchors: lines of JSON that are appended and never changed.

A crash or a full disk may leave a partial line behind. It is not removed, because the file may be append-only: the
whole line is written again on its own. So a line that is not an anchor is valid when it is the beginning of the next
anchor.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from payouts.anchors.records import NoAnchor, Record, read_line
from payouts.models import Anchor

BLOCK = 65536


class AnchorFileRefused(ValueError):
    """The file cannot be appended to; the message says why and what to do."""


class AnchorLine(NamedTuple):
    """A line of the file: an anchor, or its error."""

    place: int
    record: Record | None
    error: str = ""


def append_missing(path: Path) -> int:
    """Append every anchor that the file lacks, in order, and return the number of its last one.

    The file is locked meanwhile, so that any number may write; each line is on the disk when this returns. Raise
    `OSError`, and `FileRefused` when the file's last anchor is not the database's anchor of that number.
    """
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, is_torn = _end(file)
        number = _check(path, last)
        for anchor in Anchor.objects.filter(number__gt=number).order_by("number").iterator(chunk_size=20):
            _write(file, ("\n" if is_torn else "") + anchor.line + "\n")
            number, is_torn = anchor.number, False
        os.fsync(file)
    finally:
        os.close(file)
    if is_new:
        _sync_directory(path.parent)
    return number


def _check(path: Path, last: Record | None) -> int:
    """The number of the file's last anchor, which must be the database's too."""
    if last is None:
        return 0
    known = Anchor.objects.filter(number=last.number).values_list("hash", flat=True).first()
    if known != last.hash:
        raise AnchorFileRefused(
            f"Anchor {last.number} in {path} is not the one in the database: one of the two was exchanged, or the "
            "database was restored from an older copy. Run manage.py verify_ledger. Nothing was written."
        )
    return last.number


def _end(file: int) -> tuple[Record | None, bool]:
    """The last anchor in the file, and whether something follows its last line end."""
    pieces = _backwards(file)
    rest = next(pieces)
    last = _record(rest) or next((record for record in map(_record, pieces) if record), None)
    return last, bool(rest)


def _record(line: bytes) -> Record | None:
    try:
        return read_line(line.decode())
    except (NoAnchor, UnicodeDecodeError):
        return None


def _backwards(file: int) -> Iterator[bytes]:
    """The file's lines, from the last to the first."""
    end, rest = os.fstat(file).st_size, b""
    while end > 0:
        start = max(0, end - BLOCK)
        rest, *lines = (os.pread(file, end - start, start) + rest).split(b"\n")
        yield from reversed(lines)
        end = start
    yield rest


def _write(file: int, text: str) -> None:
    left = memoryview(text.encode())
    while left:
        left = left[os.write(file, left) :]


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_file(path: Path) -> Iterator[AnchorLine]:
    """Every line of a file of anchors, the beginnings that a crash left behind apart. Raise `OSError`."""
    torn: list[tuple[int, bytes]] = []
    with path.open("rb") as file:
        for place, raw in enumerate(file, start=1):
            line = raw.removesuffix(b"\n")
            if (record := _record(line)) is None:
                torn.append((place, line))
                continue
            for earlier, found in torn:
                if not line.startswith(found):
                    yield AnchorLine(earlier, None, "is no anchor, and not the beginning of the one after it.")
            torn = []
            yield AnchorLine(place, record)
    for place, _ in torn:
        yield AnchorLine(place, None, "is no anchor, and no anchor follows that it could be the beginning of.")
