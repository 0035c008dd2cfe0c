"""Checking the ledger: chains, statements, anchors, payouts, invoices, versions, and commission of conversions.

Only the facts are trusted: seals are computed again, sums are added again, and conversions and clicks are priced again
by a second implementation, which shares nothing with the one that booked them (`payouts.verification.independent`).
Rows are streamed, so memory stays bounded for a ledger of any size; work may go on meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import FilteredRelation, Q, Sum

from affiliates.models import Affiliate
from payouts.anchors.checking import anchor_findings, seal_findings
from payouts.invoicing.checking import invoice_findings
from payouts.ledger.chain import COLUMNS, EntryFacts
from payouts.ledger.chain_walk import ChainProblem, ChainWalk
from payouts.models import LedgerEntry, LedgerHead, Payout, Statement
from payouts.paying.payments import says_reference
from payouts.pricing import exact
from payouts.verification.click_counts import click_count_findings
from payouts.verification.payout_rates import payout_rate_findings
from payouts.verification.plan_versions import altered_versions
from payouts.verification.prices import ClickCheck, ConversionCheck

CHUNK = 2000

Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress."""


@dataclass
class Verification:
    """One run over the whole ledger, or over one affiliate's. The counts grow while `findings` is read.

    `copies` are files of anchors: the one that is appended to, and any copies stored elsewhere.
    """

    affiliate: Affiliate | None = None
    progress: Progress = _silent
    copies: Sequence[Path] = ()
    entries: int = 0
    statements: int = 0
    conversions: int = 0
    clicks: int = 0
    due: int = 0
    unsettled: int = 0

    def findings(self) -> Iterator[ChainProblem]:
        """Check everything and yield each error as it is found: the first finding of a chain is its first broken link.

        Conversions that are due for booking are counted in `due`, not compared: the ledger has yet to follow them.
        Accounts that differ while some of their conversions are due are counted in `unsettled`.
        """
        yield from self._check_chains()
        yield from anchor_findings(self.affiliate, self.copies)
        yield from self._check_payouts()
        yield from payout_rate_findings(self._of_affiliate())
        yield from invoice_findings(self.affiliate)
        yield from self._check_prices()
        yield from self._check_clicks()
        yield from click_count_findings(self._of_affiliate())
        if self.affiliate is None:
            yield from altered_versions()

    def _of_affiliate(self) -> Q:
        return Q(affiliate=self.affiliate) if self.affiliate else Q()

    def _check_chains(self) -> Iterator[ChainProblem]:
        total = LedgerHead.objects.filter(self._of_affiliate()).aggregate(total=Sum("sequence"))["total"] or 0
        affiliates = Affiliate.objects.filter(pk=self.affiliate.pk) if self.affiliate else Affiliate.objects.all()
        for affiliate in affiliates.order_by("pk").iterator(chunk_size=CHUNK):
            yield from self._check_chain(affiliate, total)
        self.progress("entries", self.entries, max(total, self.entries))

    def _check_chain(self, affiliate: Affiliate, total: int) -> Iterator[ChainProblem]:
        # In this order: the head is read before the entries, and again after them.
        heads = LedgerHead.objects.filter(affiliate=affiliate)
        statements = list(Statement.objects.filter(affiliate=affiliate).order_by("last_sequence", "ends_at"))
        walk = ChainWalk(f"{affiliate.name} ({affiliate.public_id})", heads.first(), statements)
        rows = LedgerEntry.objects.filter(affiliate=affiliate).order_by("sequence").values_list(*COLUMNS, "hash")
        for *facts, stored_seal in rows.iterator(chunk_size=CHUNK):
            yield from walk.follow(EntryFacts(*facts), stored_seal)
            self.entries += 1
            if self.entries % CHUNK == 0:
                self.progress("entries", self.entries, total)
        yield from walk.end(heads.first())
        yield from seal_findings(affiliate)
        self.statements += len(statements)

    def _check_payouts(self) -> Iterator[ChainProblem]:
        """Every paid payout has its payment in the ledger, as it was paid, and no other payout has one."""
        payouts = Payout.objects.filter(self._of_affiliate()).annotate(
            payment=FilteredRelation("ledger_entries", condition=Q(ledger_entries__kind=LedgerEntry.Kind.PAYMENT))
        )
        rows = payouts.order_by("pk").values_list(
            "public_id", "status", "amount", "fee", "currency", "affiliate_id", "reference", "paid_at",
            "payment__amount", "payment__currency", "payment__affiliate_id", "payment__occurred_at",
            "payment__arithmetic",
        )  # fmt: skip
        for public_id, status, amount, fee, currency, affiliate_id, reference, paid_at, *found in rows.iterator(
            chunk_size=CHUNK
        ):
            *payment, booked_at, words = found
            if status == Payout.Status.DUE and payment[0] is not None:
                yield ChainProblem(f"Payout {public_id}", "is due, but the ledger holds a payment of it.")
            elif status != Payout.Status.DUE and payment != [fee - amount, currency, affiliate_id]:
                problem = f"is {status}, but the ledger holds no payment of {exact(amount - fee, currency)} for it."
                yield ChainProblem(f"Payout {public_id}", problem)
            elif status != Payout.Status.DUE and (paid_at != booked_at or not says_reference(words, reference)):
                problem = "was paid at another time, or with another reference, than its payment in the ledger says."
                yield ChainProblem(f"Payout {public_id}", problem)
        loose = LedgerEntry.objects.filter(self._of_affiliate(), kind=LedgerEntry.Kind.PAYMENT, payout=None)
        for number in loose.order_by("affiliate_id", "sequence").values_list("sequence", flat=True).iterator():
            yield ChainProblem(f"Entry #{number}", "is a payment that names no payout.")

    def _check_prices(self) -> Iterator[ChainProblem]:
        check = ConversionCheck(self._of_affiliate())
        yield from check.findings(lambda done, total: self.progress("conversions", done, total))
        self.conversions, self.due, self.unsettled = check.checked, check.due, check.unsettled

    def _check_clicks(self) -> Iterator[ChainProblem]:
        check = ClickCheck(self._of_affiliate())
        yield from check.findings(lambda done, total: self.progress("clicks", done, total))
        self.clicks = check.checked
        self.due += check.due
        self.unsettled += check.unsettled
