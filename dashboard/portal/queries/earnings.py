"""The affiliate's account: ledger lines with the balance after each, statements, payouts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from affiliates.models import Affiliate
from dashboard.portal.queries.figures import Money
from payouts.models import LedgerEntry, Payout, Statement


@dataclass(frozen=True, slots=True)
class LedgerRow:
    entry: LedgerEntry
    balance: Decimal


def entries_of(affiliate: Affiliate) -> QuerySet[LedgerEntry]:
    return (
        LedgerEntry.objects.filter(affiliate=affiliate)
        .select_related(
            "conversion__goal__offer", "clicks__offer", "clicks__link", "payout__statement", "plan_version__plan"
        )
        .order_by("-sequence")
    )


def with_balances(affiliate: Affiliate, entries: Sequence[LedgerEntry]) -> list[LedgerRow]:
    """Entries with the balance of their currency after each. Currencies are never added up.

    Two queries for any page: the sums before the oldest line shown, and the lines from there on.
    """
    if not entries:
        return []
    numbers = [entry.sequence for entry in entries]
    first, last = min(numbers), max(numbers)
    account = LedgerEntry.objects.filter(affiliate=affiliate)
    ahead = account.filter(sequence__lt=first).order_by().values_list("currency").annotate(Sum("amount"))
    running: dict[str, Decimal] = defaultdict(Decimal, ahead)
    after: dict[int, Decimal] = {}
    span = account.filter(sequence__range=(first, last)).order_by("sequence")
    for number, currency, amount in span.values_list("sequence", "currency", "amount"):
        running[currency] += amount
        after[number] = running[currency]
    return [LedgerRow(entry, after[entry.sequence]) for entry in entries]


def statements_of(affiliate: Affiliate) -> QuerySet[Statement]:
    return Statement.objects.filter(affiliate=affiliate).select_related("payout")


def statement_lines(statement: Statement) -> QuerySet[LedgerEntry]:
    """The ledger lines that a statement covers, oldest first."""
    covered = (statement.first_sequence, statement.last_sequence)
    return (
        LedgerEntry.objects.filter(
            affiliate=statement.affiliate_id, currency=statement.currency, sequence__range=covered
        )
        .select_related("conversion__goal__offer", "clicks__offer", "clicks__link", "payout", "plan_version__plan")
        .order_by("sequence")
    )


def payouts_of(affiliate: Affiliate) -> QuerySet[Payout]:
    return Payout.objects.filter(affiliate=affiliate).select_related("statement")


def due_by_currency(affiliate: Affiliate) -> Money:
    """Amounts that closed statements made payable and that are not paid yet."""
    due = Payout.objects.filter(affiliate=affiliate, status=Payout.Status.DUE).order_by("currency")
    return list(due.values_list("currency").annotate(Sum("amount")))


def totals_by_kind(lines: QuerySet[LedgerEntry]) -> list[tuple[str, int, Decimal]]:
    """The number and sum of the lines of each kind. The lines are of one currency."""
    kinds = dict(LedgerEntry.Kind.choices)
    rows = lines.order_by().values_list("kind").annotate(Count("pk"), Sum("amount")).order_by("kind")
    return [(str(kinds[kind]), count, amount) for kind, count, amount in rows]
