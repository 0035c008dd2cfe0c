"""Other names of sales: stored when a source reports them, and looked up when a refund names one."""

from collections.abc import Collection, Sequence
from datetime import datetime

from affiliates.models import Advertiser
from conversions.models import ParkedPostback, SourceReference

LONGEST = 100


def remember(advertiser: Advertiser, references: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Store the names, once each; a refund that is parked under one of them is due at once."""
    rows = [
        SourceReference(advertiser=advertiser, name=name, transaction_id=transaction)
        for name, transaction in dict(references).items()
        if len(name) <= LONGEST and len(transaction) <= LONGEST
    ]
    if not rows:
        return
    SourceReference.objects.bulk_create(rows, ignore_conflicts=True)
    parked = ParkedPostback.objects.filter(
        advertiser=advertiser,
        waits_for=ParkedPostback.Waits.SALE,
        awaited__in=[awaited_name(row.name) for row in rows],
    )
    parked.update(next_try_at=now)


def awaited_name(transaction: str) -> str:
    """What a request waits for that takes back a sale without saying its goal."""
    return f"|{transaction}"


def transactions_of(advertisers: Collection[int], names: Collection[str]) -> dict[tuple[int, str], str]:
    """The transaction of each name that is stored."""
    rows = SourceReference.objects.filter(advertiser__in=advertisers, name__in=names)
    return {(row.advertiser_id, row.name): row.transaction_id for row in rows}
