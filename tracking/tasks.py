"""Celery wrappers: each may run twice and from any number of workers."""

from celery import shared_task
from django.utils import timezone

from records.sweeps import sweep
from tracking import marks
from tracking.models import Click
from tracking.retention import expiry
from tracking.retention.partitions import make_partitions_ahead

# Not longer than the beat interval, so that a backlog of clicks occupies one process and not all of them.
MARKS_SECONDS = 1.8
# A task must end well before the broker considers its worker dead (the visibility timeout).
RETENTION_SECONDS = 240.0
RETENTION_PAUSE = 60.0


@shared_task
def make_partitions() -> int:
    return make_partitions_ahead(today=timezone.now().date())


@sweep(lambda now: Click.objects.filter(marked_at=None))
@shared_task
def mark_clicks() -> int:
    return marks.mark_waiting(now=timezone.now(), seconds=MARKS_SECONDS)


@shared_task
def apply_retention() -> None:
    if not expiry.apply(now=timezone.now(), seconds=RETENTION_SECONDS):
        apply_retention.apply_async(countdown=RETENTION_PAUSE)
