"""Read in one statement what is stored about the events of the batch, by the keys that their requests named."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from conversions.intake import reference_cache
from conversions.intake.case import Case
from conversions.intake.judge.find_known import counts_again
from conversions.models import Conversion, Customer, CustomerLock, Touch
from conversions.risk_signals.base import ClickMarks
from records.bulk_rows import from_document, next_id
from records.prepared import array, from_json, prepared_cursor
from tracking.marks import is_bot_agent
from tracking.visitors.geography import locate

# Each part looks rows up by its keys: where there is a join it is lateral, with an order or OFFSET, so that PostgreSQL
# does not turn it into another kind. So a plan that was made while the tables were small stays right as they grow, and
# clicks are searched in their own month alone. Conversions are locked in the order of their IDs, as everywhere. The two
# parts at the end take an ID for each row that may be new: rows that point at it are written with it.
_LOOK_UP = f"""
WITH known AS (
    SELECT * FROM conversions_conversion
    WHERE advertiser_id = ANY(%s::bigint[]) AND dedupe_key = ANY(%s::text[]) ORDER BY id FOR UPDATE
), customer AS (
    SELECT * FROM conversions_customer WHERE advertiser_id = ANY(%s::bigint[]) AND customer_id = ANY(%s::text[])
)
SELECT 'conversion', to_jsonb(known)::text FROM known
UNION ALL
SELECT 'customer', to_jsonb(customer)::text FROM customer
UNION ALL
SELECT 'lock', held.found::text FROM customer CROSS JOIN LATERAL (
    SELECT to_jsonb(mine) AS found FROM conversions_customerlock AS mine
    WHERE mine.customer_id = customer.id ORDER BY mine.locked_at DESC
) AS held
UNION ALL
SELECT 'touch', touched.found::text FROM customer CROSS JOIN LATERAL (
    SELECT to_jsonb(mine) AS found FROM conversions_touch AS mine
    WHERE mine.customer_id = customer.id ORDER BY mine.at, mine.id
) AS touched
UNION ALL
SELECT 'click', jsonb_build_object(
    'id', click.id, 'is_marked', marked_at IS NOT NULL, 'agent', user_agent, 'consent', consent,
    'marks', jsonb_build_array(is_bot, is_duplicate, is_data_centre, country, ip)
)::text FROM unnest(%s::uuid[]) AS named(id) CROSS JOIN LATERAL (
    SELECT * FROM tracking_click WHERE tracking_click.id = named.id OFFSET 0
) AS click
UNION ALL
SELECT 'conversion_id', {next_id(Conversion)}::text FROM generate_series(1, %s::int - (SELECT count(*) FROM known)::int)
UNION ALL
SELECT 'customer_id', {next_id(Customer)}::text FROM generate_series(1, %s::int - (SELECT count(*) FROM customer)::int)
"""  # noqa: S608 - names of our own tables only


Found = dict[str, list[Any]]
Access = TypeVar("Access", CustomerLock, Touch)


def look_up_events(cases: list[Case]) -> None:
    """Attach the conversion with the same key, the customer with locks and touches, and the click; one statement."""
    cases = [case for case in cases if case.is_open]
    if not cases:
        return
    found = _read(cases)
    _attach_conversions(cases, found)
    _attach_customers(cases, found)
    _attach_clicks(cases, found)


def _read(cases: Sequence[Case]) -> Found:
    """The rows found, by kind."""
    advertisers = array({case.postback.advertiser_id for case in cases})
    keys = {case.dedupe_key for case in cases if case.dedupe_key}
    customers = {(case.postback.advertiser_id, case.event.customer_id) for case in cases if case.event.customer_id}
    clicks = {case.event.click.uuid for case in cases if case.event.click}
    # A case with a known key may create a conversion too, where its click counts again after some time.
    new = len(cases) + sum(counts_again(case) for case in cases)
    names = array({name for _, name in customers})
    values: list[Any] = [advertisers, array(keys), advertisers, names, array(clicks), new, len(customers)]
    found: Found = defaultdict(list)
    with prepared_cursor() as cursor:
        cursor.execute(_LOOK_UP, values)
        for kind, document in cursor.fetchall():
            found[kind].append(from_json(document))
    return found


def _attach_conversions(cases: Sequence[Case], found: Found) -> None:
    rows = [from_document(Conversion, document) for document in found["conversion"]]
    known = {(row.advertiser_id, row.dedupe_key): row for row in rows}
    for case in cases:
        if case.dedupe_key:
            case.conversion = known.get((case.postback.advertiser_id or 0, case.dedupe_key))
        if found["conversion_id"] and (case.conversion is None or counts_again(case)):
            case.free_id = found["conversion_id"].pop(0)


def _attach_customers(cases: Sequence[Case], found: Found) -> None:
    rows = [from_document(Customer, document) for document in found["customer"]]
    known = {(row.advertiser_id, row.customer_id): row for row in rows}
    locks = _by_customer(_with_access(CustomerLock, found["lock"]))
    touches = _by_customer(_with_access(Touch, found["touch"]))
    for case in cases:
        if not case.event.customer_id:
            continue
        origin = case.origin
        customer = known.get((case.postback.advertiser_id or 0, case.event.customer_id))
        if customer:
            origin.customer, origin.locks = customer, locks.get(customer.pk, [])
            origin.touches = touches.get(customer.pk, [])
        elif found["customer_id"]:
            origin.free_customer_id = found["customer_id"].pop(0)


def _with_access(model: type[Access], documents: Sequence[dict[str, Any]]) -> list[Access]:
    """Rows with link and enrollment, and the affiliate, offer and advertiser of it; no query with a warm cache."""
    rows = [from_document(model, document) for document in documents]
    links = reference_cache.links.many(row.link_id for row in rows if row.link_id)
    known = {link.enrollment_id: link.enrollment for link in links.values()}
    # Only of locks that an operator moved, or that a coupon made, no link leads to the enrollment.
    known |= reference_cache.enrollments.many({row.enrollment_id for row in rows} - known.keys())
    for row in rows:
        row.enrollment = known[row.enrollment_id]
        if row.link_id:
            row.link = links[row.link_id]
    return rows


def _by_customer(rows: Sequence[Access]) -> dict[int, list[Access]]:
    found: dict[int, list[Access]] = {}
    for row in rows:
        found.setdefault(row.customer_id, []).append(row)
    return found


def _attach_clicks(cases: Sequence[Case], found: Found) -> None:
    """Attach the marks of each stored click. The postback may arrive before the worker has set them."""
    rows = {UUID(click["id"]): click for click in found["click"]}
    for case in cases:
        if case.event.click and (row := rows.get(case.event.click.uuid)):
            case.origin.click_marks, case.origin.click_consent = _marks(row), row["consent"]


def _marks(click: dict[str, Any]) -> ClickMarks:
    if click["is_marked"]:
        return ClickMarks(*click["marks"])
    address = click["marks"][-1]
    place = locate(address)
    return ClickMarks(is_bot_agent(click["agent"]), False, place.is_data_centre, place.country, address)
