"""Celery wrappers: each may run twice and from any number of workers."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from conversions.caps import keep_caps
from conversions.intake import decide_left_over
from conversions.lifecycle import approve_due
from conversions.qualification_waits import look_again

# Longer than any batch takes, so that a request under way is not taken for one left over.
LEFT_OVER_AFTER = timedelta(seconds=20)


@shared_task
def approve() -> int:
    return approve_due(now=timezone.now())


@shared_task
def look_again_at_waits() -> int:
    return look_again(now=timezone.now())


@shared_task
def close_capped_offers() -> int:
    return keep_caps(now=timezone.now())


@shared_task
def take_up_left_over() -> int:
    now = timezone.now()
    return decide_left_over(received_before=now - LEFT_OVER_AFTER, now=now)
