"""Celery wrappers: each may run twice and from any number of workers."""

from celery import shared_task
from django.utils import timezone

from tracking.partitions import make_partitions_ahead


@shared_task
def make_partitions() -> int:
    return make_partitions_ahead(today=timezone.now().date())
