"""Clicks that the database refused, as files beside the spool: to list and to retry.

A refused click is a file of its own: a line with the reason, then the row for COPY. A damaged segment is stored whole:
its valid records were drained; a person should check the rest and then delete it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from tracking.capture.clicks import COLUMNS, NULL, copy_rows_again, write_or_bisect
from tracking.capture.spool import QUARANTINE

REFUSED, DAMAGED = ".refused", ".damaged"


@dataclass(frozen=True, slots=True)
class RefusedClick:
    """A click that the database refused, and why."""

    path: Path
    reason: str
    row: bytes

    @property
    def values(self) -> dict[str, str]:
        """The values of the row, by column; empty columns are left out."""
        texts = self.row.decode("utf-8", "replace").rstrip("\n").split("\t")
        return {name: text for name, text in zip(COLUMNS, texts, strict=False) if text not in (NULL, "")}

    @property
    def key(self) -> UUID | None:
        try:
            return UUID(hex=self.values.get("id", ""))
        except ValueError:
            return None


def check_readable(directory: Path) -> None:
    """Raise OSError when the spool exists and cannot be read: unreadable must not look like empty."""
    for each in (directory, directory / QUARANTINE):
        if each.exists():
            os.listdir(each)


def refused_clicks(directory: Path) -> Iterator[RefusedClick]:
    """The refused clicks of a spool, the oldest first."""
    for path in sorted((directory / QUARANTINE).glob(f"*{REFUSED}")):
        try:
            reason, _, row = path.read_bytes().partition(b"\n")
        except FileNotFoundError:  # retried, with success, by another process
            continue
        yield RefusedClick(path, reason.decode("utf-8", "replace").removeprefix("# "), row)


def damaged_segments(directory: Path) -> list[Path]:
    return sorted((directory / QUARANTINE).glob(f"*{DAMAGED}"))


def retry(directory: Path, connect: Callable[[], psycopg.Connection]) -> Iterator[tuple[RefusedClick, str]]:
    """Write each refused click again; yield it with an empty text, or with the reason it is still refused.

    A click that is already stored is not written twice. Raise psycopg.OperationalError when the database is away.
    """
    with connect() as line:
        for click in refused_clicks(directory):
            (why,) = write_or_bisect(line, [click.row], copy_rows_again)
            if why is None:
                click.path.unlink(missing_ok=True)
            yield click, " ".join(str(why).split()) if why else ""
