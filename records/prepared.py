"""Statements that a connection prepares: values go apart from the statement, which is parsed and planned once."""

import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.utils.duration import duration_iso_string

# From its second use on a connection a statement is prepared.
PREPARE_AFTER = 1
# Amounts keep their digits: they never pass through a float.
from_json = json.JSONDecoder(parse_float=Decimal).decode


def prepared_cursor() -> CursorWrapper:
    """A cursor that sends values apart from the statement, so that statements are prepared.

    Django's own cursor writes the values into the statement, which is then parsed and planned each time. Where queries
    are logged Django's is used too: it can report what it sent.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    line = cast("psycopg.Connection[Any]", connection.connection)
    line.prepare_threshold = PREPARE_AFTER
    cursor: Any = psycopg.Cursor(line)
    return connection.make_cursor(cursor)


def to_json(value: object) -> str:
    """JSON as PostgreSQL reads it. Decimals, moments, durations and bytes become the texts of their types."""
    try:
        return orjson.dumps(value, _plain, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # Numbers beyond 64 bits, keys of other types, halves of characters: rare, and json knows them.
        return _json_of_anything(value)


def _plain(value: Any) -> Any:
    """Convert values that JSON does not know to what PostgreSQL reads."""
    if isinstance(value, tuple):  # A named one; orjson knows only plain ones.
        return list(value)
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    return str(value)


def array(values: Iterable[object]) -> str:
    """The text of an array of numbers, texts or UUIDs, for a placeholder with a cast: `%s::bigint[]`.

    psycopg looks at each element of a list to find its type, which costs more than the rest of a small statement.
    """
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


_json_of_anything = json.JSONEncoder(default=_plain, check_circular=False, separators=(",", ":")).encode
