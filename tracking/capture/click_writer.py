"""Group commit of clicks: into PostgreSQL, else into the spool, and back out of it.

`web.batching` gathers the clicks; `ClickWriter.write` handles one batch. A row for which it returns None is durable.
The writer switches to the spool when the database is unreachable, slow beyond `LIMIT`, read-only or broken in any other
way; a separate thread reconnects and drains the spool.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import structlog

from tracking.capture import spool
from tracking.capture.clicks import copy_rows, copy_rows_again, write_or_bisect

log = structlog.get_logger(__name__)

# How long a commit may take, in seconds, before the clicks go to disk instead.
LIMIT = 3.0
RE_EVALUATE = 0.5
FIRST_CONNECTION = 2.0


class ClickNotStored(OSError):
    """Neither the database nor the disk could store the click. Its ID is still genuine; the row is in the log."""


class ClickWriter:
    """Commits batches of clicks for one process."""

    def __init__(self, *, connect: Callable[[], psycopg.Connection], directory: Path) -> None:
        self._connect, self._directory = connect, directory
        self._spool = spool.Spool(directory)
        self._line: psycopg.Connection | None = None
        self._busy_since: float | None = None
        self._tried = threading.Event()
        self._look = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_line, name="clicks-line", daemon=True),
            threading.Thread(target=self._watch, name="clicks-watchdog", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def write(self, rows: list[bytes]) -> list[Exception | None]:
        """Make the rows durable; return the error of each, or None. Never raises."""
        self._tried.wait(FIRST_CONNECTION)
        line = self._line
        if line is not None:
            try:
                self._busy_since = time.monotonic()
                results = write_or_bisect(line, rows, copy_rows)
                self._spool.close()
                return [self._quarantine(row, why) if why else None for row, why in zip(rows, results, strict=True)]
            except (psycopg.Error, OSError) as error:
                log.error("clicks_lost_the_database", error=str(error).strip())
                self._drop(line)
            finally:
                self._busy_since = None
        return self._to_spool(rows)

    def _to_spool(self, rows: list[bytes]) -> list[Exception | None]:
        try:
            self._spool.append(rows)
        except OSError as error:
            # The last resort: the visitor is redirected anyway, the signed ID identifies the link, and the log has the
            # row.
            for row in rows:
                log.critical("click_not_stored", row=row.decode().rstrip("\n"), error=str(error))
            return [ClickNotStored(str(error))] * len(rows)
        return [None] * len(rows)

    def _quarantine(self, row: bytes, why: Exception) -> Exception | None:
        try:
            spool.quarantine(self._directory, row, str(why))
        except OSError as error:
            log.critical("click_not_stored", row=row.decode().rstrip("\n"), error=str(error))
            return ClickNotStored(str(error))
        return None

    def _drop(self, line: psycopg.Connection) -> None:
        self._line = None
        with suppress(psycopg.Error, OSError):
            line.close()
        self._look.set()

    def _keep_line(self) -> None:
        """Connect, reconnect, and drain the spool, until stopped."""
        while not self._stopping.is_set():
            try:
                if self._line is None:
                    self._line = self._connect()
                # Without this, a segment would stay open until the next click arrives.
                self._spool.close()
                drain(self._directory, self._connect)
            except (psycopg.Error, OSError) as error:
                log.warning("clicks_wait_for_the_database", error=str(error).strip())
            except Exception as error:
                log.error("spool_not_drained", error=repr(error))
            self._tried.set()
            self._look.wait(RE_EVALUATE)
            self._look.clear()

    def _watch(self) -> None:
        """Break a commit that takes too long by shutting its socket: the waiting call then fails at once."""
        while not self._stopping.wait(LIMIT / 10):
            since, line = self._busy_since, self._line
            if since is not None and line is not None and time.monotonic() - since > LIMIT:
                log.error("clicks_commit_too_slow", seconds=round(time.monotonic() - since, 1))
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(line.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the threads and release connection and segment; the next process drains what is on disk."""
        self._stopping.set()
        self._look.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)
        if self._line is not None:
            self._line.close()
        self._spool.close()


def drain(directory: Path, connect: Callable[[], psycopg.Connection]) -> int:
    """Write the segments that no longer have a writer into the database; return the number of clicks.

    A segment is removed after its commit. If a crash comes in between, it is written again; existing rows are skipped.
    """
    if not any(directory.glob(f"*{spool.SUFFIX}")):
        return 0
    drained = 0
    with connect() as line:
        for segment in spool.segments(directory):
            results = write_or_bisect(line, segment.payloads, copy_rows_again) if segment.payloads else []
            for payload, why in zip(segment.payloads, results, strict=True):
                if why:
                    spool.quarantine(directory, payload, str(why))
            segment.remove()
            drained += len(segment.payloads)
            log.warning("spool_drained", segment=segment.path.name, clicks=len(segment.payloads))
    return drained
