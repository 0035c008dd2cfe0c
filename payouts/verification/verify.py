"""Checking the ledger: chains, statements, anchors, payouts, invoices, versions, and commission of conversions.

Only the facts are trusted: seals are computed again, sums are added again, conversions are priced again. Rows are
streamed, so memory stays bounded for a ledger of any size; work may go on meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import FilteredRelation, Q, QuerySet, Sum

from affiliates.models import Affiliate
from conversions.models import Conversion
from payouts.anchors.checking import anchor_findings, seal_findings
from payouts.invoicing.checking import invoice_findings
from payouts.ledger.booking import Due, differences, price_together, read_events
from payouts.ledger.chain import COLUMNS, Draft, EntryFacts
from payouts.ledger.chain_walk import ChainProblem, ChainWalk
from payouts.ledger.click_booking import click_differences
from payouts.ledger.owed import booked_amounts
from payouts.models import BilledClicks, LedgerEntry, LedgerHead, Payout, Statement
from payouts.paying.payments import says_reference
from payouts.plans.price_books import keep_versions
from payouts.pricing import exact
from payouts.verification.plan_versions import altered_versions

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

    def findings(self) -> Iterator[ChainProblem]:
        """Check everything and yield each error as it is found: the first finding of a chain is its first broken link.

        Conversions that are due for booking are counted in `due`, not compared: the ledger has yet to follow them.
        """
        yield from self._check_chains()
        yield from anchor_findings(self.affiliate, self.copies)
        yield from self._check_payouts()
        yield from invoice_findings(self.affiliate)
        yield from self._check_prices()
        yield from self._check_clicks()
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
        mine = Conversion.objects.filter(self._of_affiliate())
        booked = mine.filter(booked_at__isnull=False).order_by("pk")
        total, last = booked.count(), 0
        while ids := list(booked.filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
            yield from _price_findings(ids)
            last = ids[-1]
            self.conversions += len(ids)
            self.progress("conversions", self.conversions, max(total, self.conversions))
        self.due = mine.filter(booked_at=None, is_test=False).count()

    def _check_clicks(self) -> Iterator[ChainProblem]:
        mine = BilledClicks.objects.filter(self._of_affiliate())
        booked = mine.filter(booked_at__isnull=False).order_by("pk")
        total, last = booked.count(), 0
        while ids := list(booked.filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
            yield from _click_findings(ids)
            last = ids[-1]
            self.clicks += len(ids)
            self.progress("clicks", self.clicks, max(total, self.clicks))
        self.due += mine.filter(booked_at=None).count()


def _click_findings(ids: list[int]) -> Iterator[ChainProblem]:
    """Compare the commission of these days of clicks with the ledger; check mismatches again with their rows locked."""
    rows = BilledClicks.objects.filter(booked_at__isnull=False).select_related("link").order_by("pk")
    drafts = click_differences(list(rows.filter(pk__in=ids)))
    suspects = {draft.clicks[0] for draft in drafts if draft.clicks}.intersection(ids)
    if not suspects:
        return
    with transaction.atomic():
        keep_versions()
        locked = rows.filter(pk__in=suspects).select_for_update(of=("self",), no_key=True)
        drafts = click_differences(list(locked), lock=True)
        due = set(BilledClicks.objects.filter(booked_at=None).values_list("affiliate_id", "offer_id").distinct())
        open_rows = set(BilledClicks.objects.filter(pk__in=suspects).values_list("pk", "affiliate_id", "offer_id"))
    settled = {pk for pk, *account in open_rows if tuple(account) not in due}
    for draft in drafts:
        if draft.clicks and draft.clicks[0] in settled:
            yield ChainProblem(f"Clicks {draft.clicks[1]}", _problem(draft))


def _problem(draft: Draft) -> str:
    side = "less" if draft.amount > 0 else "more"
    amount = exact(abs(draft.amount), draft.currency)
    return f"the ledger holds {amount} {side} than it earns: {draft.arithmetic.rstrip('.')}."


def _price_findings(ids: list[int]) -> Iterator[ChainProblem]:
    """Compare the commission of these conversions with the ledger; check mismatches again with their rows locked.

    The first check locks nothing, so a conversion that is being booked at that moment may seem wrong. The second waits
    for the lock, and then sees a consistent state.
    """
    rows = Conversion.objects.filter(booked_at__isnull=False).order_by("pk")
    suspects = [draft.conversion[0] for draft in _differences(rows.filter(pk__in=ids)) if draft.conversion]
    if not suspects:
        return
    with transaction.atomic():
        keep_versions()
        drafts = _differences(rows.filter(pk__in=suspects).select_for_update(of=("self",), no_key=True), lock=True)
    for draft in drafts:
        public_id = draft.conversion[1] if draft.conversion else ""
        yield ChainProblem(f"Conversion {public_id}", _problem(draft))


def _differences(rows: QuerySet[Conversion], *, lock: bool = False) -> list[Draft]:
    """Owed minus booked for these; none for an account with conversions that it has yet to follow."""
    due = read_events(rows)
    priced, quotes = price_together(due, lock=lock)
    if lock and len(priced) > len(due):
        due = _settled(due)
    return differences(due, quotes, booked_amounts("conversion", [row.event.conversion_id for row in due]))


def _settled(due: list[Due]) -> list[Due]:
    affiliates = {row.event.affiliate_id for row in due}
    waiting = Conversion.objects.filter(affiliate__in=affiliates, booked_at=None, is_test=False).order_by()
    open_accounts = set(waiting.values_list("affiliate_id", "goal__offer_id").distinct())
    return [row for row in due if (row.event.affiliate_id, row.event.offer_id) not in open_accounts]
