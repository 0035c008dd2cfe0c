"""Checking statements against their seals, and the seals against the anchors in the database and in files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from affiliates.models import Affiliate
from payouts.anchors.files import read_file
from payouts.anchors.key_setting import read_keys
from payouts.anchors.keys import is_signed, public_text
from payouts.anchors.making import name_of
from payouts.anchors.records import Named, NoAnchor, Record, read_line, signed_text
from payouts.anchors.seals import WITH_FACTS, facts_of, seal_of
from payouts.ledger.chain import GENESIS, moment_text
from payouts.ledger.chain_walk import ChainProblem
from payouts.models import Anchor, AnchorAccount, AnchoredStatement, AnchorKey, Statement

CHUNK = 500


def seal_findings(affiliate: Affiliate) -> Iterator[ChainProblem]:
    """Problems with the seals of an affiliate's statements."""
    rows = Statement.objects.filter(affiliate=affiliate).select_related(*WITH_FACTS, "seal")
    name, position, previous = f"{affiliate.name} ({affiliate.public_id})", 0, GENESIS
    for statement in rows.order_by("seal__position", "pk"):
        subject = f"{name}, statement {statement.number}"
        seal = getattr(statement, "seal", None)
        if seal is None:
            yield ChainProblem(subject, "has no seal.")
            continue
        if seal.position != position + 1 or seal.previous_hash != previous or seal.affiliate_id != affiliate.pk:
            yield ChainProblem(subject, f"does not follow the affiliate's statement {position}: one is missing.")
        if seal_of(facts_of(statement, seal.position, seal.previous_hash)) != seal.hash:
            yield ChainProblem(subject, "does not match its seal: it, or its payout, was altered after it was closed.")
        position, previous = seal.position, seal.hash


class ExpectedAnchor(NamedTuple):
    """A statement as it would be anchored now: its name in findings, and the number of the anchor that names it."""

    label: str
    named: Named
    anchor: int


class AnchorCheck:
    """The anchors against one another, against the statements, and against copies outside of the database."""

    def __init__(self, affiliate: Affiliate | None = None) -> None:
        self.affiliate = affiliate
        self.records: dict[int, str] = {}
        self.owners: dict[str, str] = {}
        self.known: dict[int, list[ExpectedAnchor]] = defaultdict(list)
        self._read_statements()

    def _read_statements(self) -> None:
        # A statement without its seal is named by `seal_findings`, and missed by the anchor that names it.
        rows = AnchoredStatement.objects.filter(statement__seal__isnull=False).order_by("pk")
        rows = rows.select_related("statement__affiliate", "statement__seal")
        rows = rows.filter(statement__affiliate=self.affiliate) if self.affiliate else rows
        salts = dict(AnchorAccount.objects.values_list("affiliate_id", "salt"))
        for row in rows.iterator(chunk_size=CHUNK):
            affiliate = row.statement.affiliate
            named = name_of(row.statement, salts.get(affiliate.pk, ""))
            label = f"{affiliate.name} ({affiliate.public_id}), statement {row.statement.number}"
            self.owners[named.account] = f"{affiliate.name} ({affiliate.public_id})"
            self.known[row.anchor_id].append(ExpectedAnchor(label, named, row.anchor_id))

    def stored(self) -> Iterator[ChainProblem]:
        """Check the anchors in the database."""
        keys = dict(AnchorKey.objects.values_list("number", "public_key"))
        yield from _key_findings(keys)
        expected, previous, is_signed_since = 1, GENESIS, 0
        for anchor in Anchor.objects.order_by("number").iterator(chunk_size=20):
            subject = f"Anchor {anchor.number}"
            self.records[anchor.number] = anchor.hash
            try:
                record = read_line(anchor.line)
            except NoAnchor as error:
                yield ChainProblem(subject, f"is damaged: {error}")
                continue
            problems = self._problems(anchor, record, expected, previous, keys)
            yield from (ChainProblem(subject, problem) for problem in problems)
            if record.values["key"] is not None:
                is_signed_since = is_signed_since or anchor.number
            elif is_signed_since:
                yield ChainProblem(subject, f"is not signed, though anchors are since anchor {is_signed_since}.")
            yield from self._statements(subject, record)
            expected, previous = anchor.number + 1, record.hash
        for number in sorted(self.known.keys() - self.records.keys()):
            yield from (
                ChainProblem(known.label, f"is named by anchor {number}, which is gone.")
                for known in self.known[number]
            )

    def _problems(
        self, anchor: Anchor, record: Record, expected: int, previous: str, keys: dict[int, str]
    ) -> Iterator[str]:
        values = record.values
        columns = (anchor.number, anchor.hash, anchor.root, anchor.count, moment_text(anchor.made_at))
        if (record.number, record.hash, values["root"], values["count"], values["made_at"]) != columns:
            yield "holds another record than its hash stands for."
        if record.number != expected or values["previous_hash"] != previous:
            yield f"does not follow anchor {expected - 1}: one is missing or exchanged."
        if values["key"] is not None and not is_signed(
            keys.get(values["key"], ""), values["signature"], signed_text(record)
        ):
            yield f"is not signed by key {values['key']}."

    def _statements(self, subject: str, record: Record) -> Iterator[ChainProblem]:
        """Compare what a record names with the statements that belong to it."""
        left = set(record.named)
        for known in self.known.get(record.number, ()):
            if known.named in left:
                left.remove(known.named)
            else:
                yield ChainProblem(known.label, f"is not the statement that {_lower(subject)} names.")
        for named in sorted(left):
            owner = self.owners.get(named.account)
            if owner or self.affiliate is None:
                problem = (
                    f"names a statement {named.statement[:16]}… of {owner or 'an account'} that is no longer there."
                )
                yield ChainProblem(subject, f"{problem[:-1]} (period before {named.ends_at[:10]}).")

    def copy(self, path: Path) -> Iterator[ChainProblem]:
        """Check a copy of the anchors: the file appended to, or one that was downloaded. Call `stored` first."""
        before: Record | None = None
        for line in read_file(path):
            if line.record is None:
                yield ChainProblem(f"{path}, line {line.place}", line.error)
                continue
            record, subject = line.record, f"Anchor {line.record.number} in {path}"
            if before and (record.number, record.values["previous_hash"]) != (before.number + 1, before.hash):
                yield ChainProblem(subject, f"does not follow anchor {before.number}, the line before it.")
            before = record
            if record.number not in self.records:
                yield ChainProblem(
                    subject,
                    "is not in the database: it was deleted there, or the database is older than the file.",
                )
            elif self.records[record.number] != record.hash:
                yield ChainProblem(subject, "is not the anchor of that number in the database: history was rewritten.")
                yield from self._statements(subject, record)


def _key_findings(known: dict[int, str]) -> Iterator[ChainProblem]:
    """Public keys in the database that are not those of ANCHOR_KEYS, which stand outside of it."""
    for number, key in read_keys():
        if known.get(number, public_text(key)) != public_text(key):
            yield ChainProblem(f"Key {number}", "in the database is not the key of that number in ANCHOR_KEYS.")


def _lower(subject: str) -> str:
    return subject[0].lower() + subject[1:]


def anchor_findings(affiliate: Affiliate | None, copies: Iterable[Path]) -> Iterator[ChainProblem]:
    """Everything that is wrong with anchors, and with statements that they name otherwise. Raise `OSError`."""
    check = AnchorCheck(affiliate)
    yield from check.stored()
    for path in copies:
        yield from check.copy(path)
