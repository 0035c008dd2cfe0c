"""The figures and queues of the operator panel's first page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.reasons.codes import Reason
from dashboard.navigation import BOUND, badge, waiting
from dashboard.operator import overview
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    ConversionFactory,
    EnrollmentFactory,
    LedgerEntryFactory,
    PostbackFactory,
    SuperuserFactory,
    TrackingLinkFactory,
)
from tracking.models import ALL_LINKS, ClickDay

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def desk(olga, client) -> Client:
    client.force_login(olga)
    return client


def conversion(ago: timedelta, status: str = "approved", **fields):
    return ConversionFactory(status=status, received_at=NOW - ago, occurred_at=NOW - ago, **fields)


def earned(row, amount: str, currency: str = "EUR") -> None:
    LedgerEntryFactory(
        affiliate=row.affiliate, kind="commission", conversion=row, amount=Decimal(amount), currency=currency
    )


def today_week_month(zone=UTC) -> list[overview.PeriodSums]:
    return overview.periods(overview.figures(now=NOW, zone=zone).days)


class TestFigures:
    def test_clicks_by_period(self):
        link = TrackingLinkFactory()
        for days in (0, 0, 3, 6, 7, 29, 30, 400):
            ClickFactory(link=link, clicked_at=NOW - timedelta(days=days))
        assert [period.clicks for period in today_week_month()] == [2, 4, 6]

    def test_clicks_that_are_added_up_already_are_read_from_there(self):
        day = (NOW - timedelta(days=3)).date()
        ClickDay.objects.create(link_number=ALL_LINKS, day=day, clicks=500, bots=20, duplicates=3)
        ClickFactory(clicked_at=NOW)
        assert [period.clicks for period in today_week_month()] == [1, 501, 501]

    def test_conversions_by_status(self):
        conversion(timedelta(hours=1))
        conversion(timedelta(days=2), "pending")
        conversion(timedelta(days=10), "rejected")
        today, week, month = today_week_month()
        assert [today.total, week.total, month.total] == [1, 2, 3]
        assert month.conversions == {"approved": 1, "pending": 1, "rejected": 1}

    def test_revenue_is_that_of_approved_conversions_by_currency(self):
        conversion(timedelta(hours=1), revenue=Decimal("10.50"))
        conversion(timedelta(hours=2), revenue=Decimal("4"), currency="USD")
        conversion(timedelta(hours=3), "pending", revenue=Decimal("1000"))
        conversion(timedelta(hours=4), revenue=None)
        assert today_week_month()[0].revenue == [("EUR", Decimal("10.50")), ("USD", Decimal(4))]

    def test_commission_belongs_to_the_day_of_its_conversion(self):
        old, new = conversion(timedelta(days=3)), conversion(timedelta(hours=1))
        earned(old, "120")
        earned(old, "-20")
        earned(new, "7", "USD")
        today, week, _ = today_week_month()
        assert today.commission == [("USD", Decimal(7))]
        assert week.commission == [("EUR", Decimal(100)), ("USD", Decimal(7))]

    def test_days_begin_at_midnight_of_the_operators_zone(self):
        midnight_in_tokyo = datetime(2026, 10, 14, 15, 0, tzinfo=UTC)
        link = TrackingLinkFactory()
        for seconds in (-1, 0):
            ClickFactory(link=link, clicked_at=midnight_in_tokyo + timedelta(seconds=seconds))
            conversion(NOW - midnight_in_tokyo - timedelta(seconds=seconds))
        today, week, _ = today_week_month(ZoneInfo("Asia/Tokyo"))
        assert (today.clicks, today.total, week.clicks, week.total) == (1, 1, 2, 2)

    def test_the_day_when_clocks_change_is_a_day_like_others(self):
        figures = overview.figures(now=datetime(2026, 10, 26, 12, tzinfo=UTC), zone=ZoneInfo("Europe/Berlin"))
        assert len({day.on for day in figures.days}) == 30

    def test_take_the_same_queries_however_much_there_is(self, django_assert_num_queries):
        for _ in range(2):
            for days in range(5):
                earned(conversion(timedelta(days=days)), "1")
            with django_assert_num_queries(5):
                overview.figures(now=NOW, zone=UTC)


class TestLeaders:
    def test_are_ranked_by_approved_conversions_with_money_by_currency(self, ana, ben):
        for affiliate, currency in ((ana, "EUR"), (ana, "USD"), (ana, "EUR"), (ben, "EUR")):
            earned(conversion(timedelta(days=1), affiliate=affiliate, currency=currency), "5", currency)
        conversion(timedelta(days=1), "rejected", affiliate=ben)
        conversion(timedelta(days=40), affiliate=ben)
        first, second = overview.figures(now=NOW, zone=UTC).affiliates
        assert (first.name, first.approved, second.name, second.approved) == ("Ana", 3, "Ben", 1)
        assert first.revenue == {"EUR": Decimal(160), "USD": Decimal(80)}
        assert first.commission == {"EUR": Decimal(10), "USD": Decimal(5)}

    def test_offers_too(self):
        rows = [conversion(timedelta(days=1)) for _ in range(7)]
        earned(rows[0], "5")
        offers = overview.figures(now=NOW, zone=UTC).offers
        assert [leader.id for leader in offers] == [row.goal.offer_id for row in rows[:5]]
        assert offers[0].commission == {"EUR": Decimal(5)}

    def test_no_conversions_no_leaders(self):
        assert overview.figures(now=NOW, zone=UTC).offers == []


class TestQueues:
    def test_pending_conversions_come_oldest_first_without_those_that_wait_for_a_date(self):
        new, old = conversion(timedelta(days=1), "pending"), conversion(timedelta(days=5), "pending")
        conversion(timedelta(days=9), "pending", approve_at=NOW + timedelta(days=3))
        conversion(timedelta(days=9))
        assert overview.pending_conversions(SuperuserFactory()) == [old, new]
        assert waiting().conversions == 2

    def test_refusals_of_a_day_are_grouped_by_reason_and_advertiser(self):
        row = PostbackFactory(received_at=NOW, outcome="invalid", reason=Reason.BAD_AMOUNT, decided_at=NOW)
        same = {"advertiser": row.advertiser, "outcome": "invalid", "reason": Reason.BAD_AMOUNT, "decided_at": NOW}
        PostbackFactory(received_at=NOW - timedelta(hours=23), **same)
        PostbackFactory(received_at=NOW - timedelta(hours=25), **same)
        PostbackFactory(received_at=NOW, outcome="unauthorized", reason=Reason.BAD_TOKEN, advertiser=None)
        PostbackFactory(received_at=NOW, outcome="accepted", reason=Reason.OK)
        assert [(r.reason, r.advertiser, r.number) for r in overview.refusals(SuperuserFactory(), now=NOW)] == [
            ("bad_amount", row.advertiser.name, 2),
            ("bad_token", "", 1),
        ]

    def test_a_refusals_link_lists_those_postbacks(self, desk):
        refused = PostbackFactory(outcome="invalid", reason=Reason.BAD_AMOUNT, received_at=NOW)
        stranger = PostbackFactory(outcome="unauthorized", reason=Reason.BAD_TOKEN, received_at=NOW, advertiser=None)
        PostbackFactory(outcome="accepted", reason=Reason.OK, received_at=NOW)
        by_reason = {refusal.reason: refusal.address for refusal in overview.refusals(SuperuserFactory(), now=NOW)}
        for row in (refused, stranger):
            listing = desk.get(by_reason[row.reason]).context["cl"].result_list
            assert [each.pk for each in listing] == [row.pk]

    def test_who_waits_is_counted_for_the_sidebar(self, desk):
        AffiliateFactory.create_batch(2, status="pending")
        EnrollmentFactory(status="pending")
        PostbackFactory()
        counts = waiting()
        assert (counts.affiliates, counts.enrollments, counts.postbacks, counts.payouts) == (2, 1, 1, 0)
        assert "Affiliates waiting" in desk.get("/admin/").content.decode()

    @pytest.mark.parametrize(("number", "shown"), [(0, 0), (7, 7), (BOUND, "999+")])
    def test_badges_count_up_to_a_bound(self, number, shown):
        assert badge(number) == shown


class TestPage:
    def test_an_empty_installation_says_what_comes_next(self, desk):
        page = desk.get("/admin/").content.decode()
        for text in ("None waits for a decision.", "No application waits.", "No postback has been received yet."):
            assert text in page

    def test_takes_the_same_queries_however_much_there_is(self, desk):
        counts = []
        for _ in range(2):
            for _ in range(4):
                row = ConversionFactory(status="pending", reason=Reason.AWAITS_APPROVAL)
                earned(ConversionFactory(), "3")
                PostbackFactory(conversion=row, outcome="invalid", reason=Reason.BAD_AMOUNT)
                EnrollmentFactory(status="pending")
                AffiliateFactory(status="pending")
            desk.get("/admin/")
            with CaptureQueriesContext(connection) as taken:
                desk.get("/admin/")
            counts.append(len(taken))
        assert counts[0] == counts[1] <= 20
