"""Sweeps: periodic tasks that have work only now and then. Beat sends one only when something is due.

A sweep registers the rows that may be due, as a query that an index answers at once. It may find more than the task
will process, never less: what it does not find is not done.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

Due = Callable[[datetime], QuerySet[Any]]
Task = TypeVar("Task")

SWEEPS: dict[str, tuple[Due, ...]] = {}


def sweep(*due: Due) -> Callable[[Task], Task]:
    """Register the queries of a task; one row in any of them makes it due. Place it above `@shared_task`."""

    def register(task: Task) -> Task:
        SWEEPS[str(getattr(task, "name"))] = due  # noqa: B009 - every Celery task has a name
        return task

    return register


def is_due(task: str, *, now: datetime) -> bool:
    """Whether the task has work; a task that is no sweep always has. Raise `django.db.Error` when that is unknown."""
    return task not in SWEEPS or any(query(now).exists() for query in SWEEPS[task])
