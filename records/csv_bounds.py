"""Bounds of uploaded files, checked before any work that grows with them."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

MOST_COLUMNS = 200
LONGEST_NAME = 200
# Of a line of the file: more than any row of ours, far less than what exhausts a process.
LONGEST_LINE = 250_000
SHOWN = 80


class ColumnsRefused(ValueError):
    """The first line does not list column names; the message says what to change."""


def bounded(lines: Iterable[str]) -> Iterator[str]:
    """The lines for a CSV reader; one that is far too long raises `csv.Error`, and is not read."""
    return map(_bounded_line, lines)


def _bounded_line(line: str) -> str:
    if len(line) > LONGEST_LINE:
        raise csv.Error(f"it has {len(line):,} characters; {LONGEST_LINE:,} are read at most")
    return line


def column_names(found: Sequence[str]) -> list[str]:
    """The names in lower case. Raise `ColumnsRefused` for too many, overlong or repeated ones."""
    if len(found) > MOST_COLUMNS:
        raise ColumnsRefused(
            f"The first line names {len(found):,} columns; at most {MOST_COLUMNS} are read. Leave out the others."
        )
    names = [name.strip().lower() for name in found]
    if long := [name for name in names if len(name) > LONGEST_NAME]:
        raise ColumnsRefused(
            f"The column {long[0][:SHOWN]}… has a name of {len(long[0]):,} characters; shorten it to {LONGEST_NAME}. "
            "Is the first line one of column names?"
        )
    if repeated := sorted(name for name, times in Counter(names).items() if times > 1 and name):
        raise ColumnsRefused(f"The column {', '.join(repeated)} is named twice.")
    return names
