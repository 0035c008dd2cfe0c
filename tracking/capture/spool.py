"""Clicks on disk while PostgreSQL is unavailable: append-only segments, checksummed, synced before the click is
answered.

The process that writes a segment locks it (flock), so a segment that can be locked no longer has a writer: it was
closed, or its process died. The process that drains it holds the lock meanwhile.

A segment is a sequence of records:

    4 bytes   marker "CLK1"
    4 bytes   length of the payload, big-endian
    4 bytes   CRC-32 of the payload
    payload   one click as a line of COPY's text format (see `capture.format_row`)

A crash may leave the last record incomplete. Reading skips to the next marker with a complete record, and reports how
many bytes were skipped.
"""

import fcntl
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger(__name__)

MARKER = b"CLK1"
HEAD = struct.Struct(">4sII")
SUFFIX = ".spool"
QUARANTINE = "quarantine"
# Longer than any click; a larger length means that the record is damaged.
MAX_PAYLOAD = 64 * 1024
# A segment is drained in one piece, so this limits the memory that draining needs.
MAX_SEGMENT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpoolState:
    """The content of the disk: segments not drained yet, their bytes, the age of the oldest in seconds, quarantined
    files.
    """

    segments: int
    size: int
    oldest_seconds: float
    quarantined: int


class Spool:
    """The segment that one process appends to, created when first needed. Any thread may append or close."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file: BinaryIO | None = None
        self._lock = threading.RLock()

    def append(self, payloads: list[bytes]) -> None:
        """Append the payloads and sync them to disk with one fsync; raise OSError if that fails.

        After a failure the segment is closed: reading skips a half-written record.
        """
        with self._lock:
            try:
                file = self._file or self._open()
                file.write(b"".join(HEAD.pack(MARKER, len(p), zlib.crc32(p)) + p for p in payloads))
                file.flush()
                os.fdatasync(file.fileno())
                if file.tell() > MAX_SEGMENT:
                    self.close()
            except OSError:
                self.close()
                raise

    def _open(self) -> BinaryIO:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{time.time_ns():020d}-{os.getpid()}{SUFFIX}"
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        _sync_directory(self.directory)
        self._file = file
        log.error("clicks_go_to_spool", segment=path.name)
        return file

    def close(self) -> None:
        """Release the segment, so that it can be drained."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                try:
                    file.close()
                except OSError as error:
                    log.error("spool_close_failed", error=str(error))

    @property
    def is_open(self) -> bool:
        return self._file is not None


def _sync_directory(directory: Path) -> None:
    """Make a new name in the directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Segment:
    """A segment that is locked for draining. `payloads` are its whole records in order."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file
        data = file.read()
        self.payloads, self.damaged = _records(data)

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def remove(self) -> None:
        """Remove the segment, or move it to quarantine if it is damaged, for a person to check."""
        if self.damaged:
            log.error("spool_segment_damaged", segment=self.path.name, bytes=self.damaged, clicks=len(self.payloads))
            aside = self.path.parent / QUARANTINE
            aside.mkdir(exist_ok=True)
            self.path.rename(aside / f"{self.path.name}.damaged")
        else:
            self.path.unlink()
        _sync_directory(self.path.parent)


def _records(data: bytes) -> tuple[list[bytes], int]:
    """The complete records in the data, and the number of bytes that belong to none."""
    payloads: list[bytes] = []
    place = damaged = 0
    while place < len(data):
        payload = _record_at(data, place)
        if payload is None:
            following = data.find(MARKER, place + 1)
            following = len(data) if following < 0 else following
            damaged += following - place
            place = following
        else:
            payloads.append(payload)
            place += HEAD.size + len(payload)
    return payloads, damaged


def _record_at(data: bytes, place: int) -> bytes | None:
    if len(data) - place < HEAD.size:
        return None
    marker, length, checksum = HEAD.unpack_from(data, place)
    payload = data[place + HEAD.size : place + HEAD.size + length]
    whole = marker == MARKER and length <= MAX_PAYLOAD and len(payload) == length
    return payload if whole and zlib.crc32(payload) == checksum else None


def segments(directory: Path) -> Iterator[Segment]:
    """Segments without a running writer, the oldest first, each locked while it is processed."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # another process has drained it
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        if os.fstat(file.fileno()).st_nlink == 0:
            file.close()
            continue
        with Segment(path, file) as segment:
            yield segment


def quarantine(directory: Path, payload: bytes, why: str) -> None:
    """Store a click that the database refuses, with its reason, in a file; raise OSError if that fails."""
    aside = directory / QUARANTINE
    aside.mkdir(parents=True, exist_ok=True)
    path = aside / f"{time.time_ns():020d}-{os.getpid()}.refused"
    with path.open("xb") as file:
        file.write(f"# {' '.join(why.split())}\n".encode() + payload)
        file.flush()
        os.fsync(file.fileno())
    _sync_directory(aside)


def state(directory: Path) -> SpoolState:
    """The current content of the disk, for the readiness check and for people."""
    sizes: list[int] = []
    oldest = time.time_ns()
    for path in directory.glob(f"*{SUFFIX}"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
        oldest = min(oldest, int(path.name.partition("-")[0]))
    aside = sum(1 for _ in (directory / QUARANTINE).glob("*")) if (directory / QUARANTINE).exists() else 0
    return SpoolState(len(sizes), sum(sizes), (time.time_ns() - oldest) / 1e9 if sizes else 0.0, aside)
