"""Conversions that are stored already: one event that was really decided, copied with all of its rows."""

from collections.abc import Callable

from psycopg import sql

from bench.installation import Installation
from bench.results import Check

STEP = 100_000
# What differs from copy to copy, by table: SQL over the copy's number n, its `moment`, its `click`, and the
# first ID that is free. Every other column is the event's own, so columns that are added later are copied too.
COPIES = {
    "conversions_customer": {
        "id": "first + n", "customer_id": "'stored-' || n", "created_at": "moment",
    },
    "conversions_conversion": {
        "id": "first + n", "public_id": "'cv_' || lpad(n::text, 18, '0')", "customer_id": "first + n",
        "click_id": "click", "transaction_id": "'stored-' || n", "dedupe_key": "'ftd|txid|stored-' || n",
        "occurred_at": "moment", "received_at": "moment", "booked_at": "moment",
    },
    "conversions_postback": {
        "id": "first + n", "public_id": "'pb_' || lpad(n::text, 18, '0')", "received_at": "moment",
        "decided_at": "moment", "click_id": "click", "transaction_id": "'stored-' || n", 
        "fingerprint": "md5(n::text) || md5('x' || n)", "conversion_id": "first + n",
    },
    "conversions_statuschange": {
        "id": "first + n", "conversion_id": "first + n", "postback_id": "first + n", "at": "moment",
    },
    "conversions_customerlock": {
        "id": "first + n", "customer_id": "first + n", "click_id": "click", "locked_at": "moment",
    },
    "conversions_trace": {
        "id": "first + n", "conversion_id": "first + n", "postback_id": "first + n", "decided_at": "moment",
    },
}  # fmt: skip
# The row of each table that is copied, of the event with this transaction ID.
OF_EVENT = """
SELECT c.customer_id, c.id, p.id, s.id, l.id, t.id FROM conversions_conversion c
JOIN conversions_postback p ON p.conversion_id = c.id AND p.outcome = 'accepted'
JOIN conversions_statuschange s ON s.conversion_id = c.id
JOIN conversions_customerlock l ON l.customer_id = c.customer_id
JOIN conversions_trace t ON t.postback_id = p.id
WHERE c.transaction_id = %s
"""
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
"""
# Without triggers: the rows satisfy the foreign keys by construction.
COPY = """
SET session_replication_role = replica;
INSERT INTO {table} ({columns})
SELECT {values}
FROM {table} AS event, generate_series({start}, {end}) AS n,
     LATERAL (SELECT {first}::bigint AS first,
                     now() - interval '365 days' * (1 - n / {rows}::float8) AS moment) AS made,
     LATERAL (SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 8, '0')
                      || substr(md5(n::text), 1, 12))::uuid AS click) AS clicked
WHERE event.id = {event};
SELECT setval(pg_get_serial_sequence({name}, 'id'), max(id)) FROM {table};
"""
FIRST = "SELECT max(greatest({})) + 1".format(", ".join(f"(SELECT max(id) FROM {table})" for table in COPIES))  # nosec B608 # names of our own, values are parameters


def store(
    site: Installation, *, database: str, rows: int, transaction_id: str, say: Callable[[str], None]
) -> list[Check]:
    """Copy the event with this transaction ID this many times, spread evenly over the past year, already booked."""
    events = dict(zip(COPIES, site.query(OF_EVENT, transaction_id, database=database)[0], strict=True))
    first = site.query(FIRST, database=database)[0][0]
    for start in range(0, rows, STEP):
        say(f"storing {rows:,} conversions: {start / rows:.0%}")
        for table, event in events.items():
            columns = [name for (name,) in site.query(COLUMNS, table, database=database)]
            numbers = {"event": event, "first": first, "start": start, "end": min(start + STEP, rows) - 1, "rows": rows}
            statement = sql.SQL(COPY).format(
                table=sql.Identifier(table),
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                values=sql.SQL(", ").join(_value(table, name) for name in columns),
                **{name: sql.Literal(value) for name, value in {"name": table, **numbers}.items()},
            )
            site.as_owner(statement, database=database)
    for table in COPIES:
        say(f"tidying up {table}")
        site.as_owner(f"VACUUM ANALYZE {table}", database=database)
    return [_check(site, database, table, first, rows) for table in COPIES]


def _value(table: str, column: str) -> sql.Composable:
    own = COPIES[table].get(column)
    return sql.SQL(own) if own else sql.Identifier("event", column)


def _check(site: Installation, database: str, table: str, first: int, rows: int) -> Check:
    count = f"SELECT count(*) FROM {table} WHERE id >= %s AND id < %s"  # noqa: S608 # nosec B608 # a name of our own
    found = site.query(count, first, first + rows, database=database)[0][0]
    return Check(f"{table} stored beforehand", found == rows, f"{found:,} of {rows:,}")
