"""Sorting a list by one of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sorting:
    """Which column a list is sorted by; the key comes from the address and is one of the known ones."""

    key: str
    fields: tuple[str, ...]

    @property
    def column(self) -> str:
        return self.key.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.key.startswith("-")


def sorting(wanted: str | None, columns: Mapping[str, tuple[str, ...]], default: str) -> Sorting:
    """`-received_at` sorts the column "received_at" the other way round; unknown names mean the default."""
    key = wanted if wanted and wanted.removeprefix("-") in columns else default
    fields = columns[key.removeprefix("-")]
    return Sorting(key, tuple(reversed_field(field) for field in fields) if key.startswith("-") else fields)


def reversed_field(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"
