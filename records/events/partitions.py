"""The months of the event table: made ahead of time; dropped when they are old and every reader has read them."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from records.periods import months_after

log = structlog.get_logger(__name__)


def make_ahead(*, now: datetime) -> int:
    """Keep three months ready, so that a worker that is down for weeks stops nothing; return how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT records_make_event_partitions(%s, %s)", [now.date(), now.date() + timedelta(days=92)])
        return int(cursor.fetchone()[0])


def drop_expired(*, now: datetime) -> list[str]:
    """Drop the months that ended more than `EVENT_MONTHS` ago (0 keeps all); return their names.

    A month with events that a reader has not read stays until it has.
    """
    if not settings.EVENT_MONTHS:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT records_drop_event_partitions(%s)", [months_after(now, -settings.EVENT_MONTHS).date()])
        dropped = list(cursor.fetchone()[0])
    if dropped:
        log.info("events_dropped", months=dropped)
    return dropped
