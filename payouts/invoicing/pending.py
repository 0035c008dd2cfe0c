"""Statements that are not invoiced yet and what is missing: finance's list of what to request from affiliates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Max, QuerySet, Sum
from django.utils.translation import gettext

from affiliates.models import Affiliate
from payouts.invoicing.readiness import InvoiceParty, TaxTreatments, sides_of, supply_day
from payouts.models import Issuer, Statement

# More than one page of people to write to.
MOST = 200


@dataclass(frozen=True, slots=True)
class Pending:
    """An affiliate's statements in one currency that wait for an invoice; nothing `missing`: they can be written."""

    affiliate: Affiliate
    currency: str
    statements: int
    earned: Decimal
    last_ends_at: datetime
    missing: list[str]


def not_invoiced() -> QuerySet[Statement]:
    """Statements with earnings that are not invoiced."""
    return Statement.objects.filter(invoicing=None).exclude(earned=0)


def pending(*, most: int = MOST) -> list[Pending]:
    """By account, the most statements first, up to a limit. About seven queries for any number."""
    sums = (
        not_invoiced()
        .order_by()
        .values_list("affiliate_id", "currency")
        .annotate(number=Count("pk"), earned=Sum("earned"), last=Max("ends_at"))
        .order_by("-number", "affiliate_id", "currency")[:most]
    )
    rows = list(sums)
    affiliates = Affiliate.objects.in_bulk({row[0] for row in rows})
    sides, issuer = sides_of(affiliates.keys()), Issuer.objects.first()
    tax = TaxTreatments(issuer) if issuer else None
    return [
        Pending(
            affiliates[pk], currency, number, earned, last, _missing(tax, sides.get(pk, InvoiceParty()), currency, last)
        )
        for pk, currency, number, earned, last in rows
    ]


def _missing(tax: TaxTreatments | None, side: InvoiceParty, currency: str, last: datetime) -> list[str]:
    if tax is None:
        return [gettext("The company that issues the invoices is missing."), *side.lacks()]
    return tax.lacks(side, currency, supply_day(last))


def open_periods(*, most: int = 36) -> Sequence[datetime]:
    """The ends of periods in which something was not invoiced, the newest first."""
    return list(not_invoiced().order_by("-ends_at").values_list("ends_at", flat=True).distinct()[:most])
