"""A close as a job: who asked, how far it is, two at once, and crashes in the middle."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from affiliates.models import Affiliate, User
from config import settings as defaults
from payouts import tasks
from payouts.ledger.booking import adjust
from payouts.models import ExchangeRate, Payout, PeriodClose, Statement
from payouts.rates.daily import DayRate, store
from payouts.statements import closing, statements
from payouts.statements.closing import AlreadyClosing, CloseResult, CloseStopped, ask_close, run_close
from payouts.statements.statements import PeriodRefused
from tests.factories import AffiliateFactory, OperatorFactory
from tests.payouts.at_once import at_once
from tests.servers import ROOT, database_url

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
    """Do something before the account with this number, counted from one, is closed; each is a block of its own."""
    close, seen = statements.close_block, []

    def do_first(affiliate_ids: list[int], *rest: Any) -> list[Statement]:
        seen.append(affiliate_ids)
        if len(seen) == number:
            do()
        return close(affiliate_ids, *rest)

    monkeypatch.setattr(statements, "BLOCK", 1)
    monkeypatch.setattr(statements, "close_block", do_first)


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


def test_shows_who_asked_and_how_far_it_is(crowd: list[Affiliate], olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "BLOCK", 3)
    close, output = asked(olga), list[tuple[int, int]]()
    assert (close.state, close.asked_by, close.asked_at) == ("waiting", olga, LATER)
    outcome = run_close(close=close, progress=lambda done, total: output.append((done, total)))
    assert outcome == (4, 0)
    close.refresh_from_db()
    assert (close.state, close.done, close.failed, close.total, close.error) == ("done", 4, 0, 4, "")
    assert close.started_at is not None
    assert close.finished_at is not None
    assert output == [(3, 4), (4, 4)]
    assert {statement.closed_by for statement in Statement.objects.all()} == {olga}


def test_a_period_that_is_not_over_leaves_no_row() -> None:
    with pytest.raises(PeriodRefused, match="not over"):
        ask_close(ends_at=NOVEMBER, actor=None, now=OCTOBER)
    assert not PeriodClose.objects.exists()


def test_a_close_that_is_delivered_twice_is_done_once(crowd: list[Affiliate]) -> None:
    close = asked()
    assert run_close(close=close) == (4, 0)
    first = PeriodClose.objects.values().get()
    assert run_close(close=close) == (0, 0)
    assert PeriodClose.objects.values().get() == first


def too_rich(affiliate: Affiliate) -> None:
    """Owe so much that it cannot be kept in the rupiahs that the affiliate wants to be paid in."""
    store([DayRate(NOVEMBER.date() - timedelta(days=1), "IDR", Decimal(17_000))], source=ExchangeRate.Source.ECB)
    Affiliate.objects.filter(pk=affiliate.pk).update(currency="IDR")
    much = Decimal("9e14")
    adjust(affiliate=affiliate, amount=much, currency="EUR", arithmetic="x", actor=OperatorFactory(), now=OCTOBER)


def test_an_account_that_fails_does_not_keep_the_others(crowd: list[Affiliate], olga: User) -> None:
    too_rich(crowd[2])
    close = asked(olga)
    assert run_close(close=close) == (3, 1)
    close.refresh_from_db()
    assert (close.state, close.done, close.failed, close.total) == ("failed", 3, 1, 4)
    assert close.error == "Failed for 1 of 4 affiliates; the others are closed."
    failure = close.failures.get()
    assert failure.affiliate == crowd[2]
    assert failure.why.startswith("DataError: numeric field overflow")
    assert "a wrong rate into the currency that the affiliate is paid in" in failure.remedy
    assert {statement.affiliate for statement in Statement.objects.all()} == {crowd[0], crowd[1], crowd[3]}

    kept = set(Statement.objects.values_list("pk", flat=True))
    assert run_close(close=asked(olga)) == (0, 1)
    Affiliate.objects.filter(pk=crowd[2].pk).update(currency="EUR")
    again = asked(olga)
    assert run_close(close=again) == (1, 0)
    again.refresh_from_db()
    assert (again.state, again.done, again.failed, again.total) == ("done", 1, 0, 1)
    assert kept < set(Statement.objects.values_list("pk", flat=True))
    assert (Statement.objects.count(), Payout.objects.count()) == (4, 4)


def test_where_everything_fails_it_stops(crowd: list[Affiliate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "MOST_FAILURES", 2)
    monkeypatch.setattr(statements, "close_block", Mock(side_effect=RuntimeError("No space left")))
    close = asked()
    with pytest.raises(CloseStopped, match="2 affiliates could not be closed"):
        run_close(close=close)
    close.refresh_from_db()
    assert (close.state, close.done, close.failed, close.total) == ("failed", 0, 2, 4)
    assert close.error.startswith("Stopped: 2 affiliates")
    assert [row.why for row in close.failures.all()] == ["RuntimeError: No space left"] * 2


def test_what_fails_outside_of_an_account_is_reported(crowd: list[Affiliate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "to_close", Mock(side_effect=RuntimeError("The power went")))
    close = asked()
    with pytest.raises(RuntimeError, match="The power went"):
        run_close(close=close)
    close.refresh_from_db()
    assert (close.state, close.error) == ("failed", "RuntimeError: The power went")


KILLED = """
import os, signal
from payouts.statements import closing, statements
from payouts.models import Payout, PeriodClose
make, statements.BLOCK = Payout.objects.bulk_create, 2
def make_and_die(payouts):
    made = make(payouts)
    if Payout.objects.count() == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return made
Payout.objects.bulk_create = make_and_die
closing.run_close(close=PeriodClose.objects.get())
"""


def test_a_worker_killed_within_a_block_leaves_nothing_of_it(crowd: list[Affiliate]) -> None:
    close = asked()
    ran = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", KILLED],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    close.refresh_from_db()
    assert (close.state, close.done, close.total) == ("running", 2, 4)
    assert (Statement.objects.count(), Payout.objects.count()) == (2, 2)
    assert tasks.close_periods() == 1
    close.refresh_from_db()
    assert (close.state, close.done, close.total) == ("done", 4, 4)
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


def test_of_two_at_once_one_works_and_the_other_is_reported(
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
    made, output = at_once(lambda: run_close(close=close), another)
    assert output is None
    assert made == (4, 0)
    assert PeriodClose.objects.get().state == "done"


def test_many_who_ask_and_work_at_once_close_everything_once(crowd: list[Affiliate]) -> None:
    def do() -> CloseResult:
        return run_close(close=asked())

    found = at_once(*[do] * 5)
    assert {type(each) for each in found} <= {CloseResult, AlreadyClosing}
    assert sum(each.statements for each in found if isinstance(each, CloseResult)) == 4
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
