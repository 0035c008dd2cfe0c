"""Bounds of uploaded files, checked before any work that grows with them."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext

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
            gettext(
                "The first line names {number_of_found:,} columns; at most {most_columns} are read. Leave out the "
                "others."
            ).format(number_of_found=len(found), most_columns=MOST_COLUMNS)
        )
    names = [name.strip().lower() for name in found]
    if long := [name for name in names if len(name) > LONGEST_NAME]:
        raise ColumnsRefused(
            gettext(
                "The column {long}… has a name of {number:,} characters; shorten it to {longest_name}. "
                "Is the first line one of column names?"
            ).format(long=long[0][:SHOWN], number=len(long[0]), longest_name=LONGEST_NAME)
        )
    if repeated := sorted(name for name, times in Counter(names).items() if times > 1 and name):
        raise ColumnsRefused(gettext("The column {names} is named twice.").format(names=", ".join(repeated)))
    return names
