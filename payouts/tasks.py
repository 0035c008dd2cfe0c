"""Background work: each task calls one function, and may run twice or at the same time as itself."""

import structlog
from celery import shared_task
from django.utils import timezone

from conversions.models import Conversion
from payouts.anchors.making import keep_anchors
from payouts.ledger.booking import book_changes
from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks
from payouts.models import PeriodClose, WhatIf
from payouts.plan_changes import what_if_jobs
from payouts.plan_changes.what_if_jobs import WhatIfRunning, run_what_if
from payouts.rates.feed import FeedUnavailable, fetch_rates
from payouts.statements.closing import OPEN, AlreadyClosing, run_close
from records.sweeps import sweep

log = structlog.get_logger()

BATCH = 1000
LONGEST_WAIT = 3600


@sweep(lambda now: Conversion.objects.filter(booked_at=None))
@shared_task(name="payouts.tasks.book")
def book() -> None:
    """Book due conversions until none is left that is not locked by another worker."""
    while book_changes(limit=BATCH) == BATCH:
        pass


@shared_task
def pay_clicks() -> None:
    """Count the clicks of closed days where they changed, and book the difference."""
    while count_clicks(now=timezone.now(), limit=BATCH) == BATCH:
        pass
    while book_clicks(limit=BATCH) == BATCH:
        pass


@shared_task(
    autoretry_for=(FeedUnavailable,), retry_backoff=60, retry_backoff_max=LONGEST_WAIT, retry_jitter=True, max_retries=8
)
def fetch_exchange_rates() -> int:
    """Fetch the day's rates. A feed that does not answer is retried with growing delays for about five hours."""
    return fetch_rates()


@sweep(lambda now: PeriodClose.objects.filter(state__in=OPEN))
@shared_task
def close_periods() -> int:
    """Work on every close that was asked for and is not finished, the oldest period first; how many ended well."""
    ended = 0
    for close in PeriodClose.objects.filter(state__in=OPEN).order_by("ends_at"):
        try:
            ended += not run_close(close=close).failed
        except AlreadyClosing:
            continue
        except Exception:
            log.exception("period_close_failed", close=close.pk)
    return ended


@shared_task
def anchor_statements() -> bool:
    """Anchor statements that no anchor names yet, and bring the file of anchors up to date."""
    return keep_anchors(now=timezone.now())


@sweep(lambda now: WhatIf.objects.filter(state__in=what_if_jobs.OPEN))
@shared_task
def answer_what_ifs() -> int:
    """Work on every what-if that was asked for and is not answered, the oldest first; how many ended well."""
    ended = 0
    for row in WhatIf.objects.filter(state__in=what_if_jobs.OPEN).select_related("plan__offer").order_by("pk"):
        try:
            run_what_if(row)
            ended += 1
        except WhatIfRunning:
            continue
        except Exception:
            log.exception("what_if_failed", what_if=row.pk)
    return ended
