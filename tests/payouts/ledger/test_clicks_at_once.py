"""Many workers count and book clicks at once: real commits, real locks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum

from payouts.ledger import click_booking
from payouts.ledger.click_booking import book_clicks
from payouts.ledger.click_counts import count_clicks
from payouts.models import BilledClicks, CommissionRule, LedgerEntry
from payouts.plan_changes.publish import publish_version
from payouts.verification.verify import Verification
from tests.factories import ClickFactory, CommissionPlanFactory, EnrollmentFactory, OfferFactory, TrackingLinkFactory
from tests.payouts.at_once import at_once
from tracking.counts.rollups import rebuild

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def twelve_links() -> None:
    """Three affiliates with four links each, of four clicks; 0.10 EUR per click, up to ten clicks a day each."""
    offer = OfferFactory()
    for _ in range(3):
        enrollment = EnrollmentFactory(offer=offer)
        for _ in range(4):
            link = TrackingLinkFactory(enrollment=enrollment)
            for _ in range(4):
                ClickFactory(link=link, clicked_at=NOON, marked_at=NOON)
    rebuild(day=NOON.date())
    rule = CommissionRule(kind="per_click", amount=Decimal("0.1"), currency="EUR", cap_count=10, cap_period="day")
    plan = CommissionPlanFactory(offer=offer)
    publish_version(plan=plan, rules=[rule], effective_from=NOON.replace(hour=0), actor=None, now=NOON.replace(hour=0))


def total() -> Decimal | None:
    return LedgerEntry.objects.aggregate(total=Sum("amount"))["total"]


def drain() -> None:
    """Rows that another transaction locks are passed by, so look until none is left."""
    while count_clicks(now=LATER, limit=5) or book_clicks(limit=2) or BilledClicks.objects.filter(booked_at=None):
        pass


def test_workers_at_once_pay_each_click_once_and_keep_the_cap(twelve_links: None) -> None:
    count_clicks(now=LATER)
    assert at_once(drain, drain, drain, drain) == [None] * 4
    # Ten clicks of each of three affiliates.
    assert total() == Decimal("3.00")
    assert list(Verification().findings()) == []


def test_a_crash_in_the_middle_books_nothing_and_is_made_up_by_the_next(
    twelve_links: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_clicks(now=LATER)
    with monkeypatch.context() as patch:
        patch.setattr(click_booking.timezone, "now", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            book_clicks()
    assert (total(), BilledClicks.objects.filter(booked_at=None).count()) == (None, 12)
    drain()
    assert total() == Decimal("3.00")


def test_while_someone_counts_others_do_not_wait(twelve_links: None) -> None:
    with transaction.atomic():
        assert count_clicks(now=LATER) == 12
        assert at_once(lambda: count_clicks(now=LATER)) == [0]
