"""The parts of a source: what each file of this package declares."""

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any, NamedTuple

from conversions.sources.documents import Document

# How far the signed time of a webhook may be from ours, in seconds, where the source signs one.
TOLERANCE = 300
VALID, BAD, STALE = "valid", "bad", "stale"


@dataclass(frozen=True, slots=True)
class Event:
    """One event that was read from a webhook or a row, with values under our names.

    `word` is the source's word for it, which an operator maps to a goal. Without a word it takes back: the sale is
    found by its transaction, whatever its goal is. Values that are empty were not sent.
    """

    word: str
    values: Dictionary[str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """What a webhook says: its events, other names of its sales, and why it counts nothing if it has no event."""

    events: Sequence[Event] = ()
    # The other name of a sale, and the transaction by which the sale is known.
    references: Sequence[tuple[str, str]] = ()
    why_not: str = ""


class Step(NamedTuple):
    """A step of setting the source up. {address} is the address to paste, {events} the events to choose."""

    text: str


class Source(ABC):
    """A kind of source. The class attributes are its declaration; all of them are shown on pages and in the docs."""

    code: str
    title: str
    # The words for its events that an operator maps to goals, with what each is.
    words: Dictionary[str, Any]
    # How to set it up, step by step.
    steps: Sequence[Any]
    # Our fields, with what each is read from.
    reads: Dictionary[str, str]
    # What counts as a test.
    tests: str
    # What its documentation leaves open, or was not tried.
    guesses: str = ""
    # The words of events that name the customer alone: they wait for the first event, which names the click.
    later: frozenset[str] = frozenset()
    is_file = False


class WebhookSource(Source):
    """A source that posts JSON to our address, and signs it."""

    # The events to choose at the platform.
    events: Sequence[str]
    # How the signature is made, in words.
    signed: str

    @abstractmethod
    def topic(self, headers: Dictionary[str, str], body: Document) -> str:
        """The name of the event."""

    @abstractmethod
    def check(self, headers: Dictionary[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str:
        """`VALID`, `BAD` or `STALE`; `headers` have names in small letters, `now` is in seconds since 1970."""

    @abstractmethod
    def read(self, topic: str, body: Document) -> Read:
        """The events of a webhook; none for one that counts nothing here."""

    def is_ping(self, headers: Dictionary[str, str], body: bytes) -> bool:
        """Whether the platform only asks if there is anything at the address."""
        return False


class FileSource(Source):
    """A source whose files an operator imports."""

    is_file = True
    # Columns by which the header row is known, in small letters; lines before it are skipped.
    header: frozenset[str]

    @abstractmethod
    def rows(self, row: Dictionary[str, str]) -> Read:
        """The events of a row; values by column name in small letters."""


def signed_with(secrets: Iterable[str], text: bytes, signatures: Sequence[str], *, in_base64: bool = False) -> bool:
    """Whether one of the signatures is the HMAC-SHA256 of the text with one of the secrets."""
    for secret in secrets:
        made = hmac.new(secret.encode(), text, hashlib.sha256)
        right = base64.b64encode(made.digest()).decode() if in_base64 else made.hexdigest()
        if any(hmac.compare_digest(right.encode(), each.encode()) for each in signatures):
            return True
    return False


def parsed(body: bytes) -> Document:
    """The JSON of a body; numbers keep their digits. Raise `ValueError` if it is no JSON object."""
    try:
        found = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return Document(found)
