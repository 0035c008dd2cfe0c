"""Closing a period as a job: requested once, run by one worker at a time, resumed after a crash.

The row holds the request and its progress. A PostgreSQL advisory lock, which ends with the worker's connection, shows
whether a worker is running it: a killed worker leaves a row in state "running" without a lock, and the next sweep
resumes it. Closed accounts stay closed (`payouts.statements.statements`); an account that cannot be closed is recorded
on the row (`CloseFailure`) and does not stop the others.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    transaction,
)
from django.db.models import F
from django.utils import timezone

from affiliates.models import Affiliate, User
from payouts.anchors.making import keep_anchors
from payouts.models import CloseFailure, PeriodClose
from payouts.statements.statements import CloseJob, PeriodRefused, check_period, to_close
from records.advisory_locks import Lock, try_in_transaction, try_to_hold

log = structlog.get_logger(__name__)

State = PeriodClose.State
OPEN = (State.WAITING, State.RUNNING)
MOST_OF_ERROR = 500
# So many accounts do not fail each for a reason of its own.
MOST_FAILURES = 100

# One lock for each period.


class AlreadyClosing(PeriodRefused):
    """This period is being closed already; the message says by whom, and the progress."""


class CloseStopped(PeriodRefused):
    """Too many accounts failed, so the close was stopped; accounts that it closed stay closed."""


class CloseResult(NamedTuple):
    """The result of a run: the statements made, and the number of affiliates that could not be closed."""

    statements: int
    failed: int


def ask_close(*, ends_at: datetime, actor: User | None, now: datetime) -> PeriodClose:
    """Request the close of the period up to `ends_at` (a midnight UTC that has passed).

    A waiting close of the period, or one that a crash interrupted, is returned, to be resumed. Raise `PeriodRefused`
    for a period that cannot be closed, `AlreadyClosing` while a worker runs it.
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


def run_close(*, close: PeriodClose, progress: Callable[[int, int], None] = lambda done, total: None) -> CloseResult:
    """Close the period and update its row.

    A close that has ended is left unchanged, as a task may be delivered twice. Raise `AlreadyClosing` while another
    worker closes the period. Affiliates that cannot be closed are stored in `close.failures`, and the close has failed
    for them: a new request tries only these. Any other error is raised (`CloseStopped` when too many fail) and, unless
    the database connection was lost, stored in the row. A close that lost its database is still open, and the next
    sweep resumes it.
    """
    with _working_on(close):
        close.refresh_from_db()
        if not close.is_open:
            return CloseResult(0, 0)
        try:
            made = _close_what_is_left(close, progress)
        except (OperationalError, InterfaceError):
            raise
        except PeriodRefused as error:
            _end(close, State.FAILED, str(error))
            raise
        except Exception as error:
            _end(close, State.FAILED, _error_text(error))
            raise
        if close.failed:
            failed = f"Failed for {close.failed:,} of {close.total:,} affiliates; the others are closed."
            _end(close, State.FAILED, failed)
        else:
            _end(close, State.DONE)
        _anchor(close)
        return CloseResult(made, close.failed)


def _anchor(close: PeriodClose) -> None:
    """Anchor the new statements. An error here does not affect the close: a sweep anchors the rest."""
    try:
        keep_anchors(now=timezone.now())
    except Exception:
        log.exception("close_not_anchored", close=close.pk)


def _close_what_is_left(close: PeriodClose, progress: Callable[[int, int], None]) -> int:
    """How many statements it made. The row counts a block in the block's own transaction."""
    left, made = to_close(close.ends_at), 0
    _start(close, len(left))
    job = CloseJob(
        close.ends_at,
        timezone.now(),
        close.asked_by,
        failed=partial(_keep_failure, close),
        counted=lambda block: _add(close, done=len(block)),
    )
    for block, statements in job.close(left):
        made += len(statements)
        close.done += len(block)
        progress(close.done, close.total)
    return made


def _start(close: PeriodClose, left: int) -> None:
    """Mark it running. An earlier run of it may have closed some; those that failed then are tried again."""
    close.failures.all().delete()
    close.state, close.started_at = State.RUNNING, close.started_at or timezone.now()
    close.failed, close.total = 0, close.done + left
    close.save(update_fields=["state", "started_at", "failed", "total"])


def _add(close: PeriodClose, **counts: int) -> None:
    PeriodClose.objects.filter(pk=close.pk).update(**{name: F(name) + count for name, count in counts.items()})


def _keep_failure(close: PeriodClose, affiliate_id: int, error: Exception) -> None:
    """Name the affiliate on the row, with why and what to do; stop when too many fail."""
    affiliate = Affiliate.objects.get(pk=affiliate_id)
    log.error("account_not_closed", close=close.pk, affiliate=affiliate.public_id, exc_info=error)
    with transaction.atomic():
        CloseFailure.objects.create(
            close=close,
            affiliate=affiliate,
            why=_error_text(error),
            remedy=_what_to_do(error, affiliate)[:MOST_OF_ERROR],
        )
        _add(close, failed=1)
    close.failed += 1
    if close.failed == MOST_FAILURES:
        raise CloseStopped(
            f"Stopped: {close.failed:,} affiliates could not be closed, so the cause is probably not in their "
            f"accounts. Find out what stopped them, fix it, and go on."
        )


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:MOST_OF_ERROR]


def _what_to_do(error: Exception, affiliate: Affiliate) -> str:
    check = f"run manage.py verify_ledger --affiliate {affiliate.public_id}"
    if isinstance(error, DataError):
        return (
            "An amount is too large to be stored. Look for a wrong amount in the affiliate's ledger and correct it by "
            "an adjustment, or for a wrong rate into the currency that the affiliate is paid in; then go on."
        )
    if isinstance(error, OperationalError):
        return "The database was busy or stopped the work. Nothing else needs to be fixed: go on."
    if isinstance(error, IntegrityError):
        return f"The database refused the result. To see what is wrong, {check}; fix that, then go on."
    return (
        f"First {check}, and fix what it finds. If it finds nothing, this is a bug of the program: the log has all "
        "of it under account_not_closed. Then go on."
    )


def _end(close: PeriodClose, state: State, error: str = "") -> None:
    close.state, close.finished_at, close.error = state, timezone.now(), error[:MOST_OF_ERROR]
    close.save(update_fields=["state", "finished_at", "error"])


@contextmanager
def _working_on(close: PeriodClose) -> Iterator[None]:
    with try_to_hold(Lock.PERIOD_CLOSES, _number(close.ends_at)) as is_held:
        if not is_held:
            raise _already(close)
        yield


def _is_worked_on(ends_at: datetime) -> bool:
    """Try the lock for the length of this transaction: a worker on the period holds it."""
    return not try_in_transaction(Lock.PERIOD_CLOSES, _number(ends_at))


def _number(ends_at: datetime) -> int:
    """The period's number among the locks: it ends at a midnight, so seconds are exact; 31 bits last till 2038,
    and begin again after that."""
    return int(ends_at.timestamp())


def _already(close: PeriodClose) -> AlreadyClosing:
    close.refresh_from_db()
    who = f"asked for by {close.asked_by}" if close.asked_by else "begun by a command"
    return AlreadyClosing(
        f"The period before {close.ends_at:%Y-%m-%d} is being closed already, {who} at {close.asked_at:%H:%M} UTC: "
        f"{close.done:,} of {close.total:,} affiliates. Wait for its end."
    )
