"""Celery wrappers: each may run twice and from any number of workers."""

from celery import shared_task
from django.utils import timezone

from records.events import partitions


@shared_task
def keep_event_partitions() -> None:
    now = timezone.now()
    partitions.make_ahead(now=now)
    partitions.drop_expired(now=now)
