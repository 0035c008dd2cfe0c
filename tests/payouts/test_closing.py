"""A close as a job: who asked, how far it is, two at once, and crashes in the middle."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from affiliates.models import Affiliate, User
from config import settings as defaults
from payouts import statements, tasks
from payouts.closing import AlreadyClosing, ask_close, run_close
from payouts.ledger import adjust
from payouts.models import Payout, PeriodClose, Statement
from payouts.statements import PeriodRefused
from tests.factories import AffiliateFactory, OperatorFactory
from tests.payouts.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

OCTOBER, NOVEMBER = (datetime(2025, month, 1, tzinfo=UTC) for month in (10, 11))
LATER = datetime(2025, 11, 3, 9, 30, tzinfo=UTC)


@pytest.fixture
def crowd() -> list[Affiliate]:
    actor, crowd = OperatorFactory(), AffiliateFactory.create_batch(4)
    for affiliate in crowd:
        adjust(affiliate=affiliate, amount=Decimal(80), currency="EUR", arithmetic="A bonus", actor=actor, now=OCTOBER)
    return sorted(crowd, key=lambda each: each.pk)


def asked(actor: User | None = None) -> PeriodClose:
    return ask_close(ends_at=NOVEMBER, actor=actor, now=LATER)


def at_the(number: int, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something before the account with this number, counted from one, is closed."""
    close, seen = statements.close_affiliate, []

    def closing(affiliate_id: int, *rest: Any) -> list[Statement]:
        seen.append(affiliate_id)
        if len(seen) == number:
            do()
        return close(affiliate_id, *rest)

    monkeypatch.setattr(statements, "close_affiliate", closing)


def fail() -> None:
    raise RuntimeError("The power went")


def kill_the_line() -> None:
    """Have the server end this connection, as it does when a worker is killed or the server goes down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [mine] = cursor.fetchone()
    database = settings.DATABASES["default"]
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    with psycopg.connect(**{name: database[key] for name, key in names.items()}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])


def test_tells_who_asked_and_how_far_it_is(crowd: list[Affiliate], olga: User) -> None:
    close, told = asked(olga), list[tuple[int, int]]()
    assert (close.state, close.asked_by, close.asked_at) == ("waiting", olga, LATER)
    made = run_close(close=close, progress=lambda done, total: told.append((done, total)))
    close.refresh_from_db()
    assert (close.state, close.done, close.total, close.error) == ("done", 4, 4, "")
    assert close.started_at is not None
    assert close.finished_at is not None
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {statement.closed_by for statement in made} == {olga}


def test_a_period_that_is_not_over_leaves_no_row() -> None:
    with pytest.raises(PeriodRefused, match="not over"):
        ask_close(ends_at=NOVEMBER, actor=None, now=OCTOBER)
    assert not PeriodClose.objects.exists()


def test_a_close_that_is_delivered_twice_is_done_once(crowd: list[Affiliate]) -> None:
    close = asked()
    assert len(run_close(close=close)) == 4
    first = PeriodClose.objects.values().get()
    assert run_close(close=close) == []
    assert PeriodClose.objects.values().get() == first


def test_a_failure_in_the_middle_is_told_and_the_next_close_goes_on(
    crowd: list[Affiliate], olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = asked()
    at_the(3, monkeypatch, fail)
    with pytest.raises(RuntimeError, match="The power went"):
        run_close(close=close)
    close.refresh_from_db()
    assert (close.state, close.done, close.total) == ("failed", 2, 4)
    assert close.error == f"{crowd[2]} ({crowd[2].public_id}): RuntimeError: The power went"
    kept = set(Statement.objects.values_list("pk", flat=True))
    again = asked(olga)
    assert again != close
    assert {statement.affiliate for statement in run_close(close=again)} == {*crowd[2:]}
    assert kept < set(Statement.objects.values_list("pk", flat=True))
    assert (Statement.objects.count(), Payout.objects.count()) == (4, 4)


def test_a_close_whose_line_broke_is_taken_up_by_the_next_sweep(
    crowd: list[Affiliate], monkeypatch: pytest.MonkeyPatch
) -> None:
    close = asked()
    at_the(3, monkeypatch, kill_the_line)
    with pytest.raises(OperationalError):
        run_close(close=close)
    connection.close()
    close.refresh_from_db()
    assert (close.state, close.done, close.total) == ("running", 2, 4)
    assert tasks.close_periods() == 1
    close.refresh_from_db()
    assert (close.state, close.done, close.total) == ("done", 4, 4)
    assert Statement.objects.count() == 4


def test_of_two_at_once_one_works_and_the_other_is_told(
    crowd: list[Affiliate], olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, halfway, go_on = asked(olga), threading.Event(), threading.Event()

    def wait() -> None:
        halfway.set()
        assert go_on.wait(30)

    def another() -> None:
        assert halfway.wait(30)
        try:
            for attempt in (lambda: run_close(close=close), asked):
                with pytest.raises(AlreadyClosing, match=rf"asked for by {olga} at 09:30 UTC: 1 of 4 affiliates"):
                    attempt()
            assert tasks.close_periods() == 0
        finally:
            go_on.set()

    at_the(2, monkeypatch, wait)
    made, told = at_once(lambda: run_close(close=close), another)
    assert told is None
    assert isinstance(made, list)
    assert len(made) == 4
    assert PeriodClose.objects.get().state == "done"


def test_many_who_ask_and_work_at_once_close_everything_once(crowd: list[Affiliate]) -> None:
    def do() -> list[Statement]:
        return run_close(close=asked())

    found = at_once(*[do] * 5)
    assert {type(each) for each in found} <= {list, AlreadyClosing}
    assert any(isinstance(each, list) for each in found)
    assert sum(len(each) for each in found if isinstance(each, list)) == 4
    assert (Statement.objects.count(), Payout.objects.count()) == (4, 4)
    assert not PeriodClose.objects.exclude(state="done").exists()


def test_one_failing_close_does_not_keep_another_period_waiting(
    crowd: list[Affiliate], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_close(ends_at=OCTOBER.replace(day=15), actor=None, now=LATER)
    asked()
    at_the(1, monkeypatch, fail)
    assert tasks.close_periods() == 1
    assert [close.state for close in PeriodClose.objects.order_by("ends_at")] == ["failed", "done"]
    assert Statement.objects.count() == 4


def test_the_sweep_is_in_the_schedule() -> None:
    assert tasks.close_periods.name in {entry["task"] for entry in defaults.CELERY_BEAT_SCHEDULE.values()}
