"""Whether the clicks that are paid for are those that were counted as they came in, split without losing any.

The sums of a day are made when clicks get their marks, long before and apart from the count for payment; they stay when
the clicks are dropped by age. A day whose sum moved since is due for counting, and is not compared.
"""

from collections.abc import Iterator

from django.db.models import F, OuterRef, Q, Subquery

from payouts.ledger.chain_walk import ChainProblem
from payouts.models import BilledClicks
from tracking.models import ClickDay

CHUNK = 2000


def click_count_findings(scope: Q) -> Iterator[ChainProblem]:
    sums = ClickDay.objects.filter(link_number=OuterRef("link_id"), day=OuterRef("day"))
    valid = Subquery(sums.values_list(F("clicks") - F("bots") - F("duplicates"))[:1])
    rows = BilledClicks.objects.filter(scope, seen__isnull=False).annotate(valid=valid).order_by("pk")
    columns = ("public_id", "clicks", "parts", "seen", "valid")
    for public_id, clicks, parts, seen, counted in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        in_parts = sum(part["clicks"] for part in parts)
        if in_parts != clicks:
            yield ChainProblem(f"Clicks {public_id}", f"are {clicks:,}, but their parts add up to {in_parts:,}.")
        elif counted == seen != clicks:
            yield ChainProblem(f"Clicks {public_id}", f"are {clicks:,}, but {counted:,} valid ones came in that day.")
