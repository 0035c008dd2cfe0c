"""Beat, with sweeps that are sent only when they have work: an idle installation stays idle."""

import time
from typing import Any

import structlog
from celery import Celery
from celery.beat import PersistentScheduler, ScheduleEntry
from django.db import Error, connection
from django.utils import timezone

from config.monitoring import heartbeat
from records.sweeps import is_due

log = structlog.get_logger(__name__)

# Well below the age at which beat counts as dead (`heartbeat.FRESH`).
HEARTBEAT_EVERY = 5.0
GATHER = 0.5


class DueScheduler(PersistentScheduler):
    """Asks the database before it sends a sweep."""

    _last_heartbeat = float("-inf")

    def __init__(self, app: Celery, *args: Any, **kwargs: Any) -> None:
        # Sweeps register themselves where their tasks are defined.
        app.loader.import_default_modules()
        super().__init__(app, *args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() - self._last_heartbeat >= HEARTBEAT_EVERY:
            heartbeat.beat(heartbeat.BEAT)
            self._last_heartbeat = time.monotonic()
        pause = float(super().tick(*args, **kwargs))
        # Zero means that another entry is due now. Entries that are due within half a second are looked at together.
        return min(max(pause, GATHER), HEARTBEAT_EVERY) if pause > 0 else pause

    def schedules_equal(self, old: object, new: object) -> bool:
        """False only before the first tick: nothing changes the schedule while beat runs.

        Celery would compare all of it at each tick, which is half of an idle beat's work.
        """
        return old is not None

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if self._has_work(str(entry.task)):
            super().apply_entry(entry, producer=producer)

    @staticmethod
    def _has_work(task: str) -> bool:
        """False while the database does not answer: the task could do nothing either, and its turn comes again."""
        try:
            return is_due(task, now=timezone.now())
        except Error as error:
            log.warning("sweep_not_checked", task=task, error=str(error).strip())
            connection.close()
            return False
