"""Lists as files, streamed: any length, the same memory."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from records.money import round_money
from records.spreadsheet_cells import csv_text

Row = TypeVar("Row")
ROWS_AT_ONCE = 500


def amount(value: Decimal, currency: str) -> Decimal:
    """With the currency's own places, no grouping: `1234.50`."""
    return round_money(value, currency)


def local(value: datetime | None, zone: ZoneInfo) -> str:
    """ISO 8601 in the reader's zone, with its offset."""
    return value.astimezone(zone).isoformat(timespec="seconds") if value else ""


def csv_response(
    request: HttpRequest, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A download of these rows, read while it is sent."""
    chunks = (csv_text(some) for some in batched(chain([header], rows)))
    return download(request, name, "text/csv", chunks)


def download(request: HttpRequest, name: str, kind: str, chunks: Iterator[str]) -> StreamingHttpResponse:
    body = _pulled(chunks) if isinstance(request, ASGIRequest) else chunks
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(body, content_type=f"{kind}; charset=utf-8", headers=headers)


def batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        yield some


async def _pulled(chunks: Iterator[str]) -> AsyncIterator[str]:
    """The same chunks for an asynchronous server, each read in the thread that holds the database connection."""
    read = sync_to_async(_next)
    while chunk := await read(chunks):
        yield chunk


def _next(chunks: Iterator[str]) -> str:
    return next(chunks, "")
