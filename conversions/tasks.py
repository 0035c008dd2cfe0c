"""Celery wrappers: each may run twice and from any number of workers."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from affiliates.models import Offer
from conversions.intake import decide_left_over, resume_parked
from conversions.lifecycle.appeals import end_decided
from conversions.lifecycle.status import approve_due
from conversions.models import Appeal, Conversion, ParkedPostback, Postback, RiskReview
from conversions.qualification.caps import capped, keep_caps
from conversions.qualification.waits import open_waits, re_evaluate
from conversions.risk.late_clicks import complete_by_signature, without_click
from conversions.risk.reviews import catch_up, keep_up
from conversions.risk.signals import count_pace, forget_addresses
from records.sweeps import sweep

LATE_MARKS = timedelta(minutes=3)
# Longer than any batch takes, so that a request in progress is not treated as left over.
LEFT_OVER_AFTER = timedelta(seconds=20)


@sweep(lambda now: Conversion.objects.filter(approve_at__lte=now))
@shared_task
def approve() -> int:
    return approve_due(now=timezone.now())


@sweep(lambda now: open_waits())
@shared_task
def re_evaluate_waits() -> int:
    return re_evaluate(now=timezone.now())


@sweep(
    lambda now: Conversion.objects.filter(received_at__gte=now - LATE_MARKS),
    lambda now: RiskReview.objects.filter(resolved_at=None),
    lambda now: Appeal.objects.filter(state=Appeal.State.OPEN),
)
@shared_task
def keep_up_reviews() -> int:
    now = timezone.now()
    return catch_up(since=now - LATE_MARKS, now=now) + keep_up(now=now) + end_decided(now=now)


@shared_task
def count_usual_pace() -> int:
    now = timezone.now()
    return count_pace(now=now) + forget_addresses(now=now)


@sweep(lambda now: Offer.objects.filter(capped(now)))
@shared_task
def close_capped_offers() -> int:
    return keep_caps(now=timezone.now())


@sweep(lambda now: Postback.objects.filter(decided_at=None, received_at__lt=now - LEFT_OVER_AFTER))
@shared_task
def resume_left_over() -> int:
    now = timezone.now()
    return decide_left_over(received_before=now - LEFT_OVER_AFTER, now=now)


@sweep(lambda now: ParkedPostback.objects.filter(next_try_at__lte=now))
@shared_task
def try_parked_again() -> int:
    return resume_parked(now=timezone.now())


@sweep(lambda now: without_click(now))
@shared_task
def complete_late_clicks() -> int:
    return complete_by_signature(now=timezone.now())
