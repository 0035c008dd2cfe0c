#!/usr/bin/env python3
"""Check account statements of Affidavit without Affidavit: nothing but Python 3.9 or newer is needed.

This is one file on purpose: you download it, and can read all of it before you run it.

    python3 verify_statement.py [--anchors anchors.jsonl] [--key HEX] statement-2026-10.json [...]

Download the files from your account (Earnings, Statements, "Proof"). For each file this program derives the
seal of every entry and of every statement again, follows the chains, adds the entries up, and compares the sums
and seals with the statements. Given several files, it also checks that each statement begins where the one
before it ended and that no entry or statement differs between files. Keep the files: if history is ever
rewritten, a file downloaded before and one downloaded after no longer agree.

--anchors takes the public list of anchors (/anchors/anchors.jsonl), best a copy that you kept from earlier; it may
be given several times. Every statement must then stand in it.

--key takes a public key (Ed25519, 64 hex digits) that you wrote down when you learned it, and may be given several
times. The last anchor of each file, and every one after the first that is signed, must then be signed by one of them.
Without it signatures are not looked at: a key that comes with the anchors proves nothing.

Exit code 0: all is well. 1: something does not fit; the first place is named. 2: a file could not be read, or holds
no statement that could be checked.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

GENESIS = "0" * 64
FORMAT = "affidavit-account/2"
ANCHOR_FORMAT = "affidavit-anchor/1"
# What moves money out of the account, and back when it did not arrive; all other kinds earn.
PAYING = {"payment", "fee", "returned"}

AMOUNT, RATE, MOMENT = r"-?\d{1,18}\.\d{8}", r"\d{1,14}\.\d{12}", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
HASH, CURRENCY, NAME = r"[0-9a-f]{64}", r"[A-Z0-9]{2,10}", r"[A-Za-z0-9_.:-]{1,80}"


class Odd(ValueError):
    """The file is not of the form that it must have; the message says where."""


class Form:
    """The form of one value: a text by a pattern, a number or any text, or `null` too when it is optional."""

    def __init__(self, pattern: str | None = None, *, number: bool = False, optional: bool = False) -> None:
        self.pattern = re.compile(pattern, re.ASCII) if pattern else None
        self.number, self.optional = number, optional

    def check(self, value: Any, where: str) -> None:
        if value is None and self.optional:
            return
        if self.number:
            if type(value) is not int or not 0 <= value < 2**63:
                raise Odd(f"{where} must be a whole number")
        elif not isinstance(value, str):
            raise Odd(f"{where} must be text")
        elif self.pattern and not self.pattern.fullmatch(value):
            raise Odd(f"{where} is not written as it must be")
        elif any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
            raise Odd(f"{where} holds half a character")


NUMBER, TEXT = Form(number=True), Form()
ENTRY = {
    "affiliate": Form(NAME), "amount": Form(AMOUNT), "arithmetic": TEXT, "booked_at": Form(MOMENT),
    "conversion": Form(NAME, optional=True), "currency": Form(CURRENCY), "hash": Form(HASH),
    "kind": Form("commission|reversal|adjustment|payment|fee|returned|vat"), "occurred_at": Form(MOMENT),
    "payout": Form(NAME, optional=True), "plan_version": Form(number=True, optional=True),
    "previous_hash": Form(HASH), "rule": Form(number=True, optional=True), "sequence": NUMBER,
}  # fmt: skip
STATEMENT = {
    "affiliate": Form(NAME), "number": Form(NAME), "currency": Form(CURRENCY), "position": NUMBER,
    "first_sequence": NUMBER, "last_sequence": NUMBER, "chain_hash": Form(HASH), "opening": Form(AMOUNT),
    "earned": Form(AMOUNT), "paid": Form(AMOUNT), "closing": Form(AMOUNT), "held": Form(AMOUNT),
    "threshold": Form(AMOUNT), "starts_at": Form(MOMENT), "ends_at": Form(MOMENT), "closed_at": Form(MOMENT),
    "closed_by": Form(number=True, optional=True), "held_until": Form(MOMENT, optional=True),
    "previous_hash": Form(HASH), "hash": Form(HASH),
}  # fmt: skip
PAYOUT = {
    "id": Form(NAME), "affiliate": Form(NAME), "currency": Form(CURRENCY), "sent_currency": Form(CURRENCY),
    "amount": Form(AMOUNT), "vat": Form(AMOUNT), "fee": Form(AMOUNT), "sent_amount": Form(AMOUNT),
    "rate": Form(RATE, optional=True), "rate_day": Form(r"\d{4}-\d\d-\d\d", optional=True), "rate_source": TEXT,
    "created_at": Form(MOMENT),
}  # fmt: skip
DOCUMENT = {
    "format": TEXT, "affiliate": Form(NAME), "salt": Form(HASH, optional=True), "account": Form(HASH, optional=True),
    "previous_hash": Form(HASH), "statements_end": Form(HASH),
}  # fmt: skip
HEAD = {"sequence": NUMBER, "hash": Form(HASH)}
NAMED = {"account": Form(HASH), "ends_at": Form(MOMENT), "head": Form(HASH), "statement": Form(HASH)}
ANCHOR = {
    "format": TEXT, "number": NUMBER, "made_at": Form(MOMENT), "previous_hash": Form(HASH), "count": NUMBER,
    "root": Form(HASH), "key": Form(number=True, optional=True), "signature": Form(r"[0-9a-f]{128}", optional=True),
}  # fmt: skip


def check_form(value: Any, forms: dict[str, Form], where: str, others: tuple[str, ...] = ()) -> None:
    """Raise `Odd` unless the value is an object of exactly these names, each of its form."""
    if not isinstance(value, dict):
        raise Odd(f"{where} must be an object")
    missing, unknown = {*forms, *others} - value.keys(), value.keys() - {*forms, *others}
    if missing or unknown:
        raise Odd(f"{where} " + (f"lacks {', '.join(sorted(missing))}" if missing else "has names that do not belong"))
    for name, form in forms.items():
        form.check(value[name], f"{where}, {name},")


def rows_of(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Odd(f"{where} must be a list")
    return value


def check_document(document: Any) -> None:
    """Raise `Odd` when the document is not of the form of a proof."""
    check_form(document, DOCUMENT, "the file", ("head", "statements", "entries"))
    check_form(document["head"], HEAD, "head")
    for number, statement in enumerate(rows_of(document["statements"], "statements"), start=1):
        check_form(statement, STATEMENT, f"statement {number}", ("payout",))
        if statement["payout"] is not None:
            check_form(statement["payout"], PAYOUT, f"the payout of statement {number}")
    for number, entry in enumerate(rows_of(document["entries"], "entries"), start=1):
        forms = {**ENTRY, "clicks": Form(NAME)} if isinstance(entry, dict) and "clicks" in entry else ENTRY
        check_form(entry, forms, f"entry {number}")
    if not document["statements"] and document["statements_end"] == GENESIS:
        raise Odd("it holds no statement: nothing was closed yet, so nothing can be checked. Download it again later")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def canonical(value: Any) -> str:
    """Canonical JSON (RFC 8785): names sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal(row: dict[str, Any]) -> str:
    """SHA-256 of the facts of an entry or a statement: everything but its own seal."""
    return sha256(canonical({name: value for name, value in row.items() if name != "hash"}))


