"""Reads the demo's data files (TOML) into the dataclasses that describe them."""

import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Spec = TypeVar("Spec")


def tables(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text())


def build(spec: type[Spec], table: Mapping[str, Any], **named: Mapping[str, Any]) -> Spec:
    """The dataclass from a table: nested ones too, times in days. Fields in `named` hold a name of what is given there.

    Raise TypeError for a field that the dataclass lacks, KeyError or ValueError for a name or choice that is unknown.
    """
    hints = get_type_hints(spec)
    unknown = table.keys() - hints.keys()
    if unknown:
        raise TypeError(f"{spec.__name__} has no {sorted(unknown)}.")
    values = {
        name: named[name][value] if name in named else _value(hints[name], value, named)
        for name, value in table.items()
    }
    return spec(**values)


def _value(kind: Any, value: Any, named: Mapping[str, Mapping[str, Any]]) -> Any:
    if get_origin(kind) is UnionType:
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], each, named) for each in value)
    if get_origin(kind) is Mapping:
        return {get_args(kind)[0](key): each for key, each in value.items()}
    if is_dataclass(kind) and isinstance(kind, type):
        return build(kind, value, **named)
    if kind is timedelta:
        return timedelta(days=value)
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value
