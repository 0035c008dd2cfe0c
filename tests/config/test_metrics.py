"""The numbers of `/metrics`, each against rows that were made for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.monitoring import heartbeat
from config.monitoring.metrics import registry
from tests.factories import (
    ClickFactory,
    ConversionFactory,
    PayoutFactory,
    PlanVersionFactory,
    PostbackFactory,
    StatusChangeFactory,
)


def numbers() -> dict[str, float]:
    """Every number by its name, with the value of its label behind a dot."""
    found = {}
    for metric in registry().collect():
        for sample in metric.samples:
            found[".".join((sample.name, *sample.labels.values()))] = sample.value
    return found


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def test_traffic_is_that_of_the_last_minutes(db: None) -> None:
    ClickFactory(clicked_at=ago(seconds=20))
    ClickFactory(clicked_at=ago(seconds=90))
    for minutes in (1, 2, 6):
        PostbackFactory(received_at=ago(minutes=minutes), outcome="held", decided_at=ago(minutes=minutes))
        ConversionFactory(occurred_at=ago(minutes=minutes), status="rejected")
    reported = numbers()
    assert reported["affidavit_clicks_last_minute"] == 1
    assert reported["affidavit_postbacks_last_5_minutes.held"] == 2
    assert reported["affidavit_postbacks_last_5_minutes.accepted"] == 0
    assert reported["affidavit_conversions_last_5_minutes.rejected"] == 2
    assert reported["affidavit_conversions_last_5_minutes.approved"] == 0


def test_an_idle_installation_waits_for_nothing(db: None) -> None:
    reported = numbers()
    for name in ("postbacks_undecided", "conversions_unbooked", "conversions_overdue"):
        assert reported[f"affidavit_{name}"] == reported[f"affidavit_{name}_oldest_seconds"] == 0
    assert reported["affidavit_database_up"] == reported["affidavit_redis_up"] == reported["affidavit_spool_up"] == 1


def test_undecided_postbacks_age_since_they_were_received(db: None) -> None:
    PostbackFactory(received_at=ago(seconds=100))
    PostbackFactory(received_at=ago(seconds=300), decided_at=ago(seconds=299), outcome="accepted")
    reported = numbers()
    assert reported["affidavit_postbacks_undecided"] == 1
    assert 100 <= reported["affidavit_postbacks_undecided_oldest_seconds"] < 300


def test_unbooked_conversions_age_since_their_last_change(db: None) -> None:
    """A conversion of last year that was rejected two minutes ago is due since two minutes."""
    old = ConversionFactory(occurred_at=ago(days=300), booked_at=None)
    StatusChangeFactory(conversion=old, at=ago(days=300))
    StatusChangeFactory(conversion=old, from_status="approved", to_status="rejected", at=ago(minutes=2))
    ConversionFactory(occurred_at=ago(days=1), booked_at=ago(hours=23))
    reported = numbers()
    assert reported["affidavit_conversions_unbooked"] == 1
    assert 120 <= reported["affidavit_conversions_unbooked_oldest_seconds"] < 3600


def test_a_new_plan_version_makes_old_conversions_due_anew(db: None) -> None:
    version = PlanVersionFactory(created_at=ago(minutes=3))
    old = ConversionFactory(goal__offer=version.plan.offer, occurred_at=ago(days=300), booked_at=None)
    StatusChangeFactory(conversion=old, at=ago(days=300))
    assert 180 <= numbers()["affidavit_conversions_unbooked_oldest_seconds"] < 3600


def test_overdue_approvals_age_since_they_were_due(db: None) -> None:
    for minutes in (10, -10):
        ConversionFactory(status="pending", approve_at=ago(minutes=minutes), booked_at=ago(minutes=20))
    reported = numbers()
    assert reported["affidavit_conversions_overdue"] == 1
    assert 600 <= reported["affidavit_conversions_overdue_oldest_seconds"] < 3600


def test_payouts_due_are_counted(db: None) -> None:
    PayoutFactory()
    PayoutFactory(status="paid", paid_at=ago(days=1))
    assert numbers()["affidavit_payouts_due"] == 1


def test_signs_of_life_are_sent_once_there_are_any(db: None) -> None:
    assert "affidavit_worker_seen_seconds" not in numbers()
    heartbeat.beat(heartbeat.WORKER)
    assert 0 <= numbers()["affidavit_worker_seen_seconds"] < heartbeat.FRESH


def test_the_spool_of_this_node_is_reported(db: None, settings: Any, tmp_path: Path) -> None:
    settings.SPOOL_DIR = tmp_path
    (tmp_path / "01700000000000000000-17.spool").write_bytes(b"12345")
    reported = numbers()
    assert (reported["affidavit_spool_segments"], reported["affidavit_spool_bytes"]) == (1, 5)


@pytest.mark.usefixtures("_database_is_away")
def test_without_the_database_nothing_is_made_up(db: None) -> None:
    reported = numbers()
    assert (reported["affidavit_database_up"], reported["affidavit_redis_up"]) == (0, 1)
    assert not any(name.startswith(("affidavit_clicks", "affidavit_conversions")) for name in reported)


@pytest.mark.usefixtures("_redis_is_away")
def test_without_redis_the_database_is_reported_all_the_same(db: None) -> None:
    reported = numbers()
    assert (reported["affidavit_database_up"], reported["affidavit_redis_up"]) == (1, 0)
    assert "affidavit_queue_length" not in reported
    assert "affidavit_conversions_unbooked" in reported


def test_scrapes_that_come_together_read_once(db: None, django_assert_num_queries: Any) -> None:
    own = registry()
    list(own.collect())
    with django_assert_num_queries(0):
        list(own.collect())