def document_problems(document: dict[str, Any]) -> Iterator[str]:
    """What the file's own frame says otherwise than what it holds."""
    salt, account = document["salt"], document["account"]
    if (account is None) != (salt is None) or (salt and sha256(f"{salt}:{document['affiliate']}") != account):
        yield "The file's account is not that of its affiliate and salt."
    entries, head = document["entries"], document["head"]
    end = (entries[-1]["sequence"], entries[-1]["hash"]) if entries else (head["sequence"], document["previous_hash"])
    if (head["sequence"], head["hash"]) != end:
        yield f"The file ends at entry #{end[0]}, not at its head, #{head['sequence']}: entries are missing."
    if not entries and (head["sequence"] == 0) != (document["previous_hash"] == GENESIS):
        yield "The file has no entries, and its head is not the beginning of an account."
    last = document["statements"][-1]["hash"] if document["statements"] else GENESIS
    if document["statements_end"] != last:
        yield "The file's last statement is not the one that it names: statements are missing."
    if is_whole(document) and document["statements"][:1] and document["statements"][0]["position"] != 1:
        yield f"The file begins with statement {document['statements'][0]['position']}: the first is missing."
    if not document["statements"] and entries and entries[0]["sequence"] != 1:
        yield "The file holds a part of an account, and no statement."


