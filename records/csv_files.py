"""Read uploaded files of rows: CSV by comma, semicolon or tab, in UTF-8 or a spreadsheet's encoding."""

import csv
import io
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from django.utils.translation import gettext

from records.csv_bounds import LONGEST_LINE, ColumnsRefused, bounded, column_names

DELIMITERS = ",;\t"
LARGEST = 20 * 1024 * 1024
LONGEST_VALUE = 4_000
# Lines that may stand above the header row, such as a report's title.
MOST_BEFORE = 50


class FileRefused(ValueError):
    """The file as a whole cannot be read; nothing was done. The message says how to fix it."""


class CsvRow(NamedTuple):
    """A row of a file: the line where it ends, counted from 1, and its values by column, empty ones left out."""

    line: int
    values: dict[str, str]


class Table(NamedTuple):
    """A file's columns, in lower case, and its rows as they are read."""

    columns: list[str]
    rows: Iterator[CsvRow]


def read_table(content: bytes, *, having: AbstractSet[str] = frozenset()) -> Table:
    """Read the header at once and the rows one by one. Raise `FileRefused`, also while rows are read.

    With `having`, the header is the first line with these columns; what is above it is skipped.
    """
    if len(content) > LARGEST:
        raise FileRefused(
            gettext("The file has more than {largest} MB. Split it.").format(largest=LARGEST // 1024 // 1024)
        )
    lines = io.StringIO(_decoded(content), newline="")
    above = _skip_to_header(lines, having) if having else 0
    start = lines.tell()
    head = lines.readline()
    lines.seek(start)
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(bounded(lines), delimiter=delimiter, strict=True)
    try:
        columns = column_names(next(reader, []))
    except csv.Error as error:
        raise FileRefused(gettext("Line 1 is not CSV: {error}.").format(error=error)) from error
    except ColumnsRefused as error:
        raise FileRefused(str(error)) from error
    if not any(columns):
        raise FileRefused(gettext("The first line must name the columns."))
    return Table(columns, _rows(reader, columns, above))


def _skip_to_header(lines: io.StringIO, having: AbstractSet[str]) -> int:
    """Move to the first line that names these columns; the number of lines above it."""
    for number in range(MOST_BEFORE):
        start = lines.tell()
        line = lines.readline(LONGEST_LINE + 1)
        if any(having <= {name.strip(' "\r\n').lower() for name in line.split(mark)} for mark in DELIMITERS):
            lines.seek(start)
            return number
        if not line:
            break
    message = gettext("No line names the columns {names}. Export the file with its header.")
    raise FileRefused(message.format(names=", ".join(sorted(having))))


def _decoded(content: bytes) -> str:
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise FileRefused(gettext("This is a spreadsheet or an archive. Save it as CSV and send that."))
    for encoding in ("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    raise FileRefused(gettext("The file is text in no known encoding. Save it in UTF-8."))


def _rows(reader: Iterator[list[str]], columns: list[str], above: int = 0) -> Iterator[CsvRow]:
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            line = above + reader.line_num  # type: ignore[attr-defined]
            raise FileRefused(gettext("Line {line} is not CSV: {error}.").format(line=line, error=error)) from error
        if values is None:
            return
        line = above + reader.line_num  # type: ignore[attr-defined]
        if any(values[len(columns) :]):
            raise FileRefused(
                gettext("Line {line} has {number_of_values} values for {number_of_columns} columns.").format(
                    line=line, number_of_values=len(values), number_of_columns=len(columns)
                )
            )
        found = {name: value.strip()[:LONGEST_VALUE] for name, value in zip(columns, values, strict=False)}
        if any(found.values()):
            yield CsvRow(line, {name: value for name, value in found.items() if name and value})
