"""The benchmarks' own checks notice when something is missing, doubled or wrong."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from bench import booking, closing, markdown, postbacks
from bench.clicks import stored_is_answered
from bench.load import Load
from bench.postbacks import each_left_once
from bench.results import Aim, Check, Report, Row, Sample, as_json, cost_ratio, ratio
from conversions.models import Conversion
from payouts.ledger.booking import adjust, book_changes
from payouts.models import LedgerHead, Payout, Statement, StatementSeal
from payouts.statements.statements import close_period
from tests.factories import (
    AffiliateFactory,
    CommissionRuleFactory,
    ConversionFactory,
    CustomerFactory,
    GoalFactory,
    OperatorFactory,
    PercentRuleFactory,
    PlanVersionFactory,
    PostbackFactory,
    StatusChangeFactory,
    TraceFactory,
)
from tests.payouts.tampering import triggers_off


def query(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def test_a_lost_click_is_noticed_and_a_cut_off_one_is_not_taken_for_doubled():
    load = Load(answered=100, seconds=1, p50_ms=1, p99_ms=1, refused=0, failures=0, in_flight=8)
    held = {stored: stored_is_answered("full load", load, stored).holds for stored in (99, 100, 108, 109)}
    assert held == {99: False, 100: True, 108: True, 109: False}


def test_a_report_holds_only_when_it_ran_and_every_check_does():
    report = Report("clicks", "Clicks")
    assert not report.holds
    report.checks.append(Check("one", True, ""))
    assert report.holds
    report.checks.append(Check("two", False, ""))
    assert not report.holds
    assert as_json(report)["holds"] is False
    assert not Report("clicks", "Clicks", checks=[Check("one", True, "")], error="wrk ended with 1").holds


def test_rows_are_compared_round_by_round():
    ours = Row("ours", "full", "clicks", [Sample(100, 0.1), Sample(50, 0.2), Sample(80, 0.1)])
    theirs = Row("theirs", "full", "clicks", [Sample(50, 0.4), Sample(10, 0.4), Sample(20, 0.3)])
    assert ratio("rate", ours, theirs).median == 4
    assert cost_ratio("cost", theirs, ours).median == pytest.approx(3)


def test_markdown_shows_figures_ratios_and_whether_targets_are_met():
    ours, theirs = Row("ours", "full", "clicks"), Row("theirs", "full", "clicks")
    ours.samples, theirs.samples = [Sample(12_000, 0.1, 5, 11)], [Sample(3_000, 0.4)]
    report = Report("clicks", "Clicks", [ours, theirs], [ratio("ours to theirs", ours, theirs, 5)])
    report.aims, report.checks = [Aim("p99", 11, "ms", 50)], [Check("one", True, "")]
    shown = markdown.tables(json.loads(json.dumps(as_json(report))))
    assert "| ours | full | **12,000** | 12,000 to 12,000 | 0.100 | 5.0 | 11.0 |  |" in shown
    assert "| ours to theirs | **4.00** | 4.00 to 4.00 | at least 5 | not met |" in shown
    assert "| p99 | **11.0** ms |  | at most 50 ms | met |" in shown
    assert "1 of 1 checks held." in shown


@pytest.fixture
def booked(db):
    """Conversions under a flat and a percent rule, booked."""
    version = PlanVersionFactory()
    flat = CommissionRuleFactory(version=version, amount=Decimal("80"))
    percent = PercentRuleFactory(version=version, goal=GoalFactory(offer=version.plan.offer), percent=Decimal("12.5"))
    for revenue in ("10.01", "33.33", "0.20"):
        ConversionFactory(goal=flat.goal)
        ConversionFactory(goal=percent.goal, revenue=Decimal(revenue))
        ConversionFactory(goal=percent.goal, revenue=Decimal(501), currency="JPY")
    ConversionFactory(goal=flat.goal, status=Conversion.Status.PENDING)
    # 12.5 % of 3 yen come to no yen.
    ConversionFactory(goal=percent.goal, revenue=Decimal(3), currency="JPY")
    while book_changes():
        pass


def test_sums_of_the_ledger_equal_a_recomputation(booked):
    assert query(booking.DIFFERENCES)[0] == 0
    assert query(booking.CHAINS)[0] == 0
    assert query(booking.COUNTS) == (0, 9, 9, 9)


def test_a_wrong_sum_is_noticed(booked):
    Conversion.objects.filter(status="approved", revenue=Decimal("33.33")).update(revenue=Decimal("33.45"))
    assert query(booking.DIFFERENCES)[0] == 1


def test_a_missing_line_is_noticed(booked):
    with triggers_off(Conversion):
        Conversion.objects.filter(status="pending").update(status="approved")
    assert query(booking.DIFFERENCES)[0] == 1
    assert query(booking.COUNTS)[1:] == (10, 9, 9)


def test_a_gap_in_the_numbers_is_noticed(booked):
    head = LedgerHead.objects.first()
    LedgerHead.objects.filter(pk=head.pk).update(sequence=head.sequence + 1)
    assert query(booking.CHAINS)[0] == 1


END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def closed(db):
    """An account with two statements and a payout."""
    affiliate, olga = AffiliateFactory(), OperatorFactory()
    for end in (END - timedelta(days=31), END):
        now = end - timedelta(days=1)
        adjust(affiliate=affiliate, amount=Decimal(70), currency="EUR", arithmetic="A bonus", actor=olga, now=now)
        close_period(ends_at=end, now=end)
    return affiliate


def test_statements_that_fit_the_ledger_pass(closed):
    assert query(closing.BALANCES, END) == (0, 1)
    assert query(closing.BREAKS) == (0, 2, 1)
    assert query(closing.PAYOUTS) == (0, 1)


def test_a_statement_that_is_missing_or_of_another_sum_is_noticed(closed):
    with triggers_off(Statement), triggers_off(StatementSeal), triggers_off(Payout):
        Statement.objects.filter(ends_at=END).update(opening=71, closing=141)
        assert query(closing.BALANCES, END)[0] == 1
        assert query(closing.BREAKS)[0] == 1
        Payout.objects.filter(statement__ends_at=END).delete()
        StatementSeal.objects.filter(statement__ends_at=END).delete()
        Statement.objects.filter(ends_at=END).delete()
    assert query(closing.BALANCES, END)[0] == 1


def test_a_payout_beyond_its_account_is_noticed(closed):
    with triggers_off(Payout):
        Payout.objects.filter(statement__ends_at=END).update(amount=80, sent_amount=80)
    assert query(closing.PAYOUTS)[0] == 1


@pytest.fixture
def event(db):
    """What one decided event leaves behind."""
    goal = GoalFactory()
    customer = CustomerFactory(advertiser=goal.offer.advertiser)
    conversion = ConversionFactory(goal=goal, customer=customer, transaction_id="run-0")
    postback = PostbackFactory(conversion=conversion, decided_at=conversion.received_at)
    StatusChangeFactory(conversion=conversion, postback=postback)
    TraceFactory(conversion=conversion, postback=postback)
    return conversion


def test_an_event_that_left_all_its_rows_passes(event):
    assert each_left_once("run", 1, query(postbacks.LEFT, "run", "run")).holds


def test_an_event_without_its_conversion_is_noticed(event):
    assert not each_left_once("run", 2, query(postbacks.LEFT, "run", "run")).holds


@pytest.mark.parametrize("factory", [StatusChangeFactory, TraceFactory])
def test_a_row_too_many_is_noticed(event, factory):
    extra = {"from_status": "approved", "to_status": "rejected"} if factory is StatusChangeFactory else {}
    factory(conversion=event, postback=event.postbacks.get(), **extra)
    assert not each_left_once("run", 1, query(postbacks.LEFT, "run", "run")).holds
