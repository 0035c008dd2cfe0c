"""The metrics at `/metrics` for Prometheus, read from the database and Redis.

Several web processes share the work, and each scrape reaches one of them: counters in one process would be incomplete.
So every number is read from the shared stores, by queries over small ranges of an index, at most once in `KEPT_FOR`
seconds.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Count, Max, Min, OuterRef, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.monitoring import heartbeat
from config.monitoring.readiness import OK, check_postgresql
from conversions.models import Conversion, ParkedPostback, Postback, StatusChange
from payouts.anchors.making import unwritten, waiting
from payouts.models import Payout, PlanVersion
from tracking.capture import spool
from tracking.click_id.codec import lowest_uuid
from tracking.models import Click

KEPT_FOR = 5.0
PATIENCE_MS = 3000
MINUTE, FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)
# Booking processes due rows in the order of their IDs: the oldest is searched among the next ones.
NEXT_IN_LINE = 10_000
QUEUE = "celery"

log = structlog.get_logger(__name__)


class MetricFacts(Collector):
    """All metrics; a part that cannot be read is left out, and its `_up` says so."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_at = float("-inf")
        self._metrics: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at > KEPT_FOR:
                parts = (("database", _database_metrics), ("redis", _redis_metrics), ("spool", _spool_metrics))
                self._metrics = [metric for name, read in parts for metric in _part(name, read)]
                self._read_at = time.monotonic()
            metrics = self._metrics
        yield from metrics


def registry() -> CollectorRegistry:
    """A registry with these facts alone: nothing about the one process that happens to answer."""
    made = CollectorRegistry(auto_describe=False)
    made.register(MetricFacts())
    return made


