"""Write clicks to the database: the row, the COPY that writes many at once, and the handling of an invalid one."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import psycopg
import structlog

from tracking.models import SUB_IDS

log = structlog.get_logger(__name__)

_FIRST = ("id", "clicked_at", "link_id", "ip", "visitor", "user_agent", "referrer", "aff_click_id", "source", *SUB_IDS)
COLUMNS = (*_FIRST, "consent", "consent_basis")
_COPY = f"COPY {{}} ({', '.join(COLUMNS)}) FROM STDIN"
NULL = "\\N"
COPY_CLICKS = _COPY.format("tracking_click")


class ClickRefused(ValueError):
    """The database refused this one row; the rows beside it were written."""


def format_row(
    *,
    raw_id: bytes,
    milliseconds: int,
    link_number: int,
    ip: str | None,
    visitor: UUID | str | None,
    texts: list[str],
    consent: tuple[str, str] = ("", ""),
) -> bytes:
    """One line of COPY's text format. `texts` are the text columns in order, without control characters."""
    second, rest = divmod(milliseconds, 1000)
    escaped = "\t".join((*texts, *consent)).replace("\\", "\\\\")
    known = f"{raw_id.hex()}\t{_second(second)}.{rest:03d}Z\t{link_number}\t{ip or NULL}\t{visitor or NULL}"
    return f"{known}\t{escaped}\n".encode()


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    """A second of UTC without its fraction; the clicks of a second share it."""
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def copy_rows(connection: psycopg.Connection, rows: list[bytes]) -> None:
    """Write rows by one COPY, which is one transaction on a connection in autocommit."""
    with connection.cursor() as cursor, cursor.copy(COPY_CLICKS) as copy:
        copy.write(b"".join(rows))


def copy_rows_again(connection: psycopg.Connection, rows: list[bytes]) -> None:
    """Write rows of which some may already exist: after a broken connection this is not known."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE again (LIKE tracking_click INCLUDING DEFAULTS) ON COMMIT DROP")
        with cursor.copy(_COPY.format("again")) as copy:
            copy.write(b"".join(map(_complete, rows)))
        cursor.execute("INSERT INTO tracking_click SELECT * FROM again ON CONFLICT DO NOTHING")


def _complete(row: bytes) -> bytes:
    """A row that was put on disk before there was a consent, with none."""
    return row.removesuffix(b"\n") + b"\t\t\n" if row.count(b"\t") == len(_FIRST) - 1 else row


def write_or_bisect(
    connection: psycopg.Connection, rows: list[bytes], write: Callable[[psycopg.Connection, list[bytes]], None]
) -> list[Exception | None]:
    """Write rows. If the batch fails, halve it until the failing row is alone. None means written."""
    try:
        write(connection, rows)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            log.error("click_refused", click=rows[0][:32].decode(), error=type(error).__name__)
            return [ClickRefused(str(error).strip())]
        middle = len(rows) // 2
        return write_or_bisect(connection, rows[:middle], write) + write_or_bisect(connection, rows[middle:], write)
    return [None] * len(rows)
