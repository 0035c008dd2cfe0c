"""Lists as files, streamed: any length, the same memory."""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from records.spreadsheet_cells import csv_text
from web.lists.columns import EXPORT, Column, Columns
from web.lists.kinds import Rows

Row = TypeVar("Row")
ROWS_AT_ONCE = 500


def csv_response(
    request: HttpRequest, name: str, columns: Columns, rows: Iterable[Any], zone: ZoneInfo
) -> StreamingHttpResponse:
    """A download of these rows, read while it is sent."""
    return download(request, name, "text/csv", _csv_chunks(columns.within(EXPORT), rows, zone))


def _csv_chunks(columns: list[Column], rows: Iterable[Any], zone: ZoneInfo) -> Iterator[str]:
    yield csv_text([header(columns)])
    for some in batched(rows):
        yield csv_text(line for row in some for line in lines(columns, row, zone))


def header(columns: Iterable[Column]) -> list[str]:
    names: list[str] = []
    for column in columns:
        if isinstance(kind := column.kind, Rows):
            names += [f"{kind.prefix}{below.name}" for below in kind.columns.within(EXPORT)]
        else:
            names.append(column.name)
    return names


def lines(columns: Iterable[Column], row: Any, zone: ZoneInfo) -> Iterator[list[object]]:
    """The line of a row; where it has rows below, a line for each of them, and one without them for none."""
    line: list[object] = []
    below: list[list[object]] | None = None
    for column in columns:
        record = column.record(row)
        value = None if record is None else column.value(record)
        if isinstance(kind := column.kind, Rows):
            inner = kind.columns.within(EXPORT)
            below = [part for each in value or () for part in lines(inner, each, zone)] or [[""] * len(inner)]
        else:
            line.append(kind.csv(value, record, zone))
    yield from ([line] if below is None else ([*line, *part] for part in below))


def download(request: HttpRequest, name: str, kind: str, chunks: Iterator[str]) -> StreamingHttpResponse:
    body = _pulled(chunks) if isinstance(request, ASGIRequest) else chunks
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(body, content_type=f"{kind}; charset=utf-8", headers=headers)


def batched(rows: Iterable[Row], at_once: int = ROWS_AT_ONCE) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while some := list(islice(waiting, at_once)):
        yield some


async def _pulled(chunks: Iterator[str]) -> AsyncIterator[str]:
    """The same chunks for an asynchronous server, each read in the thread that holds the database connection."""
    read = sync_to_async(_next)
    while chunk := await read(chunks):
        yield chunk


def _next(chunks: Iterator[str]) -> str:
    return next(chunks, "")
