"""Closing a period as a job: asked for once, worked on by one at a time, taken up again after a crash.

The row says what was asked, and how far it is. Whether somebody works on it is said by an advisory lock of
PostgreSQL, which ends with the connection of whoever holds it: a killed worker leaves a row that says
"running" and no lock, and the next sweep goes on with it. What was closed stays closed (`payouts.statements`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts.models import PeriodClose, Statement
from payouts.statements import PeriodRefused, check_period, close_period, to_close

State = PeriodClose.State
OPEN = (State.WAITING, State.RUNNING)
MOST_OF_ERROR = 500

# One lock for each period.
_KEY = "hashtextextended('period close ' || extract(epoch FROM %s::timestamptz)::bigint, 0)"


class AlreadyClosing(PeriodRefused):
    """Somebody is closing this very period; the message says who, and how far it is."""


def ask_close(*, ends_at: datetime, actor: User | None, now: datetime) -> PeriodClose:
    """Write down that the period up to `ends_at` (a midnight UTC that has passed) shall be closed.

    A close of the period that waits, or that a crash left, is given back: it is the one to go on with. Raise
    `PeriodRefused` for a period that cannot be closed, `AlreadyClosing` while somebody works on it.
    """
    check_period(ends_at, now)
    with transaction.atomic():
        PeriodClose.objects.bulk_create(
            [PeriodClose(ends_at=ends_at, asked_by=actor, asked_at=now)], ignore_conflicts=True
        )
        close = PeriodClose.objects.filter(ends_at=ends_at).latest("pk")
        if _is_worked_on(ends_at):
            raise _already(close)
    return close


def run_close(
    *, close: PeriodClose, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Statement]:
    """Close the period, and keep the row up to date; return the statements that this run made.

    A close that has ended is left alone: a task may be delivered twice. Raise `AlreadyClosing` while somebody
    else works on the period. Whatever else goes wrong is raised and, unless the database itself went away,
    stands in the row: that close has failed, and asking again goes on after what it closed. A close that lost
    its database is still open, and the next sweep takes it up.
    """
    with _working_on(close):
        close.refresh_from_db()
        if not close.is_open:
            return []
        before = _start(close)

        def tell(done: int, total: int) -> None:
            close.done, close.total = before + done, before + total
            close.save(update_fields=["done", "total"])
            progress(close.done, close.total)

        try:
            made = close_period(ends_at=close.ends_at, now=timezone.now(), actor=close.asked_by, progress=tell)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            _end(close, State.FAILED, f"{_where(close)}{type(error).__name__}: {error}")
            raise
        _end(close, State.DONE)
        return made


def _start(close: PeriodClose) -> int:
    """Mark it running; how many affiliates an earlier run has closed."""
    close.state, close.started_at = State.RUNNING, close.started_at or timezone.now()
    close.save(update_fields=["state", "started_at"])
    return close.done


def _where(close: PeriodClose) -> str:
    """Accounts are closed in the order of `to_close`, so the first that is left is the one that failed."""
    stuck = Affiliate.objects.filter(pk__in=to_close(close.ends_at)[:1]).first()
    return f"{stuck} ({stuck.public_id}): " if stuck else ""


def _end(close: PeriodClose, state: State, error: str = "") -> None:
    close.state, close.finished_at, close.error = state, timezone.now(), error[:MOST_OF_ERROR]
    close.save(update_fields=["state", "finished_at", "error"])


@contextmanager
def _working_on(close: PeriodClose) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_KEY})", [close.ends_at])
        if not cursor.fetchone()[0]:
            raise _already(close)
    try:
        yield
    finally:
        # When the connection is gone, so is the lock.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock({_KEY})", [close.ends_at])


def _is_worked_on(ends_at: datetime) -> bool:
    """Try the lock for the length of this transaction; whoever works on the period keeps it from us."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", [ends_at])
        return not cursor.fetchone()[0]


def _already(close: PeriodClose) -> AlreadyClosing:
    close.refresh_from_db()
    who = f"asked for by {close.asked_by}" if close.asked_by else "begun by a command"
    return AlreadyClosing(
        f"The period before {close.ends_at:%Y-%m-%d} is being closed already, {who} at {close.asked_at:%H:%M} UTC: "
        f"{close.done:,} of {close.total:,} affiliates. Wait for its end."
    )
