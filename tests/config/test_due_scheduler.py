"""Beat sends a sweep when it has work, and nothing while it has none."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from celery.beat import ScheduleEntry
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.beat_schedule import CELERY_BEAT_SCHEDULE
from config.celery import app
from config.due_scheduler import DueScheduler
from config.monitoring import heartbeat
from conversions.models import ParkedPostback, QualificationWait
from payouts.models import PeriodClose
from records.sweeps import SWEEPS, is_due
from tests.factories import (
    AdvertiserFactory,
    ClickFactory,
    ConversionFactory,
    OfferFactory,
    PostbackFactory,
    WhatIfFactory,
)

app.loader.import_default_modules()


def on_hold() -> QualificationWait:
    row = ConversionFactory(status="pending")
    now = timezone.now()
    return QualificationWait.objects.create(conversion=row, waiting_for=[], opened_at=now, looked_at=now)


def parked() -> ParkedPostback:
    now = timezone.now()
    return ParkedPostback.objects.create(
        postback=PostbackFactory(), advertiser=AdvertiserFactory(), waits_for="sale", awaited="1", occurred_at=now,
        parked_at=now, expires_at=now + timedelta(days=1), next_try_at=now,
    )  # fmt: skip


def an_hour_ago() -> datetime:
    return timezone.now() - timedelta(hours=1)


# A row that makes each sweep due.
WORK: dict[str, Callable[[], Any]] = {
    "conversions.tasks.approve": lambda: ConversionFactory(status="pending", approve_at=an_hour_ago()),
    "conversions.tasks.re_evaluate_waits": on_hold,
    "conversions.tasks.keep_up_reviews": lambda: ConversionFactory(received_at=timezone.now()),
    "conversions.tasks.close_capped_offers": lambda: OfferFactory(daily_click_cap=5),
    "conversions.tasks.resume_left_over": lambda: PostbackFactory(decided_at=None, received_at=an_hour_ago()),
    "conversions.tasks.try_parked_again": parked,
    "conversions.tasks.complete_late_clicks": lambda: ConversionFactory(
        evidence="signature", received_at=an_hour_ago()
    ),
    "payouts.tasks.book": lambda: ConversionFactory(booked_at=None),
    "payouts.tasks.close_periods": lambda: PeriodClose.objects.create(ends_at=an_hour_ago()),
    "payouts.tasks.answer_what_ifs": WhatIfFactory,
    "tracking.tasks.mark_clicks": lambda: ClickFactory(marked_at=None),
}


@pytest.fixture
def queue(tmp_path: Any) -> Iterator[Callable[[], int]]:
    """How many messages wait in a queue of this test alone."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("celery")
    yield lambda: int(client.llen("celery"))  # type: ignore[arg-type]
    client.delete("celery")


@pytest.fixture
def beat(tmp_path: Any) -> Iterator[DueScheduler]:
    scheduler = DueScheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
    yield scheduler
    scheduler.close()


def entry(task: str) -> ScheduleEntry:
    return ScheduleEntry(name="test", task=task, schedule=1.0, app=app)


@pytest.mark.django_db
@pytest.mark.parametrize("task", SWEEPS)
def test_a_sweep_is_due_when_there_is_work_and_not_before(task: str) -> None:
    assert not is_due(task, now=timezone.now())
    WORK[task]()
    assert is_due(task, now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("task", SWEEPS)
def test_whether_a_sweep_is_due_is_answered_by_an_index(task: str) -> None:
    """However large the table: with sequential scans made dear, the plan has none but of tables that stay small."""
    small = {"affiliates_offer", "payouts_periodclose", "conversions_appeal"}
    for query in SWEEPS[task]:
        rows = query(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = rows.order_by()[:1].explain()
        assert "Seq Scan" not in plan or rows.model._meta.db_table in small, plan


def test_whatever_runs_more_often_than_once_a_minute_is_a_sweep() -> None:
    frequent = {
        row["task"] for row in CELERY_BEAT_SCHEDULE.values()
        if isinstance(row["schedule"], float) and row["schedule"] < 60
    }  # fmt: skip
    # Its work is in a file as well, which the database knows nothing of.
    assert frequent - {"payouts.tasks.anchor_statements"} == set(SWEEPS)


@pytest.mark.django_db(transaction=True)
def test_beat_sends_a_sweep_only_when_it_is_due(beat: DueScheduler, queue: Callable[[], int]) -> None:
    beat.apply_entry(entry("payouts.tasks.book"))
    assert queue() == 0
    ConversionFactory(booked_at=None)
    beat.apply_entry(entry("payouts.tasks.book"))
    assert queue() == 1


@pytest.mark.django_db(transaction=True)
def test_beat_sends_what_is_no_sweep_every_time(beat: DueScheduler, queue: Callable[[], int]) -> None:
    beat.apply_entry(entry("tracking.tasks.make_partitions"))
    assert queue() == 1


@pytest.mark.django_db(transaction=True)
def test_beat_lives_on_while_the_database_is_away_and_goes_on_when_it_is_back(
    beat: DueScheduler, queue: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ConversionFactory(booked_at=None)
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "PORT", 1)
        beat.apply_entry(entry("payouts.tasks.book"))
    assert queue() == 0
    beat.apply_entry(entry("payouts.tasks.book"))
    assert queue() == 1


@pytest.mark.django_db
def test_beat_gives_a_sign_of_life_although_nothing_is_due(beat: DueScheduler) -> None:
    assert heartbeat.age(heartbeat.BEAT) is None
    assert beat.tick() <= 5
    age = heartbeat.age(heartbeat.BEAT)
    assert age is not None
    assert age < heartbeat.FRESH