def is_whole(document: dict[str, Any]) -> bool:
    """Whether the file is a whole account. One with a single statement that ends with it may be either."""
    statements = document["statements"]
    return len(statements) != 1 or bool(document["head"]["sequence"] > statements[0]["last_sequence"])


def chain_problems(document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the entries themselves and with their order."""
    entries, before = document["entries"], document["previous_hash"]
    if entries and (entries[0]["sequence"] == 1) != (before == GENESIS):
        yield "The account's first entry, and no other, must follow the seal of 64 zeros."
    expected = entries[0]["sequence"] if entries else 1
    for entry in entries:
        name = f"Entry #{entry['sequence']} ({entry['amount']} {entry['currency']})"
        if entry["affiliate"] != document["affiliate"]:
            yield name + " belongs to another account."
        if entry["sequence"] != expected:
            yield name + f" stands where #{expected} should be: entries are missing, double or in another order."
        if entry["previous_hash"] != before:
            yield name + " does not continue the entry before it."
        if seal(entry) != entry["hash"]:
            yield name + " does not match its seal: it was altered."
        before, expected = entry["hash"], entry["sequence"] + 1


def row_problems(document: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the statements' seals and with their order."""
    before: dict[str, Any] | None = None
    for statement in document["statements"]:
        name = f"Statement {statement['number']}"
        if statement["affiliate"] != document["affiliate"]:
            yield name + " belongs to another account."
        if seal(statement) != statement["hash"]:
            yield name + " does not match its seal: it was altered."
        if (statement["position"] == 1) != (statement["previous_hash"] == GENESIS):
            yield name + " must follow the seal of 64 zeros if it is the first, and only then."
        if before and (statement["position"], statement["previous_hash"]) != (before["position"] + 1, before["hash"]):
            yield name + f" does not follow {before['number']}: statements are missing, double or in another order."
        before = statement


def statement_problems(
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


def agreement_problems(document: dict[str, Any], known: dict[tuple[str, str, int], str]) -> Iterator[str]:
    """Entries and statements that another of the files shows otherwise. `known` is filled on the way."""
    account, entries = document["affiliate"], document["entries"]
    found = [("Entry #", entry["sequence"], entry["hash"]) for entry in entries]
    if entries and entries[0]["sequence"] > 1:
        found.append(("Entry #", entries[0]["sequence"] - 1, document["previous_hash"]))
    for statement in document["statements"]:
        found.append(("Entry #", statement["last_sequence"], statement["chain_hash"]))
        found.append(("Statement at place ", statement["position"], statement["hash"]))
        found.append(("Statement at place ", statement["position"] - 1, statement["previous_hash"]))
    if document["salt"]:
        found.append(("The salt, number ", 0, document["salt"]))
    for what, number, sealed in found:
        if known.setdefault((account, what, number), sealed) != sealed:
            yield f"{what}{number} differs between the files: one of them was changed."


# Ed25519 (RFC 8032, section 5.1), as far as checking a signature needs it. A point is (X, Y, Z, T).
PRIME, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT = pow(2, (PRIME - 1) // 4, PRIME)
Point = tuple[int, int, int, int]


def added(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % PRIME, (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c, d = 2 * one[3] * other[3] * CURVE % PRIME, 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(number: int, point: Point) -> Point:
    found = (0, 1, 1, 0)
    while number:
        found = added(found, point) if number & 1 else found
        point, number = added(point, point), number >> 1
    return found


def point_of(packed: bytes) -> Point | None:
    """The point that 32 bytes stand for; None when they stand for none."""
    y = int.from_bytes(packed, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    x = x if (x * x - square) % PRIME == 0 else x * ROOT % PRIME
    if y >= PRIME or (x * x - square) % PRIME or (not x and sign):
        return None
    x = PRIME - x if x & 1 != sign else x
    return x, y, 1, x * y % PRIME


BASE = point_of((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little")) or (0, 1, 1, 0)


def is_signed(public_key: str, signature: str, text: bytes) -> bool:
    public, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
    key, commitment, scalar = point_of(public), point_of(signed[:32]), int.from_bytes(signed[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signed[:32] + public + text).digest(), "little") % ORDER
    left, right = times(scalar, BASE), added(commitment, times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % PRIME == 0 == (left[1] * right[2] - right[1] * left[2]) % PRIME


def signature_problems(records: list[dict[str, Any]], keys: list[str]) -> Iterator[str]:
    """Anchors of a file that none of the keys signed. Those before the first signature are covered by it."""
    began = False
    for record in records:
        text = canonical({name: value for name, value in record.items() if name != "signature"}).encode("utf-8")
        signature = record["signature"]
        began = began or signature is not None
        if began and (signature is None or not any(is_signed(key, signature, text) for key in keys)):
            yield f"Anchor {record['number']} is not signed by a key that you gave."
    if records and not began:
        yield f"Anchor {records[-1]['number']}, the last one, is not signed."


class Anchors:
    """The anchors of all files given: which statements they name, and what is wrong with them."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.hashes: dict[int, str] = {}
        self.named: dict[str, set[tuple[str, str, str]]] = {}
        self.given = False

    def read(self, path: str) -> Iterator[str]:
        """Take a file's anchors in. Raise `Odd`."""
        self.given = True
        before: tuple[int, str] | None = None
        records = [(line, anchor_of(line, f"line {place}")) for place, line in lines_of(path)]
        if self.keys:
            yield from signature_problems([record for _, record in records], self.keys)
        for line, record in records:
            number, found = record["number"], sha256(line)
            rows = sorted(" ".join(row[name] for name in NAMED) for row in record["statements"])
            if sha256("\n".join(rows)) != record["root"] or len(rows) != record["count"]:
                yield f"Anchor {number}: its root is not that of the statements that it names."
            if (number == 1) != (record["previous_hash"] == GENESIS):
                yield f"Anchor {number} must follow 64 zeros if it is the first, and only then."
            if before and (number, record["previous_hash"]) != (before[0] + 1, before[1]):
                yield f"Anchor {number} does not follow anchor {before[0]}: one is missing or was exchanged."
            if self.hashes.setdefault(number, found) != found:
                yield f"Anchor {number} differs between the files: history was rewritten."
            before = number, found
            for row in record["statements"]:
                names = self.named.setdefault(row["account"], set())
                names.add((row["statement"], row["head"], row["ends_at"]))

    def problems(self, document: dict[str, Any]) -> Iterator[str]:
        """Statements that no anchor names, and, in a file of the whole account, anchored ones that are not there."""
        if not self.given:
            return
        names = self.named.get(document["account"] or "", set())
        for statement in document["statements"]:
            if (statement["hash"], statement["chain_hash"], statement["ends_at"]) not in names:
                yield f"Statement {statement['number']} is not in the anchors: it is newer than them, or was exchanged."
        statements = document["statements"]
        if is_whole(document):
            last = statements[-1]["ends_at"] if statements else "9"
            here = {statement["hash"] for statement in statements}
            if gone := sorted(day for sealed, _, day in names if sealed not in here and day <= last):
                yield f"The anchors name a statement of this account up to {gone[0][:10]} that is not in the file."


def lines_of(path: str) -> Iterator[tuple[int, str]]:
    """The lines of a file of anchors; beginnings that a crash left before the whole line are left out."""
    lines = text_of(path).split("\n")
    if lines[-1] == "":
        lines.pop()
    for place, line in enumerate(lines, start=1):
        torn = place < len(lines) and lines[place].startswith(line) and not line.endswith("}")
        if not torn:
            yield place, line


def anchor_of(line: str, where: str) -> dict[str, Any]:
    record = parsed(line)
    check_form(record, ANCHOR, where, ("statements",))
    if record["format"] != ANCHOR_FORMAT:
        raise Odd(f"{where} is not in the format {ANCHOR_FORMAT}")
    for row in rows_of(record["statements"], f"{where}, statements,"):
        check_form(row, NAMED, f"a statement of {where}")
    if canonical(record) != line:
        raise Odd(f"{where} is not canonical JSON")
    return dict(record)


def text_of(path: str) -> str:
    """The text in a file. Raise `Odd` when it is no UTF-8, or begins with a byte order mark."""
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(b"\xef\xbb\xbf"):
        raise Odd("it begins with a byte order mark, so another program has saved it again")
    if not content.strip():
        raise Odd("it is empty")
    return content.decode("utf-8")


def parsed(text: str) -> Any:
    """The JSON value in a text. Raise `ValueError` for names given twice, and for numbers that no file has."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise Odd("a name is given twice in an object")
        return dict(pairs)

    def whole(digits: str) -> int:
        if len(digits) > 19:
            raise Odd("a number is too large")
        return int(digits)

    def refused(digits: str) -> Any:
        raise Odd(f"{digits[:20]} is not a number that a proof may hold")

    return json.loads(text, object_pairs_hook=once, parse_int=whole, parse_float=refused, parse_constant=refused)


def read(path: str) -> dict[str, Any]:
    """The document in a file. Raise `Odd`, or `OSError`, when it is none."""
    document = parsed(text_of(path))
    given = document.get("format") if isinstance(document, dict) else None
    if given != FORMAT:
        if isinstance(given, str) and given.startswith("affidavit-account/"):
            raise Odd(f"its format is another than {FORMAT}: download the file, or this program, again")
        raise Odd(f"its format is not {FORMAT}")
    check_document(document)
    return dict(document)


def place(statement: dict[str, Any]) -> int:
    """Where a statement stands among the account's others."""
    return int(statement["position"])


def unreadable(path: str, what: str, error: Exception) -> int:
    words = str(error) or "it is too large"
    if isinstance(error, RecursionError):
        words = "it is nested too deeply"
    elif isinstance(error, UnicodeDecodeError):
        words = f"it is no text in UTF-8 ({error})"
    elif isinstance(error, json.JSONDecodeError):
        words = f"it is no JSON ({error})"
    elif isinstance(error, OSError):
        words = error.strerror or words
    print(f"{path}: cannot be read as {what}: {words}", file=sys.stderr)
    return 2


def check_all(documents: list[tuple[dict[str, Any], str]], anchors: Anchors) -> int:
    """Check the documents in the order of their statements; return how many problems were printed."""
    problems = 0
    known: dict[tuple[str, str, int], str] = {}
    openings: dict[str, dict[str, dict[str, Any]]] = {}
    for document, path in sorted(documents, key=lambda each: min(map(place, each[0]["statements"]), default=0)):
        found = [*document_problems(document), *chain_problems(document), *row_problems(document)]
        found += agreement_problems(document, known)
        own = openings.setdefault(document["affiliate"], {})
        for statement in sorted(document["statements"], key=place):
            found += statement_problems(statement, document, own)
            own[statement["currency"]] = statement
        found += anchors.problems(document)
        problems += len(found)
        for problem in found:
            print(f"{path}: {problem}")
        if not found:
            counted = (len(document["entries"]), len(document["statements"]))
            with_anchors = ", anchors" if anchors.given else ""
            print("{}: well. {} entries, {} statements, chain, seals{} and sums agree.".format(
                path, *counted, with_anchors))  # fmt: skip
    return problems


def options_of(arguments: list[str]) -> tuple[list[str], list[str], list[str]] | None:
    """The files of proofs, those of anchors, and the public keys; None when the arguments make no sense."""
    found: dict[str, list[str]] = {"": [], "--anchors": [], "--key": []}
    rest = list(arguments)
    while rest:
        given = rest.pop(0)
        if given not in ("--anchors", "--key"):
            found[""].append(given)
        elif rest:
            found[given].append(rest.pop(0))
        else:
            return None
    paths, anchors, keys = found.values()
    return (paths, anchors, [key.strip().lower() for key in keys]) if paths and (anchors or not keys) else None


def is_key(text: str) -> bool:
    return bool(re.fullmatch(HASH, text)) and point_of(bytes.fromhex(text)) is not None


def check_files(paths: list[str], anchor_paths: list[str], keys: list[str]) -> int:
    """Read and check everything; return the exit code."""
    anchors, documents, problems = Anchors(keys), [], 0
    path, what = "", "anchors"
    try:
        for path in anchor_paths:
            for problem in anchors.read(path):
                problems += 1
                print(f"{path}: {problem}")
        what = "a statement's proof"
        for path in paths:
            documents.append((read(path), path))
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return unreadable(path, what, error)
    problems += check_all(documents, anchors)
    return 1 if problems else 0


def main(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = options_of(arguments)
    if options is None or {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 2 if options is None else 0
    for key in options[2]:
        if not is_key(key):
            print(f"--key {key[:70]}: a public key is 64 hex digits, as /anchors/keys.json lists it.", file=sys.stderr)
            return 2
    return check_files(*options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
