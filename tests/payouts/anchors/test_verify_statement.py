"""The offline program: any change in a proof is found, odd files are refused in words, anchors are compared."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from affiliates.models import Affiliate, User
from payouts.anchors.key_setting import read_keys
from payouts.anchors.keys import public_text
from payouts.anchors.making import make_anchor
from payouts.documents.proof import NotSealed, account_proof, statement_proof
from payouts.ledger.booking import adjust
from payouts.models import Anchor, Statement, StatementSeal
from tests.examples import examples
from tests.payouts.statements.test_documents import VERIFIER, Document, checked, two_statements, verify_statement
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db
__all__ = ["two_statements"]

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
OTHERS: list[Any] = [
    None, True, 0, 1, -1, 1.5, 2**63, 10**30, "", "1", "x", "0" * 64, "f" * 64, "1.00000000", "NaN", "\ud800", [], {},
]  # fmt: skip
Path_ = tuple[Any, ...]


def places(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Where something stands in the document, the document itself apart."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield (*at, name)
        yield from places(child, (*at, name))


def mutations(document: Document) -> Iterator[tuple[str, Document]]:
    """The document with each value exchanged, taken out, doubled or put elsewhere; and with a name too many."""
    for path in places(document):
        for other in OTHERS:
            yield (
                f"{path} = {other!r}",
                _changed(document, path, lambda parent, name, other=other: _set(parent, name, other)),
            )
        yield f"{path} out", _changed(document, path, lambda parent, name: parent.pop(name))
        if isinstance(path[-1], int):
            yield f"{path} twice", _changed(document, path, lambda parent, name: parent.insert(name, parent[name]))
            yield f"{path} to the end", _changed(document, path, lambda parent, name: parent.append(parent.pop(name)))
        yield f"{path} beside", _changed(document, path, _beside)


def _set(parent: Any, name: Any, other: Any) -> None:
    parent[name] = other


def _beside(parent: Any, name: Any) -> None:
    if isinstance(parent, dict):
        parent["note"] = "x"
    else:
        parent.append("x")


def _changed(document: Document, path: Path_, change: Any) -> Document:
    found = copy.deepcopy(document)
    parent: Any = found
    for name in path[:-1]:
        parent = parent[name]
    change(parent, path[-1])
    return found


def verdict(*documents: Document, anchors: str = "", tmp_path: Path) -> tuple[int, str]:
    """What the program comes to, in this process: there are thousands of documents to try."""
    paths = []
    for number, document in enumerate(documents):
        paths.append(str(tmp_path / f"{number}.json"))
        Path(paths[-1]).write_text(json.dumps(document))
    if anchors:
        (tmp_path / "anchors.jsonl").write_text(anchors)
        paths += ["--anchors", str(tmp_path / "anchors.jsonl")]
    return verify_statement.main(paths), ""


def anchors_text() -> str:
    return "".join(anchor.line + "\n" for anchor in Anchor.objects.all())


@pytest.mark.parametrize("which", ["statement", "second", "account"])
def test_any_change_anywhere_in_a_proof_is_found(
    which: str, two_statements: list[Statement], ana: Affiliate, tmp_path: Path
) -> None:
    make_anchor(now=DECEMBER)
    one = {
        "statement": lambda: statement_proof(two_statements[0]),
        "second": lambda: statement_proof(two_statements[1]),
    }
    honest = json.loads("".join(one[which]() if which in one else account_proof(ana)))
    assert verdict(honest, tmp_path=tmp_path)[0] == 0
    missed = [
        what
        for what, document in mutations(honest)
        if document != honest or json.dumps(document) != json.dumps(honest)
        if verdict(document, tmp_path=tmp_path)[0] not in (1, 2)
    ]
    assert missed == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"no json", "it is no JSON"),
        (b"\x00\xff\xfe", "it is no text in UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "it is no text in UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": "affidavit-account/2", "format": "affidavit-account/2"}', "given twice"),
        (b'{"format": NaN}', "not a number"),
        (b'{"format": 1e400}', "not a number"),
        (b'{"format": ' + b"9" * 5000 + b"}", "too large"),
        (b"[]", "format"),
        (b"7", "format"),
        (b'{"format": "affidavit-account/1"}', "download"),
        (b'{"format": "affidavit-account/2"}', "lacks"),
    ],
)
def test_an_odd_file_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, "odd.json"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


@given(content=st.binary(max_size=200))
@hypothesis_settings(max_examples=examples(200), deadline=None)
def test_no_bytes_bring_a_traceback(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.json"
    path.write_bytes(content)
    assert verify_statement.main([str(path)]) == 2
    assert verify_statement.main(["--anchors", str(path), str(path)]) == 2


def test_a_text_where_a_number_belongs_is_refused(tmp_path: Path, two_statements: list[Statement]) -> None:
    found = json.loads("".join(statement_proof(two_statements[0])))
    found["entries"][0]["sequence"] = "1"
    code, output = checked(tmp_path, found)
    assert (code, "entry 1, sequence, must be a whole number" in output) == (2, True)


def run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """What the program says, run alone; its words on either stream."""
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_file_without_any_statement_is_refused(tmp_path: Path, ana: Affiliate, olga: User) -> None:
    """An account of which nothing was closed, or one whose statements were taken out and the frame made to fit."""
    adjust(affiliate=ana, amount=Decimal(7), currency="EUR", arithmetic="Bonus", actor=olga, now=DECEMBER)
    (tmp_path / "0.json").write_text("".join(account_proof(ana)))
    code, output = run(tmp_path, "0.json")
    assert (code, "it holds no statement" in output) == (2, True), output


@pytest.mark.parametrize("content", ["", "\n", "{}\n", "[]", "null", '{"format": "affidavit-anchor/1"}\n'])
def test_odd_anchors_are_refused_in_words(content: str, tmp_path: Path, two_statements: list[Statement]) -> None:
    (tmp_path / "0.json").write_text("".join(statement_proof(two_statements[0])))
    (tmp_path / "anchors.jsonl").write_text(content)
    code, output = run(tmp_path, "--anchors", "anchors.jsonl", "0.json")
    assert (code, "anchors.jsonl: cannot be read as anchors: " in output) == (2, True), output


@pytest.mark.parametrize("arguments", [["nowhere.json"], ["."], ["--anchors", "nowhere.jsonl", "0.json"]])
def test_a_file_that_is_not_there_is_named(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("{}")
    code, output = run(tmp_path, *arguments)
    assert (code, "directory" in output) == (2, True), output


@given(st.binary(max_size=40), st.integers(0, 8 * 64 - 1), st.integers(0, 8 * 32 - 1))
@hypothesis_settings(max_examples=examples(25), deadline=None)
def test_signatures_are_checked_as_the_reference_checks_them(text: bytes, bit: int, key_bit: int) -> None:
    private = Ed25519PrivateKey.generate()
    public, signature = private.public_key().public_bytes_raw(), private.sign(text)
    assert verify_statement.is_signed(public.hex(), signature.hex(), text)
    assert not verify_statement.is_signed(public.hex(), signature.hex(), text + b"x")
    assert not verify_statement.is_signed(public.hex(), flipped(signature, bit).hex(), text)
    assert not verify_statement.is_signed(flipped(public, key_bit).hex(), signature.hex(), text)


def flipped(content: bytes, bit: int) -> bytes:
    return (int.from_bytes(content, "little") ^ (1 << bit)).to_bytes(len(content), "little")


KEYS = ["1:b25seS1mb3ItdGVzdHMtYW5jaG9yLWtleS1udW1iZXI", "2:b25seS1mb3ItdGVzdHMtYW5jaG9yLWtleS1udW1iMjI"]


@pytest.fixture
def signed(two_statements: list[Statement], settings: Any, tmp_path: Path) -> list[str]:
    """A proof and anchors signed by the first key; the arguments that check them, the key apart."""
    settings.ANCHOR_KEYS = KEYS[:1]
    make_anchor(now=DECEMBER)
    (tmp_path / "0.json").write_text("".join(statement_proof(two_statements[0])))
    (tmp_path / "anchors.jsonl").write_text(anchors_text())
    return ["--anchors", "anchors.jsonl", "0.json"]


def public(key: str, settings: Any) -> str:
    settings.ANCHOR_KEYS = [key]
    return public_text(read_keys()[0][1])


def test_anchors_signed_by_a_key_that_was_written_down_pass(signed: list[str], settings: Any, tmp_path: Path) -> None:
    first, second = (public(key, settings) for key in KEYS)
    assert run(tmp_path, "--key", first, *signed)[0] == 0
    assert run(tmp_path, "--key", second, "--key", first.upper(), *signed)[0] == 0
    code, output = run(tmp_path, "--key", second, *signed)
    assert (code, "Anchor 1 is not signed by a key that you gave." in output) == (1, True)


@pytest.mark.parametrize("key", ["", "x", "00", "f" * 64, "é" * 64, "2:" + "0" * 64])
def test_a_key_that_is_none_is_refused_in_words(key: str, signed: list[str], tmp_path: Path) -> None:
    code, output = run(tmp_path, "--key", key, *signed)
    assert (code, "a public key is 64 hex digits" in output) == (2, True), output


def test_anchors_without_a_signature_do_not_pass_for_signed_ones(
    signed: list[str], settings: Any, tmp_path: Path
) -> None:
    record = json.loads((tmp_path / "anchors.jsonl").read_text())
    record.update(key=None, signature=None)
    (tmp_path / "anchors.jsonl").write_text(verify_statement.canonical(record) + "\n")
    assert run(tmp_path, *signed)[0] == 0
    code, output = run(tmp_path, "--key", public(KEYS[0], settings), *signed)
    assert (code, "Anchor 1, the last one, is not signed." in output) == (1, True)


def forged(document: Document) -> Document:
    """The whole account rewritten with another first sentence: every chain, head, sum and seal fits."""
    found = copy.deepcopy(document)
    found["entries"][0]["arithmetic"] = "Something else"
    before = found["previous_hash"]
    for entry in found["entries"]:
        entry["previous_hash"] = before
        before = entry["hash"] = verify_statement.seal(entry)
    seals = {entry["sequence"]: entry["hash"] for entry in found["entries"]}
    found["head"]["hash"], before = before, "0" * 64
    for statement in found["statements"]:
        statement["chain_hash"], statement["previous_hash"] = seals[statement["last_sequence"]], before
        before = statement["hash"] = verify_statement.seal(statement)
    found["statements_end"] = before
    return found


def test_a_chain_rewritten_as_a_whole_is_found_by_the_anchors_or_one_earlier_file(
    two_statements: list[Statement], ana: Affiliate, tmp_path: Path
) -> None:
    make_anchor(now=DECEMBER)
    honest = json.loads("".join(account_proof(ana)))
    kept = json.loads("".join(statement_proof(two_statements[0])))
    rewritten = forged(honest)
    assert verdict(rewritten, tmp_path=tmp_path)[0] == 0
    assert verdict(kept, honest, anchors=anchors_text(), tmp_path=tmp_path)[0] == 0
    assert verdict(rewritten, anchors=anchors_text(), tmp_path=tmp_path)[0] == 1
    assert verdict(kept, rewritten, tmp_path=tmp_path)[0] == 1


def test_an_anchored_statement_that_is_left_out_is_missed(
    two_statements: list[Statement], ana: Affiliate, tmp_path: Path
) -> None:
    make_anchor(now=DECEMBER)
    shorter = json.loads("".join(account_proof(ana)))
    shorter["statements"].pop(1)
    before = "0" * 64
    for position, statement in enumerate(shorter["statements"], start=1):
        statement.update(position=position, previous_hash=before)
        before = statement["hash"] = verify_statement.seal(statement)
    shorter["statements_end"] = before
    assert verdict(shorter, anchors=anchors_text(), tmp_path=tmp_path)[0] == 1


@override_settings(ANCHOR_KEYS=[])
def test_any_change_in_a_file_of_anchors_is_found(
    two_statements: list[Statement], ana: Affiliate, tmp_path: Path
) -> None:
    make_anchor(now=DECEMBER)
    honest = json.loads("".join(account_proof(ana)))
    record = json.loads(Anchor.objects.get().line)
    kept = tmp_path / "kept.jsonl"
    kept.write_text(anchors_text())
    missed = []
    for what, changed in mutations(record):
        if changed == record and json.dumps(changed) == json.dumps(record):
            continue
        now = tmp_path / "now.jsonl"
        try:
            now.write_text(verify_statement.canonical(changed) + "\n")
        except UnicodeEncodeError:
            continue
        (tmp_path / "0.json").write_text(json.dumps(honest))
        arguments = ["--anchors", str(kept), "--anchors", str(now), str(tmp_path / "0.json")]
        if verify_statement.main(arguments) not in (1, 2):
            missed.append(what)
    assert missed == []


def test_a_statement_newer_than_the_anchors_is_named(two_statements: list[Statement], tmp_path: Path) -> None:
    make_anchor(now=DECEMBER + timedelta(days=1))
    document = json.loads("".join(statement_proof(two_statements[0])))
    other = "".join(anchors_text()).replace(document["statements"][0]["hash"], "0" * 64)
    assert verdict(document, anchors=other, tmp_path=tmp_path)[0] == 1


def test_a_statement_without_a_seal_has_no_proof_and_says_so(
    two_statements: list[Statement], ana: Affiliate, olga: User, client: Client
) -> None:
    """A process of an older version may have closed it; everything else of the account is still proved."""
    first, second = two_statements
    with triggers_off(StatementSeal):
        StatementSeal.objects.filter(statement=second)._raw_delete("default")
    with pytest.raises(NotSealed, match=f"{second.number} has no seal"):
        statement_proof(Statement.objects.get(pk=second.pk))
    client.force_login(olga)
    assert client.get(f"/api/v1/statements/{second.number}/proof/").status_code == 404
    assert client.get(f"/admin/payouts/statement/{second.pk}/proof/").status_code == 404
    proved = [each["number"] for each in json.loads("".join(account_proof(ana)))["statements"]]
    assert first.number in proved
    assert second.number not in proved
