"""Columns of a conversion with what it earned."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from conversions.lists.conversions import CONVERSIONS
from payouts.queries import Balance
from records.translation import gettext_lazy as _
from web.lists import Amounts, Column, Columns


def commission(conversion: Any) -> list[Balance]:
    """By currency: the sums that the page's query attached, or those of the entries in reach of an API key."""
    if hasattr(conversion, "earned"):
        return list(conversion.earned)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in conversion.entries_in_reach:
        sums[entry.currency] += entry.amount
    return [Balance(*line) for line in sorted(sums.items())]


EARNING_CONVERSIONS = Columns(
    Column(
        "commission",
        Amounts(),
        read=commission,
        help=_("What is booked for it, by currency; empty for nothing, and without the right to view the ledger."),
    ),
    base=CONVERSIONS,
)
