"""Write rows in bulk: one statement for all rows of a model, whatever its columns are.

Django's `bulk_create` spends more processor time on preparing values than all of the decisions take. Here the rows go
as one JSON document, which Python writes in C and PostgreSQL reads with the table's own types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import groupby
from typing import Any, TypeVar, cast

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, JSONField, Model
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault
from django.utils.duration import duration_iso_string

# From its second use on a connection a statement is prepared: parsed and planned once.
PREPARE_AFTER = 1
Row = TypeVar("Row", bound=Model)


def _plain(value: Any) -> str:
    """Convert values that JSON does not know to what PostgreSQL reads."""
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, bytes | memoryview):
        return "\\x" + bytes(value).hex()
    return str(value)


to_json = json.JSONEncoder(default=_plain, check_circular=False, separators=(",", ":")).encode


def prepared_cursor() -> CursorWrapper:
    """A cursor that sends values apart from the statement, so that statements are prepared.

    Django's own cursor writes the values into the statement, which is then parsed and planned each time. Where queries
    are logged Django's is used too: it can report what it sent.
    """
    if connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    line = cast("psycopg.Connection[Any]", connection.connection)
    line.prepare_threshold = PREPARE_AFTER
    cursor: Any = psycopg.Cursor(line)
    return connection.make_cursor(cursor)


def new(model: type[Row], **values: Any) -> Row:
    """A row as `model(**values)` makes it, at a fifth of the cost; foreign keys are given as rows or None.

    Sends none of Django's signals; nothing here listens to `pre_init` and `post_init`.
    """
    made, blank = model.__new__(model), _blank(model)
    fields: dict[str, Any] = {"_state": ModelState(), **blank.constants}
    for name, value in values.items():
        if attribute := blank.foreign_keys.get(name):
            fields[attribute] = None if value is None else value.pk
            fields["_state"].fields_cache[name] = value
        elif name in fields or name in blank.made:
            fields[name] = value
        else:
            raise TypeError(f"{model.__name__} has no field {name}.")
    for name, make in blank.made.items():
        if name not in fields:
            fields[name] = make()
    made.__dict__ = fields
    return made


@dataclass(frozen=True, slots=True)
class _Blank:
    """The initial values of a new row of a model: by attribute, constants and values made for each row."""

    constants: dict[str, Any]
    made: dict[str, Callable[[], Any]]
    foreign_keys: dict[str, str]


@cache
def _blank(model: type[Model]) -> _Blank:
    constants: dict[str, Any] = {}
    made: dict[str, Callable[[], Any]] = {}
    for field in model._meta.concrete_fields:
        if (field.has_default() and callable(field.default)) or field.has_db_default():
            made[field.attname] = field.get_default
        elif not field.generated:
            constants[field.attname] = field.get_default()
    keys = {field.name: field.attname for field in model._meta.concrete_fields if field.many_to_one or field.one_to_one}
    return _Blank(constants, made, keys)


@dataclass(frozen=True, slots=True)
class _Table:
    """How rows of a model are written: the statement, and the source of each column's value."""

    statement: str
    # Column and attribute of fields that need no preparation; then fields that prepare their own values.
    plain: tuple[tuple[str, str], ...]
    prepared: tuple[Any, ...]
    returned: tuple[str, ...]

    def record(self, row: Model) -> dict[str, Any]:
        values = row.__dict__
        record = {column: values[name] for column, name in self.plain}
        for field in self.prepared:
            record[field.column] = _prepared(field, row)
        return record


def insert(rows: Iterable[Row]) -> list[Row]:
    """Insert rows of one model in one statement and set their IDs, like `bulk_create` at less cost.

    Every column of the model is written, so a field that is added later needs nothing here. Rows that foreign keys
    point at must be saved before. Raise what the database raises; then nothing was inserted.
    """
    rows = list(rows)
    if rows:
        optional = _optional(type(rows[0]))
        # Columns that the database fills in are left out. Most rows leave out the same ones: usually one statement.
        for left_out, alike in groupby(rows, lambda row: _not_given(row, optional)):
            _insert(list(alike), _table(type(rows[0]), left_out))
    return rows


