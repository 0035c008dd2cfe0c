"""Celery wrappers: each may run twice and from any number of workers."""

from celery import shared_task
from django.utils import timezone

from tracking import retention
from tracking.partitions import make_partitions_ahead

# A task must end well before the broker takes its worker for dead (the visibility timeout).
RETENTION_SECONDS = 240.0
RETENTION_PAUSE = 60.0


@shared_task
def make_partitions() -> int:
    return make_partitions_ahead(today=timezone.now().date())


@shared_task
def apply_retention() -> None:
    if not retention.apply(now=timezone.now(), seconds=RETENTION_SECONDS):
        apply_retention.apply_async(countdown=RETENTION_PAUSE)
