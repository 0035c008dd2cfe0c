"""Write rows in bulk: one statement for all rows of a model, or of several models (`Rows`).

Django's `bulk_create` spends more processor time on preparing values than all of the decisions take. Here the rows go
as one JSON document, which PostgreSQL reads with the table's own types. `from_document` turns a row that PostgreSQL
sends as JSON into a row of its model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import DateTimeField, DecimalField, Field, JSONField, Model, UUIDField
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

from records.prepared import array, prepared_cursor, to_json

Row = TypeVar("Row", bound=Model)


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

    writes: str
    # Column and attribute of fields that need no preparation; then fields that prepare their own values.
    plain: tuple[tuple[str, str], ...]
    prepared: tuple[Any, ...]
    returned: tuple[str, ...]
    returning: str = ""

    @property
    def statement(self) -> str:
        return self.writes + self.returning

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
        cursor.execute(table.statement, _changes(table, rows))
        return int(cursor.rowcount)


def _changes(table: _Table, rows: Sequence[Model]) -> list[Any]:
    """The values of a statement that updates these rows."""
    return [to_json([table.record(row) for row in rows]), array(row.pk for row in rows)]


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
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
    )
    names = tuple(field.attname for field in returned)
    returning = f" RETURNING {', '.join(quote(field.column) for field in returned)}"
    return _Table(statement, *_columns(fields), returned=names, returning=returning)


@cache
def _updating(model: type[Model], names: tuple[str, ...]) -> _Table:
    quote, meta = connection.ops.quote_name, model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    key, table = quote(meta.pk.column), quote(meta.db_table)  # type: ignore[arg-type]
    values = ", ".join(f"{quote(field.column)} = new.{quote(field.column)}" for field in fields)
    statement = (
        f"UPDATE {table} AS kept SET {values} "  # noqa: S608 # nosec B608 # names of our own tables only
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS new "
        # Named again, the keys lead to an index of the table, however PostgreSQL joins: it may think the table small.
        f"WHERE kept.{key} = new.{key} AND kept.{key} = ANY(%s::{meta.pk.rel_db_type(connection)}[])"
    )
    return _Table(statement, *_columns([meta.pk, *fields]), returned=())


class Rows:
    """Rows of several models that are written together in one statement.

    PostgreSQL decides on the order of the parts, and none of them sees what another one writes: rows that point at each
    other get their IDs before (`next_id`), and no row is in two parts. Rows get nothing back, no ID either.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._values: list[Any] = []

    def insert(self, rows: Iterable[Model]) -> None:
        """Insert these rows of one model."""
        listed = list(rows)
        if listed:
            optional = _optional(type(listed[0]))
            for left_out, alike in groupby(listed, lambda row: _not_given(row, optional)):
                table = _table(type(listed[0]), left_out)
                self.run(table.writes, [to_json([table.record(row) for row in alike])])

    def update(self, rows: Sequence[Model], names: tuple[str, ...]) -> None:
        """Write these fields of these saved rows of one model."""
        if rows:
            table = _updating(type(rows[0]), names)
            self.run(table.writes, _changes(table, rows))

    def run(self, statement: str, values: Sequence[Any]) -> None:
        """Run this INSERT, UPDATE or DELETE with the rows."""
        self._parts.append(statement)
        self._values += values

    def write(self) -> list[tuple[Any, ...]]:
        """Write the rows that were given since the last time; return what the last part returns."""
        if not self._parts:
            return []
        statement, values = _in_one(tuple(self._parts)), self._values
        self._parts, self._values = [], []
        with prepared_cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def next_id(model: type[Model]) -> str:
    """The SQL that takes the next ID of a model."""
    meta = model._meta
    return f"nextval(pg_get_serial_sequence('{meta.db_table}', '{meta.pk.column}'))"


def take_id(model: type[Model]) -> int:
    """The next ID of a model."""
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {next_id(model)}")
        return int(cursor.fetchone()[0])


@cache
def _in_one(parts: tuple[str, ...]) -> str:
    """One statement: the last part, and the others as its common table expressions."""
    *others, last = parts
    named = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(others))
    return f"WITH {named} {last}" if named else last


def from_document(model: type[Row], document: dict[str, Any]) -> Row:
    """A saved row of a model from its columns as PostgreSQL writes them in JSON (`to_jsonb(row)`), read by `from_json`.

    Columns that the document lacks are deferred.
    """
    columns = {name: read(document[column]) for name, column, read in _reading(model) if column in document}
    return model.from_db(connection.alias, list(columns), list(columns.values()))


@cache
def _reading(model: type[Model]) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """The attribute and column of each field, and how its value is read."""
    return [(each.attname, each.column or each.attname, _reader(each)) for each in model._meta.concrete_fields]


def _reader(field: Field[Any, Any]) -> Callable[[Any], Any]:
    kinds: dict[type[Field[Any, Any]], Callable[[Any], Any]] = {
        DateTimeField: datetime.fromisoformat,
        DecimalField: Decimal,
        UUIDField: UUID,
    }
    read = next((read for kind, read in kinds.items() if isinstance(field, kind)), None)
    return (lambda value: None if value is None else read(value)) if read else lambda value: value


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
