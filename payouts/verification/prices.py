"""Comparing the ledger with the independent pricing: what is booked for each conversion and each day of clicks, and
what is owed for it.

Everything of one pass is read from one snapshot of the database, so work may go on meanwhile. An account with rows that
are due for booking may be ahead of its ledger: where it differs it is looked at again at the end, and counted in
`unsettled` if it is still being booked then.
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from affiliates.models import Affiliate
from conversions.models import Conversion
from payouts.ledger.chain_walk import ChainProblem
from payouts.models import BilledClicks
from payouts.verification.independent.account import Account, Answer, count_ahead, is_counted_ahead
from payouts.verification.independent.click_account import ClickAccount
from payouts.verification.independent.facts import CannotPrice, Owed, Parentage, Plans
from payouts.verification.independent.money import ZERO, shown
from payouts.verification.independent.past import Past
from payouts.verification.stored_facts import (
    Slot,
    Subject,
    booked_sums,
    clicks_by_account,
    conversions_by_account,
    stored_parentage,
    stored_plans,
)

AccountKey = tuple[int, int]


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Everything read inside is of one moment; inside another transaction it is of that one."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                # All rows are read: the fastest way to the last one, not to the first.
                cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        yield


class Terms(NamedTuple):
    """What one pass prices by."""

    plans: Plans
    parentage: Parentage


@dataclass
class PriceCheck(ABC):
    """The check of one kind of rows. The counts grow while `findings` is read."""

    scope: Q
    checked: int = 0
    due: int = 0
    unsettled: int = 0
    unpriced: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    # The column of the ledger that names these rows, and how a finding names one.
    column: ClassVar[str]
    title: ClassVar[str]
    offer_column: ClassVar[str]

    def findings(self, progress: Callable[[int, int], None]) -> Iterator[ChainProblem]:
        """Every difference, and every rule that could not be priced."""
        doubtful: set[AccountKey] = set()
        with one_snapshot():
            total = self.rows().filter(self.scope, booked_at__isnull=False).count()
            self.due = self.waiting().filter(self.scope).count()
            for subject, problem in self._walk(self.scope, doubtful, lambda: progress(self.checked, total)):
                yield self._finding(subject, problem)
        for (pk, kind, why), number in self.unpriced.items():
            if not number:
                continue  # nothing is booked by it yet
            yield ChainProblem(f"Rule {pk} ({kind})", f"{why}, so what {number:,} rows earn by it was not checked.")
        if doubtful:
            yield from self._look_again(doubtful)

    def _look_again(self, doubtful: Collection[AccountKey]) -> Iterator[ChainProblem]:
        """The accounts that were being booked: they should be settled by now."""
        affiliates, offers = ({key[part] for key in doubtful} for part in (0, 1))
        scope = self.scope & Q(affiliate__in=affiliates, **{f"{self.offer_column}__in": offers})
        again, still = type(self)(scope), set[AccountKey]()
        with one_snapshot():
            for subject, problem in again._walk(scope, still, lambda: None):
                if subject.account in doubtful:
                    yield self._finding(subject, problem)
        self.unsettled = len(still.intersection(doubtful))

    def _finding(self, subject: Subject, problem: str) -> ChainProblem:
        return ChainProblem(f"{self.title} {subject.public_id}", problem)

    def _walk(
        self, scope: Q, doubtful: set[AccountKey], chunk_done: Callable[[], None]
    ) -> Iterator[tuple[Subject, str]]:
        """The rows that differ, with the difference; accounts that are being booked go into `doubtful` instead."""
        terms = Terms(stored_plans(), stored_parentage())
        ahead = self.counted_ahead(scope, terms)
        being_booked = set(self.waiting().order_by().values_list("affiliate_id", self.offer_column).distinct())
        key, account = None, None
        for chunk in self.subjects(scope, terms):
            booked = booked_sums(self.column, [subject.id for subject in chunk if subject.is_booked])
            for subject in chunk:
                if subject.account != key:
                    key, account = subject.account, self.account(terms, ahead.get(subject.account, {}))
                problems = self._problems(subject, account, booked.get(subject.id, {}))
                if problems and key in being_booked:
                    doubtful.add(key)
                else:
                    yield from ((subject, problem) for problem in problems)
            self.checked += sum(subject.is_booked for subject in chunk)
            chunk_done()

    def _problems(self, subject: Subject, account: Any, booked: Mapping[Slot, Fraction]) -> list[str]:
        """Those of a row that is due are not asked for, but rows after it count it."""
        try:
            answer = self.answer(account, subject)
        except CannotPrice as error:
            self.unpriced[error.rule.id, error.rule.kind, str(error)] += subject.is_booked
            return []
        return list(_differences(answer, subject, booked)) if subject.is_booked else []

    def counted_ahead(self, scope: Q, terms: Terms) -> Mapping[AccountKey, Mapping[Any, Fraction]]:
        """What has to be counted before the first row is priced, by account."""
        return {}

    @abstractmethod
    def rows(self) -> QuerySet[Any]: ...

    @abstractmethod
    def waiting(self) -> QuerySet[Any]:
        """The rows that are due for booking."""

    @abstractmethod
    def subjects(self, scope: Q, terms: Terms) -> Iterator[list[Subject]]:
        """The rows account by account, in the order in which they are priced."""

    @abstractmethod
    def account(self, terms: Terms, totals: Mapping[Any, Fraction]) -> Any: ...

    @abstractmethod
    def answer(self, account: Any, subject: Subject) -> Answer: ...


class ConversionCheck(PriceCheck):
    column, title = "conversion", "Conversion"
    offer_column = "goal__offer_id"

    def rows(self) -> QuerySet[Conversion]:
        return Conversion.objects.all()

    def waiting(self) -> QuerySet[Conversion]:
        return Conversion.objects.filter(booked_at=None, is_test=False)

    def subjects(self, scope: Q, terms: Terms) -> Iterator[list[Subject]]:
        return conversions_by_account(scope, terms.plans)

    def counted_ahead(self, scope: Q, terms: Terms) -> Mapping[AccountKey, Mapping[Any, Fraction]]:
        """Whole periods of tiers: those offers are gone through twice."""
        offers = {
            offer_id
            for (offer_id, _), plan in terms.plans.items()
            if any(is_counted_ahead(rule) for version in plan.versions for rule in version.conversions)
        }
        found: dict[AccountKey, defaultdict[Any, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        if offers:
            for chunk in self.subjects(scope & Q(goal__offer__in=offers), terms):
                for subject in chunk:
                    for event in subject.events:
                        count_ahead(event, terms.plans, found[subject.account])
        return found

    def account(self, terms: Terms, totals: Mapping[Any, Fraction]) -> Account:
        return Account(terms.plans, terms.parentage, Past(totals))

    def answer(self, account: Account, subject: Subject) -> Answer:
        return account.owed(subject.events[0]) if subject.events else Answer(reasons=[subject.reason])


class ClickCheck(PriceCheck):
    column, title = "clicks", "Clicks"
    offer_column = "offer_id"

    def rows(self) -> QuerySet[BilledClicks]:
        return BilledClicks.objects.all()

    def waiting(self) -> QuerySet[BilledClicks]:
        return BilledClicks.objects.filter(booked_at=None)

    def subjects(self, scope: Q, terms: Terms) -> Iterator[list[Subject]]:
        return clicks_by_account(scope)

    def account(self, terms: Terms, totals: Mapping[Any, Fraction]) -> ClickAccount:
        return ClickAccount(terms.plans, terms.parentage)

    def answer(self, account: ClickAccount, subject: Subject) -> Answer:
        return account.owed(subject.events)


def _differences(answer: Answer, subject: Subject, booked: Mapping[Slot, Fraction]) -> Iterator[str]:
    """A sentence for each amount that is not as it is owed, with both numbers."""
    owed: dict[Slot, Owed] = {}
    for line in answer.lines:
        slot: Slot = (line.affiliate_id, line.version_id, line.rule_id, line.currency)
        owed[slot] = line._replace(amount=line.amount + owed[slot].amount) if slot in owed else line
    for slot in [*(each for each in booked if each not in owed), *owed]:
        found, holds = owed.get(slot), booked.get(slot, ZERO)
        earns = found.amount if found else ZERO
        if holds != earns:
            why = found.words() if found else " and ".join(answer.reasons) or "other rules are for it"
            why += f"; {subject.note}" if subject.note else ""
            yield _sentence(slot, subject, holds, earns, why)


def _sentence(slot: Slot, subject: Subject, holds: Fraction, earns: Fraction, why: str) -> str:
    affiliate_id, _, rule_id, currency = slot
    side = "more" if holds > earns else "less"
    parent = ""
    if affiliate_id != subject.affiliate_id:
        parent = f" for its parent {Affiliate.objects.values_list('public_id', flat=True).get(pk=affiliate_id)}"
    return (
        f"the ledger holds {shown(abs(holds - earns), currency)} {side} than it earns{parent}: by rule {rule_id} "
        f"{shown(holds, currency)} are booked and {shown(earns, currency)} are owed ({why})."
    )