def update(rows: Sequence[Model], names: tuple[str, ...]) -> int:
    """Write these fields of saved rows of one model in one statement; return how many rows existed.

    Django's `bulk_update` builds a CASE for each row and column.
    """
    if not rows:
        return 0
    table = _updating(type(rows[0]), names)
    with prepared_cursor() as cursor:
        cursor.execute(table.statement, [to_json([table.record(row) for row in rows])])
        return int(cursor.rowcount)


def _insert(rows: Sequence[Model], table: _Table) -> None:
    document = to_json([table.record(row) for row in rows])
    with prepared_cursor() as cursor:
        cursor.execute(table.statement, [document])
        for row, values in zip(rows, cursor.fetchall(), strict=True):
            row.__dict__.update(zip(table.returned, values, strict=True))
            row._state.adding, row._state.db = False, connection.alias


@cache
def _optional(model: type[Model]) -> tuple[str, ...]:
    """Attributes that the database fills in if the row has no value."""
    fields = model._meta.concrete_fields
    return tuple(field.attname for field in fields if field.has_db_default() or field is model._meta.auto_field)


def _not_given(row: Model, optional: tuple[str, ...]) -> tuple[str, ...]:
    """The optional attributes without a value on this row; an ID is missing when it is None."""
    given, auto = row.__dict__, row._meta.auto_field
    number = auto.attname if auto else None
    return tuple(
        name for name in optional if isinstance(given[name], DatabaseDefault) or (name == number and not given[name])
    )


@cache
def _table(model: type[Model], left_out: tuple[str, ...]) -> _Table:
    quote, meta = connection.ops.quote_name, model._meta
    fields: list[Any] = [
        field for field in meta.concrete_fields if field.attname not in left_out and not field.generated
    ]
    columns, table = ", ".join(quote(field.column) for field in fields), quote(meta.db_table)
    returned: list[Any] = [field for field in meta.concrete_fields if field.attname in left_out or field.generated] or [
        meta.pk
    ]
    statement = (
        f"INSERT INTO {table} ({columns}) SELECT {columns} "  # noqa: S608 # nosec B608 # names of our own tables only
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) "
        f"RETURNING {', '.join(quote(field.column) for field in returned)}"
    )
    return _Table(statement, *_columns(fields), returned=tuple(field.attname for field in returned))


@cache
def _updating(model: type[Model], names: tuple[str, ...]) -> _Table:
    quote, meta = connection.ops.quote_name, model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    key, table = quote(meta.pk.column), quote(meta.db_table)  # type: ignore[arg-type]
    values = ", ".join(f"{quote(field.column)} = new.{quote(field.column)}" for field in fields)
    statement = (
        f"UPDATE {table} AS kept SET {values} "  # noqa: S608 # nosec B608 # names of our own tables only
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS new WHERE kept.{key} = new.{key}"
    )
    return _Table(statement, *_columns([meta.pk, *fields]), returned=())


def _columns(fields: Sequence[Any]) -> tuple[tuple[tuple[str, str], ...], tuple[Any, ...]]:
    plain = tuple((field.column, field.attname) for field in fields if _is_plain(field))
    return plain, tuple(field for field in fields if not _is_plain(field))


def _is_plain(field: Field[Any, Any]) -> bool:
    """Whether the value on the row is the stored value: true of Django's own fields, but for a few options."""
    own = all(
        getattr(type(field), name).__module__.startswith("django.")
        for name in ("pre_save", "get_prep_value", "get_db_prep_value", "get_db_prep_save")
    )
    automatic = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return own and not automatic and not getattr(field, "encoder", None)


def _prepared(field: Field[Any, Any], row: Model) -> Any:
    value = field.pre_save(row, add=True)
    if isinstance(field, JSONField):
        return None if value is None else json.loads(json.dumps(value, cls=field.encoder))
    return field.get_db_prep_save(value, connection)
