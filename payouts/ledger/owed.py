"""Owed minus booked: the entries missing from the ledger, slot by slot. Used for conversions and for paid clicks."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from django.db.models import Sum

from payouts.ledger.chain import Draft
from payouts.models import LedgerEntry
from payouts.pricing import CommissionLine, exact

Kind = LedgerEntry.Kind
LONGEST_WORDS = 300


class Slot(NamedTuple):
    """The key of a booked amount. A conversion or a day of clicks may have several: one per line of its price."""

    affiliate_id: int
    plan_version_id: int | None
    rule_id: int | None
    currency: str


class Subject(NamedTuple):
    """The subject of entries: either a conversion or a link's clicks of a day, by row ID and public ID."""

    occurred_at: datetime
    conversion: tuple[int, str] | None = None
    clicks: tuple[int, str] | None = None


def booked_amounts(subject: Literal["conversion", "clicks"], pks: Collection[int]) -> dict[int, dict[Slot, Decimal]]:
    """The amounts in the ledger for these rows, by row and slot, including slots settled to zero; one query."""
    sums = (
        LedgerEntry.objects.filter(**{f"{subject}__in": list(pks)}, kind__in=[Kind.COMMISSION, Kind.REVERSAL])
        .order_by()
        .values_list(f"{subject}_id", "affiliate_id", "plan_version_id", "rule_id", "currency")
        .annotate(total=Sum("amount"))
    )
    booked: dict[int, dict[Slot, Decimal]] = defaultdict(dict)
    for pk, *slot, total in sums:
        booked[pk][Slot(*slot)] = total
    return booked


def slot_of(line: CommissionLine) -> Slot:
    return Slot(line.affiliate_id, line.version_id, line.rule_id, line.currency)


def differences_of(
    subject: Subject,
    owed: Mapping[Slot, CommissionLine],
    booked: Mapping[Slot, Decimal],
    *,
    reason: str,
    where: Callable[[int], str] = lambda affiliate_id: "",
) -> list[Draft]:
    """The entries that are missing: commission where more is owed, a reversal where less is.

    `reason` says why nothing is owed; `where` returns the words in front of the arithmetic for an affiliate.
    """
    drafts = []
    # Reversals of old slots come before the entries that replace them.
    for slot in [*(slot for slot in booked if slot not in owed), *owed]:
        line, before = owed.get(slot), booked.get(slot, Decimal(0))
        difference = (line.amount if line else Decimal(0)) - before
        if not difference:
            continue
        before_words = exact(before, slot.currency) if before else ""
        drafts.append(
            Draft(
                affiliate_id=slot.affiliate_id,
                kind=Kind.COMMISSION if difference > 0 else Kind.REVERSAL,
                amount=difference,
                currency=slot.currency,
                arithmetic=_arithmetic(where(slot.affiliate_id), line, before_words, reason),
                occurred_at=subject.occurred_at,
                conversion=subject.conversion,
                clicks=subject.clicks,
                plan_version_id=slot.plan_version_id,
                rule_id=slot.rule_id,
            )
        )
    return drafts


def _arithmetic(where: str, line: CommissionLine | None, before: str, reason: str) -> str:
    """The arithmetic of a line, with what was booked before when the entry only makes up the difference."""
    if line is None:
        return f"{where}takes back {before}. {reason or 'Another rule applies now.'}"[:LONGEST_WORDS]
    message = f"; {before} booked before" if before else ""
    return f"{where}{line.arithmetic}"[: LONGEST_WORDS - len(message)] + message
