"""Tables of kinds: each kind is one class with every part; the rest of the code walks the table.

A kind that lacks a part prevents the start, with a sentence that names the part.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

K = TypeVar("K")
CODE = re.compile(r"[a-z][a-z0-9_]*")


class IncompleteKind(ImproperlyConfigured):
    """A kind is incomplete or invalid; the message says what to add or change."""


def table(parts: Mapping[str, str], *kinds: type[K]) -> dict[str, K]:
    """One object of each kind by its code, in the order given. `parts` describes each part.

    Raise `IncompleteKind` for a kind without a code or a part, and for two kinds with one code.
    """
    return by_code(complete(kind, parts) for kind in kinds)


def by_code(kinds: Iterable[K]) -> dict[str, K]:
    """The objects by their codes, in the order given. Raise `IncompleteKind` for two with one code."""
    found: dict[str, K] = {}
    for kind in kinds:
        code: str = getattr(kind, "code", "")
        if code in found:
            raise IncompleteKind(f"{_name(type(kind))} has the code {code!r}, which {_name(type(found[code]))} has.")
        found[code] = kind
    return found


def complete(kind: type[K], parts: Mapping[str, str]) -> K:
    """An object of the kind; raise `IncompleteKind` with the first part that is missing."""
    code: str = getattr(kind, "code", "")
    for part, use in parts.items():
        if _lacks(kind, part):
            raise IncompleteKind(f"{_name(kind)} ({code}) lacks `{part}`: {use.rstrip('.')}.")
    if not code:
        raise IncompleteKind(f"{_name(kind)} lacks a `code`: lower-case letters, digits and _.")
    if not CODE.fullmatch(code):
        raise IncompleteKind(f"{_name(kind)}: `code` {code!r} must be a word of lower-case letters, digits and _.")
    return kind()


def _lacks(kind: type, part: str) -> bool:
    is_abstract = part in getattr(kind, "__abstractmethods__", ())
    value = getattr(kind, part, None)
    return is_abstract or value is None or value == ""


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
