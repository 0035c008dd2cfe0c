"""Store which requests are parked, and mark those as due whose missing event has arrived."""

from datetime import datetime, timedelta

from conversions.intake.case import Attribution, Awaited, Case, Judged, Outcome
from conversions.intake.judge.park import Waits, sale_name
from conversions.intake.write.new_conversions import locks_customer
from conversions.models import ParkedPostback
from conversions.sources.references import awaited_name
from records.bulk_rows import insert, update

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
# Looked up for each value by itself, whatever the plan: see `look_up_events`.
_WAKE = """
UPDATE conversions_parkedpostback SET next_try_at = %s
WHERE postback_id IN (
    SELECT waiting.postback_id
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS there(advertiser_id, waits_for, awaited)
    CROSS JOIN LATERAL (
        SELECT parked.postback_id FROM conversions_parkedpostback AS parked
        WHERE parked.advertiser_id = there.advertiser_id AND parked.waits_for = there.waits_for
            AND parked.awaited = there.awaited OFFSET 0
    ) AS waiting
)
RETURNING postback_id
"""


def keep_parked(judged: Judged) -> None:
    """Write which requests are parked now, which stay parked, and which no longer are."""
    held = [(case, waits) for case in judged.cases if (waits := case.parking.waits) and case.outcome == Outcome.HELD]
    insert(_row(case, waits, judged.now) for case, waits in held if case.parking.row is None)
    again: list[ParkedPostback] = []
    for case, waits in held:
        if row := case.parking.row:
            row.tries += 1
            row.next_try_at = min(judged.now + pause(row.tries), row.expires_at)
            row.waits_for, row.awaited = waits.waits_for, waits.name
            again.append(row)
    update(again, ("tries", "next_try_at", "waits_for", "awaited"))
    settled = [row.pk for case in judged.cases if (row := case.parking.row) and case.parking.waits is None]
    if settled:
        ParkedPostback.objects.filter(pk__in=settled).delete()


def _row(case: Case, waits: Awaited, now: datetime) -> ParkedPostback:
    is_repeat, until = bool(case.parking.waits_as), case.parking.until
    assert case.postback.advertiser  # Only authenticated requests are parked.
    assert until
    return ParkedPostback(
        postback=case.postback,
        advertiser=case.postback.advertiser,
        waits_for=waits.waits_for,
        awaited=waits.name,
        occurred_at=case.occurred_at,
        parked_at=now,
        expires_at=until,
        # A repeat is decided together with the request that it repeats.
        next_try_at=until if is_repeat else min(now + pause(0), until),
        is_repeat=is_repeat,
    )


def pause(tries: int) -> timedelta:
    """The time until the next attempt: a minute, doubled each time, up to six hours."""
    return min(FIRST_PAUSE * (1 << min(tries, 16)), LONGEST_PAUSE)


def wake_parked(judged: Judged) -> None:
    """Mark parked requests as due if they waited for one of these new conversions."""
    there = {
        (case.postback.advertiser_id, *awaited)
        for case, attribution in judged.new
        for awaited in _brought(case, attribution)
    }
    if not there:
        return
    advertisers, kinds, names = zip(*sorted(there), strict=True)
    judged.rows.run(_WAKE, [judged.now, list(advertisers), list(kinds), list(names)])


def _brought(case: Case, attribution: Attribution) -> list[Awaited]:
    """What parked requests may have waited for: the conversion's transaction, and its customer's affiliate."""
    names = (sale_name(case), awaited_name(case.event.transaction_id)) if case.event.transaction_id else ()
    brought = [Awaited(Waits.SALE, name) for name in names]
    if locks_customer(case, attribution):
        brought.append(Awaited(Waits.CUSTOMER, case.event.customer_id))
    return brought
