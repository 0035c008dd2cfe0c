"""Walking an affiliate's chain from its first entry: the errors, in the order in which they are found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from payouts.ledger.chain import GENESIS, EntryFacts, seal
from payouts.models import LedgerEntry, LedgerHead, Statement
from payouts.pricing import exact


class ChainProblem(NamedTuple):
    """One error: where it is, and what is wrong."""

    subject: str
    problem: str


class Totals(NamedTuple):
    """The sums of a currency from the chain's first entry on."""

    earned: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


class ChainWalk:
    """Add the entries in the order of their numbers; each call returns the errors at that entry.

    An altered entry is reported only once: the walk continues from the stored seal, so one change is one error, not one
    per later entry.
    """

    def __init__(self, name: str, head: LedgerHead | None, statements: Iterable[Statement]) -> None:
        self.name = name
        self.head = head
        self.sequence = 0
        self.seal = GENESIS
        self.booked_at: datetime | None = None
        self.totals: dict[str, Totals] = defaultdict(Totals)
        self.closed: dict[str, tuple[Statement, Totals]] = {}
        self.awaited: dict[int, list[Statement]] = defaultdict(list)
        for statement in statements:
            self.awaited[statement.last_sequence].append(statement)

    def follow(self, facts: EntryFacts, stored_seal: str) -> Iterator[ChainProblem]:
        """Take the next entry and return the errors in it, in its position, and in statements that end here."""
        subject = f"{self.name}, entry #{facts.sequence}"
        yield from (ChainProblem(subject, problem) for problem in self._link_problems(facts, stored_seal))
        self.sequence, self.seal, self.booked_at = facts.sequence, stored_seal, facts.booked_at
        earned, paid = self.totals[facts.currency]
        if facts.kind in LedgerEntry.PAYING:
            self.totals[facts.currency] = Totals(earned, paid + facts.amount)
        else:
            self.totals[facts.currency] = Totals(earned + facts.amount, paid)
        if self.head and facts.sequence == self.head.sequence and stored_seal != self.head.hash:
            yield ChainProblem(subject, "is the end of the chain, but the chain's head holds another seal.")
        for statement in self.awaited.pop(facts.sequence, []):
            problems = self._statement_problems(statement)
            yield from (ChainProblem(f"{self.name}, statement {statement.number}", problem) for problem in problems)
            self.closed[statement.currency] = statement, self.totals[statement.currency]

    def _link_problems(self, facts: EntryFacts, stored_seal: str) -> Iterator[str]:
        expected = self.sequence + 1
        if facts.sequence != expected:
            yield f"{_numbers(expected, facts.sequence - 1)} missing before it."
        elif facts.previous_hash != self.seal:
            yield f"does not continue what stands before it (#{self.sequence}): one of the two was exchanged."
        if seal(facts) != stored_seal:
            yield "its facts do not match its seal: it was altered after it was booked."
        if self.booked_at and facts.booked_at < self.booked_at:
            yield f"was booked at {facts.booked_at:%Y-%m-%d %H:%M:%S %Z}, before the entry that it follows."

    def _statement_problems(self, statement: Statement) -> Iterator[str]:
        """Compare a statement with the entries that it covers; call it at the last of them."""
        before, then = self.closed.get(statement.currency, (None, Totals()))
        now, currency = self.totals[statement.currency], statement.currency
        if statement.chain_hash != self.seal:
            yield f"was closed over another chain: entry #{statement.last_sequence} had another seal then."
        if statement.first_sequence != (before.last_sequence + 1 if before else 1):
            yield f"begins at entry #{statement.first_sequence}, not where the statement before it ended."
        sums = {
            "opening": (statement.opening, before.closing if before else Decimal(0)),
            "earned": (statement.earned, now.earned - then.earned),
            "paid": (statement.paid, now.paid - then.paid),
            "closing": (statement.closing, now.earned + now.paid),
        }
        for name, (stated, found) in sums.items():
            if stated != found:
                yield f"says {name} {exact(stated, currency)}; the ledger comes to {exact(found, currency)}."

    def end(self, head_now: LedgerHead | None) -> Iterator[ChainProblem]:
        """Return the errors at the end. `head_now` is read after the last entry: it is never behind an intact chain."""
        if self.head and self.sequence < self.head.sequence:
            yield ChainProblem(
                self.name, f"{_numbers(self.sequence + 1, self.head.sequence)} missing at the chain's end."
            )
        if self.sequence > (head_now.sequence if head_now else 0):
            yield ChainProblem(self.name, f"the chain's head stands before its last entry, #{self.sequence}.")
        for statement in (statement for statements in self.awaited.values() for statement in statements):
            yield ChainProblem(
                f"{self.name}, statement {statement.number}",
                f"its last entry, #{statement.last_sequence}, is missing.",
            )


def _numbers(first: int, last: int) -> str:
    return f"entry #{first} is" if first == last else f"entries #{first} to #{last} are"
