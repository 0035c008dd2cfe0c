"""Counting the clicks of closed days for offers that pay per click, and recounting days that changed.

The day's sums (`tracking.ClickDay`) show which days changed, at no cost to a click: each row stores the sum at the time
of counting. A late click, or one that was found to be a bot's and removed from the sums, makes its day due for
recounting. Days whose clicks are no longer all stored keep their count: clicks dropped by age do not reduce commission.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from payouts.models import BilledClicks, CommissionRule
from payouts.plans.price_books import keep_versions
from payouts.pricing.kind import Prices
from payouts.pricing.kinds import codes_that_price
from payouts.pricing.precedence import SUB_NAMES
from records.advisory_locks import Lock, try_in_transaction
from tracking.click_id.codec import lowest_uuid
from tracking.counts.rollups import first_whole_day

# A day is counted once its last clicks have had time to be stored and marked; later clicks make it due again.
CLOSED_AFTER = timedelta(minutes=15)
BATCH = 2000
# In place of an affiliate: the offer's default plan.
EVERYBODY = 0

_CHANGED = """
SELECT link.id, enrollment.affiliate_id, enrollment.offer_id, sums.day, sums.clicks - sums.bots - sums.duplicates
FROM tracking_clickday AS sums
JOIN tracking_trackinglink AS link ON link.id = sums.link_number AND NOT link.is_test
JOIN affiliates_enrollment AS enrollment ON enrollment.id = link.enrollment_id
LEFT JOIN payouts_billedclicks AS billed ON billed.link_id = link.id AND billed.day = sums.day
WHERE sums.day >= %(first)s AND sums.day <= %(last)s AND EXISTS (
    SELECT FROM unnest(%(offers)s::bigint[], %(affiliates)s::bigint[], %(since)s::date[])
        AS paying(offer, affiliate, since)
    WHERE paying.offer = enrollment.offer_id AND paying.since <= sums.day
        AND paying.affiliate IN (%(everybody)s, enrollment.affiliate_id)
) AND CASE
    WHEN billed.id IS NULL THEN sums.clicks > sums.bots + sums.duplicates
    ELSE billed.seen IS DISTINCT FROM sums.clicks - sums.bots - sums.duplicates END
ORDER BY sums.day, link.id LIMIT %(limit)s
"""
_PARTS = """
SELECT link_id, {columns}, count(*) FROM tracking_click
WHERE id >= %(low)s AND id < %(high)s AND link_id = ANY(%(links)s)
    AND marked_at IS NOT NULL AND NOT is_bot AND NOT is_duplicate
GROUP BY {places} ORDER BY {places}
"""


class Changed(NamedTuple):
    """A link's day whose sum has changed since it was counted."""

    link_id: int
    affiliate_id: int
    offer_id: int
    day: date
    valid: int


def count_clicks(*, now: datetime, limit: int = BATCH) -> int:
    """Count up to `limit` days of links that are closed and changed; return how many. One worker at a time.

    A query for what changed, one for each day of it, and one to write: none per click, and none on a click's way.
    """
    paying = _paying_plans()
    if not paying:
        return 0
    with transaction.atomic():
        keep_versions()
        if not try_in_transaction(Lock.CLICK_COUNTS):
            return 0
        changed = _changed(paying, now, limit)
        by_day: dict[date, list[Changed]] = defaultdict(list)
        for row in changed:
            by_day[row.day].append(row)
        counted = [row for day, rows in by_day.items() for row in _counted(day, rows, now)]
        BilledClicks.objects.bulk_create(
            counted,
            update_conflicts=True,
            unique_fields=["link", "day"],
            update_fields=["clicks", "parts", "seen", "counted_at", "booked_at"],
        )
    return len(changed)


def _paying_plans() -> dict[tuple[int, int], date]:
    """The offer and affiliate of each plan with a price per click in any version, and the first day of that price."""
    found: dict[tuple[int, int], date] = {}
    plan = "version__plan"
    rules = CommissionRule.objects.filter(kind__in=codes_that_price(Prices.CLICKS)).order_by()
    named = rules.values_list(f"{plan}__offer", f"{plan}__affiliate", "version__effective_from").distinct()
    for offer_id, affiliate_id, starts_at in named:
        key, day = (offer_id, affiliate_id or EVERYBODY), starts_at.astimezone(UTC).date()
        found[key] = min(found.get(key, day), day)
    return found


def _changed(paying: dict[tuple[int, int], date], now: datetime, limit: int) -> list[Changed]:
    last = (now - CLOSED_AFTER).astimezone(UTC).date() - timedelta(days=1)
    values: dict[str, Any] = {
        "offers": [offer_id for offer_id, _ in paying],
        "affiliates": [affiliate_id for _, affiliate_id in paying],
        "everybody": EVERYBODY,
        "since": list(paying.values()),
        "first": first_whole_day(now=now),
        "last": last,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, values)
        return [Changed(*row) for row in cursor.fetchall()]


def _counted(day: date, rows: list[Changed], now: datetime) -> Iterator[BilledClicks]:
    parts = _parts_of(day, [row.link_id for row in rows], {row.offer_id for row in rows})
    for row in rows:
        found = parts[row.link_id]
        yield BilledClicks(
            affiliate_id=row.affiliate_id,
            offer_id=row.offer_id,
            link_id=row.link_id,
            day=day,
            clicks=sum(part["clicks"] for part in found),
            parts=found,
            seen=row.valid,
            counted_at=now,
            booked_at=None,
        )


def _parts_of(day: date, links: list[int], offers: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The valid clicks of the day by link, split only by the countries and sub IDs that rules name."""
    named = _named_values(offers)
    starts = datetime.combine(day, time(), UTC)
    ends = starts + timedelta(days=1)
    bounds: dict[str, Any] = {"low": lowest_uuid(starts), "high": lowest_uuid(ends), "links": links}
    columns = [f"CASE WHEN {name} = ANY(%({name})s) THEN {name} ELSE '' END" for name in named] or ["''"]
    places = ", ".join(str(place) for place in range(1, len(columns) + 2))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_PARTS.format(columns=", ".join(columns), places=places), {**bounds, **named})
        for link_id, *values, clicks in cursor.fetchall():
            labels = {name: value for name, value in zip(named, values, strict=False) if value}
            found[link_id].append({"clicks": clicks, **labels})
    return found


def _named_values(offers: Collection[int]) -> dict[str, list[str]]:
    """The values of country and sub IDs that prices and shares of these offers are for, by column."""
    kinds = codes_that_price(Prices.CLICKS, Prices.PARENTS)
    rules = CommissionRule.objects.filter(version__plan__offer__in=offers, kind__in=kinds).order_by()
    found: dict[str, set[str]] = defaultdict(set)
    for country, sub_name, sub_value in rules.values_list("country", "sub_name", "sub_value").distinct():
        if country:
            found["country"].add(country)
        if sub_name in SUB_NAMES:
            found[sub_name].add(sub_value)
    return {name: sorted(found[name]) for name in ("country", *SUB_NAMES) if found[name]}
