"""Columns of lists. Each is declared in the lowest app that knows its value; upper apps add columns of their own."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Flag
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.utils.safestring import SafeString
from rest_framework import serializers

from records.translation import gettext_lazy
from web.lists.fields import ReadText

# A class of the REST framework with its arguments; None for the field that the model itself gives.
ApiField = tuple[Any, dict[str, Any]] | None


class Places(Flag):
    """Where a column appears."""

    PAGE = 1
    EXPORT = 2
    API = 4


PAGE, EXPORT, API = Places
EVERYWHERE = PAGE | EXPORT | API


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column's values are; plain text unless a kind says otherwise.

    A kind holds all that differs between values: the cell of the page, the value of the export, the API's field.
    `record` is the object that the value was read from: an amount finds its currency there.
    """

    css: ClassVar[str] = ""
    # The API's field for a value that is no field of the model.
    read_field: ClassVar[type[serializers.Field[Any, Any, Any, Any]]] = ReadText

    def cell(self, value: Any, record: Any, column: "Column") -> SafeString | str:
        """What the page shows for a value that is there."""
        return str(value)

    def csv(self, value: Any, record: Any, zone: ZoneInfo) -> object:
        """The value in an export, for a reader in this zone."""
        return "" if value is None else value

    def api(self, column: "Column") -> ApiField:
        if not column.read:
            return None
        return self.read_field, {"read": column.value, "allow_null": column.nullable, **column.words}


@dataclass(frozen=True, slots=True)
class Dress:
    """How a column looks on a page, where its kind does not say enough.

    `link` gives the address that the value leads to. `lines` names the columns that stand below the value in the same
    cell. `template` draws the whole cell, its lines included. `is_main` marks the column that names the row.
    `has_label` is false where a phone shows the value without the heading. `hides_zero` shows nothing for a count of 0.
    `unit` stands behind a number where a phone leaves out the heading. `empty` stands for a value that is
    not there; without it a dash does, and a phone leaves the column out.
    """

    link: Callable[[Any], str] | None = None
    lines: tuple[str, ...] = ()
    template: str = ""
    css: str = ""
    is_main: bool = False
    has_label: bool = True
    heading_is_hidden: bool = False
    hides_zero: bool = False
    unit: str = ""
    empty: str = ""


# The headings of all columns as they stand in the code: catalogues of other languages translate them.
HEADINGS: set[str] = set()


