"""Conversions that are due for booking: two goals, three currencies, a few pending and rejected."""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import islice

from django.utils import timezone

from bench.inside import options, progress, report
from conversions.models import Conversion, Goal
from conversions.reasons.codes import Reason
from tracking.models import TrackingLink

Status = Conversion.Status
STEP = 5_000
CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0}


def make_conversions(count: int) -> Iterator[Conversion]:
    """Conversions of the past 200 days, the same in every run."""
    chance, now = random.Random(20517), timezone.now()
    goals = list(Goal.objects.select_related("offer"))
    links = list(TrackingLink.objects.select_related("enrollment"))
    for number in range(count):
        goal, link, currency = chance.choice(goals), chance.choice(links), chance.choice(list(CURRENCIES))
        occurred_at = now - timedelta(seconds=chance.randrange(200 * 86400))
        yield Conversion(
            advertiser_id=goal.offer.advertiser_id,
            goal=goal,
            affiliate_id=link.enrollment.affiliate_id,
            link=link,
            evidence=Conversion.Evidence.ROW,
            transaction_id=f"order-{number}",
            dedupe_key=f"{goal.code}|txid|order-{number}",
            revenue=round(Decimal(chance.randrange(100, 50_000_00)) / 100, CURRENCIES[currency]),
            currency=currency,
            status=chance.choices([Status.APPROVED, Status.PENDING, Status.REJECTED], [90, 5, 5])[0],
            reason=Reason.OK,
            occurred_at=occurred_at,
            received_at=occurred_at,
        )


def main(*, count: int) -> None:
    rows, made = make_conversions(count), 0
    while batch := list(islice(rows, STEP)):
        Conversion.objects.bulk_create(batch)
        made += len(batch)
        progress(f"making {count:,} conversions: {made / count:.0%}")


if __name__ == "__main__":
    main(**options())
    report(done=True)
