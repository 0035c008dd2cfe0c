"""Reading of nested JSON whose parts may be missing, and of the amounts in it."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conversions.sources.errors import Unreadable
from records.money import PLACES
from tracking.click_id import codec

# The names under which a shop's page may have stored the click ID.
CLICK_NAMES = ("click_id", "affidavit_click_id", "clickid", "aff_click_id", "_click_id", "_affidavit_click_id")
# More lines, refunds or labels than any order has.
MOST = 1_000
LONGEST_AMOUNT = 40


class Document:
    """A JSON object. What is missing, or of another type, reads as empty."""

    def __init__(self, value: Any) -> None:
        self.value: dict[str, Any] = value if isinstance(value, dict) else {}

    def __bool__(self) -> bool:
        return bool(self.value)

    def __getitem__(self, path: str) -> "Document":
        """The object at a path such as `data.object`."""
        found: Any = self.value
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return Document(found)

    def raw(self, path: str) -> Any:
        head, _, name = path.rpartition(".")
        return (self[head] if head else self).value.get(name)

    def text(self, *paths: str) -> str:
        """The first text or number that is there; an expanded object counts as its ID."""
        for path in paths:
            found = self.raw(path)
            if isinstance(found, dict):
                found = found.get("id")
            if isinstance(found, str) and found.strip():
                return found.strip()
        return ""

    def is_true(self, path: str) -> bool:
        return self.raw(path) is True

    def is_false(self, path: str) -> bool:
        return self.raw(path) is False

    def list(self, path: str) -> Iterator["Document"]:
        found = self.raw(path)
        yield from (Document(each) for each in found[:MOST]) if isinstance(found, list) else ()

    def amount(self, *paths: str) -> Decimal:
        """The first of these amounts that is there; 0 without one. Raise `Unreadable` for what is no amount."""
        text = self.text(*paths)
        return decimal(text, name=paths[0]) if text else Decimal(0)


def decimal(text: str, *, name: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(f"{name} is {text[:40]}, which is no amount.") from error
    if not found.is_finite() or len(text) > LONGEST_AMOUNT or abs(found.adjusted()) > LONGEST_AMOUNT:
        raise Unreadable(f"{name} is {text[:40]}, which is no amount.")
    return found


def plain(amount: Decimal) -> str:
    """The amount as text without an exponent: `12.50`."""
    return f"{amount:f}"


def places_of(currency: str) -> int:
    return PLACES.get(currency.upper(), 2)


def click_in(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    """The click ID among labels: under one of the usual names, else the value that is a click ID of ours."""
    found = [(name.strip().lower(), value.strip()) for name, value in pairs if value.strip()]
    named = next((value for name in CLICK_NAMES for each, value in found if each == name), "")
    genuine = next((value for _, value in found if len(value) == codec.LENGTH and codec.parse(value)), "")
    return genuine if genuine and not (named and codec.parse(named)) else named


def click_in_address(address: str) -> str:
    """The click ID in the query of an address such as `/products/lamp?click_id=…`."""
    try:
        query = urlsplit(address).query
        return click_in(parse_qsl(query, max_num_fields=200))
    except ValueError:
        return ""
