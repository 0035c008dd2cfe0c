from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from affiliates.models import Affiliate, User
from conversions.models import Conversion, Goal
from payouts.ledger.booking import adjust, book_changes
from payouts.paying.payments import mark_paid
from payouts.queries import Earning, balances, balances_of, commission_by_day, earnings, entries_for, explain
from payouts.statements.statements import close_period
from payouts.tasks import book
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory
from tests.payouts.deals import NOW, PENDING, REJECTED, deal, flat, move, percent

pytestmark = pytest.mark.django_db


@pytest.fixture
def deposit() -> Goal:
    goal = GoalFactory(name="Deposit")
    deal(percent(goal, "25"))
    return goal


def deposits(goal: Goal, affiliate: Affiliate, revenue: str, **fields: object) -> Conversion:
    return ConversionFactory(goal=goal, affiliate=affiliate, revenue=Decimal(revenue), **{"occurred_at": NOW, **fields})


def test_balances_of_many_affiliates_cost_one_query(ana: Affiliate, ben: Affiliate, deposit: Goal) -> None:
    deposits(deposit, ana, "80"), deposits(deposit, ana, "100", currency="JPY"), deposits(deposit, ben, "40")
    book_changes()
    new_affiliate = AffiliateFactory()
    with CaptureQueriesContext(connection) as queries:
        found = balances_of([ana.pk, ben.pk, new_affiliate.pk])
    assert len(queries) == 1
    assert found == {ana.pk: [("EUR", 20), ("JPY", 25)], ben.pk: [("EUR", 10)]}
    assert balances(new_affiliate) == []


def test_earnings_show_what_is_owed_pending_paid_and_earned(ana: Affiliate, deposit: Goal, olga: User) -> None:
    deposits(deposit, ana, "80")
    deposits(deposit, ana, "10", status=PENDING), deposits(deposit, ana, "30", status=PENDING)
    deposits(deposit, ana, "100", status=PENDING, currency="USD")
    deposits(deposit, ana, "500", status=REJECTED)
    deposits(deposit, AffiliateFactory(), "900", status=PENDING)
    book_changes(now=NOW)
    november = datetime(2026, 11, 1, tzinfo=NOW.tzinfo)
    [statement] = close_period(ends_at=november, now=november)
    mark_paid(payout=statement.payout, reference="SEPA 1", actor=olga, now=november)
    adjust(affiliate=ana, amount=Decimal("-1.50"), currency="EUR", arithmetic="Fee", actor=olga, now=november)
    euros = Earning("EUR", Decimal("-1.50"), Decimal("10.00"), Decimal(20), Decimal("18.50"))
    assert earnings(ana) == [euros, Earning("USD", Decimal(0), Decimal(25), Decimal(0), Decimal(0))]


def test_no_one_has_earnings_out_of_nothing(ana: Affiliate) -> None:
    assert earnings(ana) == []


def test_commission_counts_on_the_day_of_its_event(ana: Affiliate, ben: Affiliate, deposit: Goal, olga: User) -> None:
    first = deposits(deposit, ana, "80", occurred_at=NOW - timedelta(days=2))
    deposits(deposit, ana, "40", occurred_at=NOW - timedelta(days=2))
    deposits(deposit, ana, "100", occurred_at=NOW, currency="USD")
    deposits(deposit, ana, "4", occurred_at=NOW)
    deposits(deposit, ana, "900", occurred_at=NOW - timedelta(days=9))
    deposits(deposit, ben, "900")
    book_changes(now=NOW)
    move(first, REJECTED)
    book_changes(now=NOW)
    adjust(affiliate=ana, amount=Decimal(7), currency="EUR", arithmetic="Bonus", actor=olga, now=NOW)
    series = [(row.day, row.currency, row.amount) for row in commission_by_day(ana, NOW - timedelta(days=5))]
    assert series == [(date(2026, 10, 13), "EUR", 10), (date(2026, 10, 15), "EUR", 1), (date(2026, 10, 15), "USD", 25)]


def test_days_are_those_of_the_readers_time_zone(ana: Affiliate, deposit: Goal) -> None:
    deposits(deposit, ana, "80", occurred_at=NOW.replace(hour=23))
    book_changes(now=NOW)
    since = NOW - timedelta(days=1)
    assert [row.day for row in commission_by_day(ana, since)] == [date(2026, 10, 15)]
    assert [row.day for row in commission_by_day(ana, since, zone=ZoneInfo("Asia/Tokyo"))] == [date(2026, 10, 16)]


def test_the_lines_of_conversions_come_with_all_that_a_page_shows(ana: Affiliate, deposit: Goal) -> None:
    first, second, silent = (deposits(deposit, ana, revenue) for revenue in ("80", "40", "0"))
    book_changes()
    move(first, REJECTED)
    book_changes()
    with CaptureQueriesContext(connection) as queries:
        found = entries_for([first.pk, second.pk, silent.pk])
        shown = [(str(line.plan_version), line.rule and line.rule.goal.name) for line in found[first.pk]]
    assert len(queries) == 1
    assert shown == [("Standard plan v1", "Deposit")] * 2
    assert {pk: [line.amount for line in rows] for pk, rows in found.items()} == {first.pk: [20, -20], second.pk: [10]}


def test_explains_what_a_conversion_earns_or_why_not(ana: Affiliate, deposit: Goal) -> None:
    earning, unpaid = deposits(deposit, ana, "80"), deposits(GoalFactory(), ana, "80")
    quotes = explain([earning.pk, unpaid.pk])
    assert [line.arithmetic for line in quotes[earning.pk].lines] == ["25 % of 80.00 EUR = 20.00 EUR"]
    assert (quotes[unpaid.pk].lines, quotes[unpaid.pk].reason) == ((), "The offer has no commission plan.")


def test_the_task_books_until_nothing_is_due(ana: Affiliate, deposit: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payouts.tasks.BATCH", 2)
    for _ in range(5):
        deposits(deposit, ana, "80")
    book()
    assert balances(ana) == [("EUR", 100)]
    assert book.name == "payouts.tasks.book"


def test_a_flat_estimate_is_in_the_currency_of_the_rule(ana: Affiliate) -> None:
    goal = GoalFactory()
    deal(flat(goal, "120", "USD"))
    deposits(goal, ana, "80", status=PENDING)
    assert [(row.currency, row.pending_estimate) for row in earnings(ana)] == [("USD", 120)]
