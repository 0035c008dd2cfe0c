#!/usr/bin/env python3
"""Check account statements of Affidavit without Affidavit: nothing but Python 3.9 or newer is needed.

    python3 verify_statement.py statement-2026-10.json [statement-2026-11.json ...]

Download the files from your account (Earnings, Statements, "Proof"). For each file this program derives the
seal of every entry again, follows the chain from entry to entry, adds the entries up, and compares the sums
and the seal with the statement. Given several files, it also checks that each statement begins where the one
before it ended and that no entry differs between files. Keep the files: should an entry ever be changed,
a file downloaded before and one downloaded after no longer agree.

Exit code 0: all is well. 1: something does not fit; the first place is named. 2: a file could not be read.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

GENESIS = "0" * 64
FORMAT = "affidavit-account/1"
# What moves money out of the account, and back when it did not arrive; all other kinds earn.
PAYING = {"payment", "fee", "returned"}
NEEDED = {"affiliate", "amount", "booked_at", "currency", "hash", "kind", "previous_hash", "sequence"}


def seal(entry: dict[str, Any]) -> str:
    """SHA-256 of the entry's facts as canonical JSON (RFC 8785): names sorted, no spaces, UTF-8."""
    facts = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def chain_faults(document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the entries themselves and with their order."""
    entries, before = document["entries"], document["previous_hash"]
    if entries and entries[0]["sequence"] == 1 and before != GENESIS:
        yield "The account's first entry must follow the seal of 64 zeros."
    expected = entries[0]["sequence"] if entries else 1
    for entry in entries:
        if missing := NEEDED - entry.keys():
            yield f"The entry after #{expected - 1} lacks {', '.join(sorted(missing))}."
            return
        name = f"Entry #{entry['sequence']} ({entry['amount']} {entry['currency']})"
        if entry["affiliate"] != document["affiliate"]:
            yield name + " belongs to another account."
        if entry["sequence"] != expected:
            yield name + f" stands where #{expected} should be: entries are missing."
        if entry["previous_hash"] != before:
            yield name + " does not continue the entry before it."
        if seal(entry) != entry["hash"]:
            yield name + " does not match its seal: it was altered."
        before, expected = entry["hash"], entry["sequence"] + 1


def statement_faults(
    statement: dict[str, Any], document: dict[str, Any], openings: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """What the statement says otherwise than its entries. `openings` has the last closing balance by currency."""
    entries = document["entries"]
    seals = {entry["sequence"]: entry["hash"] for entry in entries}
    if not entries or entries[0]["sequence"] > 1:
        before_first = entries[0]["sequence"] - 1 if entries else statement["last_sequence"]
        seals[before_first] = document["previous_hash"]
    number, currency = statement["number"], statement["currency"]
    first, last = statement["first_sequence"], statement["last_sequence"]
    covered = [entry for entry in entries if first <= entry["sequence"] <= last]
    if first <= last and (not covered or covered[0]["sequence"] != first or covered[-1]["sequence"] != last):
        yield f"Statement {number} covers entries #{first} to #{last}, which are not all here."
        return
    # A statement without new entries, made because a hold ended, stands on the seal before it.
    end = covered[-1]["hash"] if covered else seals.get(last, "")
    if end != statement["chain_hash"]:
        yield f"Statement {number} was closed over another chain: its seal is not that of entry #{last}."
    mine = [entry for entry in covered if entry["currency"] == currency]
    sums = {
        "earned": sum((Decimal(entry["amount"]) for entry in mine if entry["kind"] not in PAYING), Decimal(0)),
        "paid": sum((Decimal(entry["amount"]) for entry in mine if entry["kind"] in PAYING), Decimal(0)),
    }
    for name, found in sums.items():
        if Decimal(statement[name]) != found:
            stated = Decimal(statement[name])
            yield f"Statement {number} says {name} {stated} {currency}; its entries come to {found}."
    opening, closing = Decimal(statement["opening"]), Decimal(statement["closing"])
    if closing != opening + Decimal(statement["earned"]) + Decimal(statement["paid"]):
        yield f"Statement {number} does not add up: opening, earned and paid are not the closing balance."
    if first == 1 and opening != 0:
        yield f"Statement {number} is the account's first in {currency}, yet it opens with {opening}."
    before = openings.get(currency)
    if before and before["last_sequence"] + 1 == first and Decimal(before["closing"]) != opening:
        closed = Decimal(before["closing"])
        yield f"Statement {number} opens with {opening} {currency}; {before['number']} closed with {closed}."


def agreement_faults(document: dict[str, Any], seals: dict[tuple[str, int], str]) -> Iterator[str]:
    """Entries that another of the files shows otherwise. `seals` is filled by account and number."""
    known = [(document["affiliate"], entry["sequence"], entry["hash"]) for entry in document["entries"]]
    if document["entries"] and document["entries"][0]["sequence"] > 1:
        known.append((document["affiliate"], document["entries"][0]["sequence"] - 1, document["previous_hash"]))
    for account, number, found in known:
        if seals.setdefault((account, number), found) != found:
            yield f"Entry #{number} differs between the files: one of them was changed."


def read(path: str) -> dict[str, Any]:
    """The document in a file; SystemExit with code 2 when it is none."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document["format"] != FORMAT:
            raise ValueError("its format is {!r}, not {!r}".format(document["format"], FORMAT))
        return dict(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path}: cannot be read as a statement's proof: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def place(statement: dict[str, Any]) -> tuple[int, str]:
    """Where a statement stands among others: two may end with the same entry, when only a hold ended meanwhile."""
    return statement["last_sequence"], statement["ends_at"]


def main(paths: list[str]) -> int:
    if not paths or paths[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if paths else 2
    documents = sorted(
        ((read(path), path) for path in paths),
        key=lambda found: min((place(statement) for statement in found[0]["statements"]), default=(0, "")),
    )
    faults = 0
    seals: dict[tuple[str, int], str] = {}
    openings: dict[str, dict[str, dict[str, Any]]] = {}
    for document, path in documents:
        found = [*chain_faults(document), *agreement_faults(document, seals)]
        for statement in sorted(document["statements"], key=place):
            own = openings.setdefault(document["affiliate"], {})
            found += statement_faults(statement, document, own)
            own[statement["currency"]] = statement
        faults += len(found)
        for fault in found:
            print(f"{path}: {fault}")
        if not found:
            counted = (len(document["entries"]), len(document["statements"]))
            print("{}: well. {} entries, {} statements, chain, seals and sums agree.".format(path, *counted))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
