"""Reading events in order, each exactly once, also those of transactions that commit late.

A transaction gets its event IDs before it commits, so an event may become visible after one with a higher ID: a reader
that asks for `id > cursor` alone would skip it. Therefore each transaction, before it takes its first ID, locks the
lowest ID that it may get (the default of the column does it, `records_next_event`). The horizon is the highest ID below
all of these locks: every event up to it is committed or will never be.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models.functions import Now

from records.models import Event, EventCursor

NOW, FIRST = "now", "first"


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and the position to read on from: the last event, or the horizon if there are no more."""

    events: list[Event]
    position: int


def horizon() -> int:
    """The highest ID up to which all events are final.

    Raise `django.db.DatabaseError` in a transaction that is not READ COMMITTED: it could not see them all.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT records_event_horizon()")
        return int(cursor.fetchone()[0])


def read(
    *, after: int, limit: int, kinds: Collection[str] = (), affiliate_id: int | None = None, until: int | None = None
) -> Page:
    """The next events after a position, of these kinds (none given: of all), of one affiliate or of all.

    `until` is a horizon that the caller has read already.
    """
    last = horizon() if until is None else until
    wanted = Event.objects.filter(id__gt=after, id__lte=last)
    if kinds:
        wanted = wanted.filter(kind__in=kinds)
    if affiliate_id is not None:
        wanted = wanted.filter(affiliate_id=affiliate_id)
    events = list(wanted.order_by("id")[:limit])
    return Page(events, events[-1].id if len(events) == limit else max(after, last))


def take(reader: str, *, limit: int, kinds: Collection[str] = (), begin: str = NOW) -> list[Event]:
    """The reader's next events. Its cursor moves with the caller's transaction, which must be open.

    So what the caller writes for an event is stored exactly once: with the cursor, or not at all. Another process that
    reads for the same reader at the moment gets the events, and this one none. A new reader begins now, or with the
    first event that is stored. Raise `TransactionManagementError` outside a transaction.
    """
    cursor = _locked_cursor(reader, begin)
    if cursor is None:
        return []
    page = read(after=cursor.event_id, limit=limit, kinds=kinds)
    if page.position != cursor.event_id:
        EventCursor.objects.filter(pk=reader).update(event_id=page.position, moved_at=Now())
    return page.events


def _locked_cursor(reader: str, begin: str) -> EventCursor | None:
    """The cursor, locked until the transaction ends; None while another transaction has it."""
    rows = EventCursor.objects.select_for_update(skip_locked=True).filter(pk=reader)
    if cursor := rows.first():
        return cursor
    if EventCursor.objects.filter(pk=reader).exists():
        return None
    EventCursor.objects.bulk_create(
        [EventCursor(reader=reader, event_id=horizon() if begin == NOW else 0)], ignore_conflicts=True
    )
    return rows.first()


def waiting(reader: str) -> int:
    """How many events the reader has not read yet, of all kinds; all events if there is no such reader."""
    position = EventCursor.objects.filter(pk=reader).values_list("event_id", flat=True).first() or 0
    return Event.objects.filter(id__gt=position).count()
