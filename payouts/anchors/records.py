"""The form of an anchor: one line of JSON by RFC 8785, without floating-point numbers.

=============== ==========================================================================================
`format`        `affidavit-anchor/1`
`number`        counted from 1 without gaps
`made_at`       UTC, six decimals
`previous_hash` the SHA-256 of the line before, without its line end; 64 zeros for the first
`count`         how many statements it names
`root`          the SHA-256 of the statements' lines `account ends_at head statement`, sorted, joined by line ends
`statements`    the statements, in that order: `account`, `ends_at`, `head` (the seal of the last entry that the
                statement covers) and `statement` (the statement's seal)
`key`           the number of the key that signed it, or `null`
`signature`     Ed25519, in hex digits, over the line as it is without `signature`; `null` without a key
=============== ==========================================================================================

`account` is the SHA-256 of `salt:affiliate`: the salt is in the affiliate's own proofs and nowhere else. Currency,
amounts and ledger numbers are inside the statement's seal; beside the hashes only the period's end is readable.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from payouts.anchors.seals import canonical_json, digest
from payouts.ledger.chain import moment_text

FORMAT = "affidavit-anchor/1"
NAMES = {"format", "number", "made_at", "previous_hash", "count", "root", "statements", "key", "signature"}

Sign = Callable[[bytes], str]


class Named(NamedTuple):
    """A statement as an anchor names it."""

    account: str
    ends_at: str
    head: str
    statement: str


class NoAnchor(ValueError):
    """The line is not an anchor; the message says why."""


class Record(NamedTuple):
    """A parsed line: its number, content and hash."""

    number: int
    values: dict[str, Any]
    hash: str

    @property
    def named(self) -> list[Named]:
        return [Named(**each) for each in self.values["statements"]]


def account_name(affiliate: str, salt: str) -> str:
    return digest(f"{salt}:{affiliate}")


def root_of(statements: Iterable[Named]) -> str:
    return digest("\n".join(" ".join(each) for each in sorted(statements)))


def anchor_line(
    *, number: int, made_at: datetime, previous_hash: str, statements: Iterable[Named], key: int | None, sign: Sign
) -> str:
    ordered = sorted(statements)
    values = {
        "format": FORMAT,
        "number": number,
        "made_at": moment_text(made_at),
        "previous_hash": previous_hash,
        "count": len(ordered),
        "root": root_of(ordered),
        "statements": [each._asdict() for each in ordered],
        "key": key,
    }
    signature = sign(canonical_json(values).encode()) if key is not None else None
    return canonical_json({**values, "signature": signature})


def read_line(line: str) -> Record:
    """The anchor in a line. Raise `NoAnchor` for anything that is not exactly one."""
    try:
        values = json.loads(line)
        if values["format"] != FORMAT or values.keys() != NAMES or canonical_json(values) != line:
            raise NoAnchor("it is not an anchor in its canonical form.")
        record = Record(int(values["number"]), values, digest(line))
        if values["root"] != root_of(record.named) or values["count"] != len(record.named):
            raise NoAnchor("its root is not that of its statements.")
    except NoAnchor:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NoAnchor(f"it cannot be read: {error}") from error
    return record


def signed_text(record: Record) -> bytes:
    """The text that the signature covers."""
    return canonical_json({name: value for name, value in record.values.items() if name != "signature"}).encode()