@dataclass(frozen=True)
class Column:
    """One column: its name in the export and the API, its kind, its heading on the page.

    `read` is where the value comes from: a path such as `goal.offer.name`, or a function; left out, it is the name.
    `sorts` are the database columns that the list is sorted by. `after` names the column that it follows.
    `nullable`, `is_writable` and `help` describe the API's field. `at` leads from a row to the record that is read.
    Raise `ValueError` for a column that would show affiliates what only operators may see.
    """

    name: str
    kind: Kind = Kind()
    heading: str = ""
    read: str | Callable[[Any], Any] = ""
    places: Places = EVERYWHERE
    sorts: tuple[str, ...] = ()
    after: str = ""
    nullable: bool = False
    is_writable: bool = False
    is_for_operators: bool = False
    help: str = ""
    dress: Dress = Dress()
    at: str = ""
    value: Callable[[Any], Any] = field(init=False, repr=False, compare=False)
    record: Callable[[Any], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.is_for_operators and self.places != API:
            raise ValueError(f"Column {self.name} is for operators: it may appear in the API only.")
        object.__setattr__(self, "value", self.read if callable(self.read) else reader(self.read or self.name))
        object.__setattr__(self, "record", reader(self.at) if self.at else _itself)
        heading = str(self.heading) or self.name.replace("_", " ").capitalize()
        HEADINGS.add(heading)
        object.__setattr__(self, "heading", gettext_lazy(heading))

    def of(self, row: Any) -> Any:
        """The value for a row of the list."""
        return self.value(self.record(row))

    @property
    def words(self) -> dict[str, str]:
        """The description of the API's field, as an argument; left out, the model's own holds."""
        return {"help_text": self.help} if self.help else {}

    @property
    def source(self) -> dict[str, str]:
        """The path as an argument of the API's field, which refuses one that is its name."""
        return {"source": self.path} if self.read else {}

    @property
    def path(self) -> str:
        """Where the value comes from; empty for a function."""
        return "" if callable(self.read) else self.read or self.name


class Columns:
    """The columns of a list: those of `base`, then its own, each after the column that it names.

    `at` leads from a row of this list to a row of the base; `dress` says by name how the base's columns look here;
    `only` names those of the base that are taken, in this order.
    Raise `ValueError` for two columns of one name, and for a name that no column has.
    """

    def __init__(
        self,
        *own: Column,
        base: "Columns | None" = None,
        at: str = "",
        dress: Mapping[str, Dress] | None = None,
        only: Sequence[str] = (),
    ) -> None:
        self.own, self.base, self.at, self.dress, self.only = own, base, at, dress or {}, only
        self.all()

    def all(self) -> list[Column]:
        found = [self._adopted(column) for column in self._chosen()]
        for column in self.own:
            names = [each.name for each in found]
            if column.name in names:
                raise ValueError(f"Two columns are named {column.name}.")
            if column.after and column.after not in names:
                raise ValueError(f"No column is named {column.after}.")
            found.insert(names.index(column.after) + 1 if column.after else len(found), column)
        self._check(found)
        return found

    def _chosen(self) -> list[Column]:
        based = {column.name: column for column in self.base or ()}
        if unknown := set(self.only) - set(based):
            raise ValueError(f"No column is named {', '.join(sorted(unknown))}.")
        return [based[name] for name in self.only or based]

    def _adopted(self, column: Column) -> Column:
        at = f"{self.at}.{column.at}".strip(".")
        return replace(column, at=at, dress=self.dress.get(column.name, column.dress))

    def _check(self, found: list[Column]) -> None:
        named = {*self.dress, *(line for column in found for line in column.dress.lines)}
        if unknown := named - {column.name for column in found}:
            raise ValueError(f"No column is named {', '.join(sorted(unknown))}.")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.all())

    def within(self, place: Places) -> list[Column]:
        return [column for column in self if place in column.places]

    @property
    def cells(self) -> list[Column]:
        """The columns of the page that have a cell of their own."""
        shown = self.within(PAGE)
        below = {line for column in shown for line in column.dress.lines}
        return [column for column in shown if column.name not in below]

    def relations(self, model: type[Model], place: Places) -> set[str]:
        """What a query of these records has to join, so that reading the columns needs no query for each row."""
        read = (column.path for column in self.within(place) if column.at == self.at)
        return {joined for path in read if (joined := relation_in(path, model))}

    @property
    def sorts(self) -> dict[str, tuple[str, ...]]:
        return {column.name: column.sorts for column in self if column.sorts}


def reader(path: str) -> Callable[[Any], Any]:
    """Read a path such as `goal.offer.name`; None where a part of it is not there."""
    *owners, last = path.split(".")
    choice = re.fullmatch("get_([a-z_]+)_display", last)
    final = labeller(choice[1]) if choice else attrgetter(last)

    def read(record: Any) -> Any:
        try:
            for part in owners:
                record = None if record is None else getattr(record, part)
            value = None if record is None else final(record)
        except ObjectDoesNotExist:  # the other side of a one-to-one relation
            return None
        return value() if callable(value) else value

    return read


def labeller(name: str) -> Callable[[Any], str]:
    """The label of a choice. Django's own method builds all labels for each row, which slows long exports down."""

    def label(record: Any) -> str:
        value = getattr(record, name)
        return str(labels_of(record._meta.get_field(name)).get(value, value))

    return label


@cache
def labels_of(choice: Any) -> dict[Any, str]:
    """The labels of a model's field, by value; not yet in any reader's language, as the next may read another."""
    return dict(choice.flatchoices)


def relation_in(path: str, model: type[Model]) -> str:
    """The part of a path that leads to another row: `goal__offer` of `goal.offer.name`; empty for none."""
    joined: list[str] = []
    for part in path.split("."):
        names = {field.name: field for field in model._meta.get_fields()}
        found = names.get(part)
        if found is None or not (found.many_to_one or found.one_to_one) or not isinstance(found.related_model, type):
            break
        joined.append(part)
        model = found.related_model
    return "__".join(joined)


def _itself(row: Any) -> Any:
    return row
