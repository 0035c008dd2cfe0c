"""The content of a statement's document: the sums, earnings by offer and goal, and every other line."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from payouts.models import LedgerEntry, Statement

Kind = LedgerEntry.Kind
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class GoalEarnings:
    """The earnings of one goal of an offer in the period, in the statement's currency."""

    offer: str
    goal: str
    lines: int
    commission: Decimal
    reversed: Decimal

    @property
    def total(self) -> Decimal:
        return self.commission + self.reversed


@dataclass(frozen=True, slots=True)
class StatementBreakdown:
    """A statement taken apart; the totals of `earned` and the amounts of `others` add up to its movement."""

    statement: Statement
    earned: list[GoalEarnings]
    others: list[LedgerEntry]

    @property
    def earned_total(self) -> Decimal:
        return sum((row.total for row in self.earned), ZERO)


def lines_of(statement: Statement) -> QuerySet[LedgerEntry]:
    """The statement's own lines, in the order of their numbers."""
    covered = (statement.first_sequence, statement.last_sequence)
    return LedgerEntry.objects.filter(
        affiliate=statement.affiliate_id, currency=statement.currency, sequence__range=covered
    ).order_by("sequence")


def account_of(statement: Statement) -> StatementBreakdown:
    """Read the account in three queries. Commission lines are grouped, all others stand for themselves."""
    lines = lines_of(statement)
    commissions = Q(kind__in=[Kind.COMMISSION, Kind.REVERSAL])
    groups = (
        lines.filter(commissions, conversion__isnull=False)
        .order_by("conversion__goal__offer__name", "conversion__goal__position", "conversion__goal__name")
        .values_list("conversion__goal__offer__name", "conversion__goal__name")
        .annotate(
            lines=Count("pk"),
            commission=Coalesce(Sum("amount", filter=Q(kind=Kind.COMMISSION)), ZERO),
            reversed=Coalesce(Sum("amount", filter=Q(kind=Kind.REVERSAL)), ZERO),
        )
        .values_list("conversion__goal__offer__name", "conversion__goal__name", "lines", "commission", "reversed")
    )
    others = lines.exclude(commissions).select_related("payout")
    earned = sorted([*(GoalEarnings(*row) for row in groups), *_of_clicks(lines)], key=lambda row: row.offer)
    return StatementBreakdown(statement, earned, list(others))


def _of_clicks(lines: QuerySet[LedgerEntry]) -> list[GoalEarnings]:
    """The earnings of clicks, by offer."""
    sums = (
        lines.filter(clicks__isnull=False)
        .order_by("clicks__offer__name")
        .values_list("clicks__offer__name")
        .annotate(
            lines=Count("pk"),
            commission=Coalesce(Sum("amount", filter=Q(kind=Kind.COMMISSION)), ZERO),
            reversed=Coalesce(Sum("amount", filter=Q(kind=Kind.REVERSAL)), ZERO),
        )
    )
    return [GoalEarnings(offer, "Clicks", *figures) for offer, *figures in sums]