def _part(name: str, read: Callable[[], list[Metric]]) -> list[Metric]:
    metrics: list[Metric] = []
    up = 1
    try:
        metrics = read()
    except (DatabaseError, redis.RedisError, OSError) as error:
        log.error("metrics_not_read", part=name, error=str(error).strip())
        up = 0
    return [_gauge(f"affidavit_{name}_up", f"Whether {name} answered.", up), *metrics]


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _gauges(name: str, words: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _database_metrics() -> list[Metric]:
    if check_postgresql()["database"].state != OK:  # Found out faster than by waiting for the pool.
        raise OperationalError("The database does not answer.")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
        return [*_traffic(), *_backlog(), *_money()]


def _traffic() -> list[Metric]:
    now = timezone.now()
    clicks = Click.objects.filter(pk__gte=lowest_uuid(now - MINUTE), pk__lt=lowest_uuid(now)).order_by().count()
    since = now - FIVE_MINUTES
    postbacks = Postback.objects.filter(received_at__gte=since, received_at__lt=now).exclude(decided_at=None)
    conversions = Conversion.objects.filter(received_at__gte=since, received_at__lt=now)
    return [
        _gauge("affidavit_clicks_last_minute", "Clicks stored with an ID made in the last 60 seconds.", clicks),
        _gauges(
            "affidavit_postbacks_last_5_minutes",
            "Postbacks received in the last 5 minutes, by the decision in force.",
            "outcome",
            _counts(postbacks, "outcome", Postback.Outcome.values),
        ),
        _gauges(
            "affidavit_conversions_last_5_minutes",
            "Conversions received in the last 5 minutes, by the status they have now.",
            "status",
            _counts(conversions, "status", Conversion.Status.values),
        ),
    ]


def _counts(rows: Any, column: str, known: list[str]) -> dict[str, int]:
    """How many rows have each value; zero, not nothing, for values that no row has."""
    counted = dict(rows.order_by().values_list(column).annotate(rows=Count("pk")))
    return {value: counted.get(value, 0) for value in known}


def _backlog() -> list[Metric]:
    now = timezone.now()
    undecided = Postback.objects.filter(decided_at=None).aggregate(rows=Count("pk"), oldest=Min("received_at"))
    unbooked = Conversion.objects.filter(booked_at=None, is_test=False).order_by()
    parked = ParkedPostback.objects.aggregate(rows=Count("pk"), oldest=Min("parked_at"))
    overdue = (
        Conversion.objects.filter(approve_at__lt=now).order_by().aggregate(rows=Count("pk"), oldest=Min("approve_at"))
    )

    def waited(since: Any) -> float:
        return max(0.0, (now - since).total_seconds()) if since else 0.0

    return [
        _gauge("affidavit_postbacks_undecided", "Postbacks stored and not judged yet.", undecided["rows"]),
        _gauge(
            "affidavit_postbacks_undecided_oldest_seconds",
            "How long the oldest of them waits; 0 when none does.",
            waited(undecided["oldest"]),
        ),
        _gauge("affidavit_statements_unanchored", "Statements that no anchor names yet.", waiting(now=now).count()),
        _gauge(
            "affidavit_anchors_unwritten",
            "Anchors that ANCHOR_FILE lacks; 0 without a file.",
            unwritten(),
        ),
        _gauge("affidavit_postbacks_parked", "Postbacks that wait for what they name.", parked["rows"]),
        _gauge(
            "affidavit_postbacks_parked_oldest_seconds",
            "How long the oldest of them waits; 0 when none does.",
            waited(parked["oldest"]),
        ),
        _gauge(
            "affidavit_conversions_unbooked", "Conversions that the ledger has yet to catch up with.", unbooked.count()
        ),
        _gauge(
            "affidavit_conversions_unbooked_oldest_seconds",
            f"How long the oldest of the {NEXT_IN_LINE} next in line waits since its last change; 0 when none does.",
            waited(_oldest_change()),
        ),
        _gauge("affidavit_conversions_overdue", "Conversions whose approval delay has passed.", overdue["rows"]),
        _gauge(
            "affidavit_conversions_overdue_oldest_seconds",
            "For how long the oldest of them should have been approved; 0 when none is overdue.",
            waited(overdue["oldest"]),
        ),
    ]


def _oldest_change() -> Any:
    """When the change happened that has waited longest for booking: a new status, or a new version of a plan."""
    changed = StatusChange.objects.filter(conversion=OuterRef("pk")).order_by()
    planned = PlanVersion.objects.filter(plan__offer=OuterRef("goal__offer")).order_by()
    rows = (
        Conversion.objects.filter(booked_at=None, is_test=False)
        .order_by("pk")
        .annotate(
            due_since=Greatest(
                Subquery(changed.values("conversion").annotate(at=Max("at")).values("at")),
                Subquery(planned.values("plan__offer").annotate(at=Max("created_at")).values("at")),
                "received_at",
            )
        )
    )
    return rows.values("due_since")[:NEXT_IN_LINE].aggregate(oldest=Min("due_since"))["oldest"]


def _money() -> list[Metric]:
    return [
        _gauge(
            "affidavit_payouts_due",
            "Payouts that are due and not marked paid.",
            Payout.objects.filter(status=Payout.Status.DUE).count(),
        )
    ]


def _redis_metrics() -> list[Metric]:
    waiting: Any = heartbeat.connection().llen(QUEUE)
    metrics = [_gauge("affidavit_queue_length", "Celery tasks that wait for a worker.", waiting)]
    for part in (heartbeat.WORKER, heartbeat.BEAT):
        age = heartbeat.age(part)
        if age is not None:
            metrics.append(_gauge(f"affidavit_{part}_seen_seconds", f"Since the last sign of life of {part}.", age))
    return metrics


def _spool_metrics() -> list[Metric]:
    """Of this web node's disk: the one fact that is not the same wherever the scrape lands."""
    state = spool.state(Path(settings.SPOOL_DIR))
    return [
        _gauge(
            "affidavit_spool_segments",
            "Segments of clicks on this node's disk, not in the database yet.",
            state.segments,
        ),
        _gauge("affidavit_spool_bytes", "Their size.", state.size),
        _gauge(
            "affidavit_spool_oldest_seconds",
            "The age of the oldest of them; 0 when there is none.",
            state.oldest_seconds,
        ),
        _gauge("affidavit_spool_quarantined", "Files of clicks that were refused or damaged.", state.quarantined),
    ]
