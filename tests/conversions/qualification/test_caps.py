from datetime import UTC, datetime, timedelta

import pytest

from affiliates.models import Offer
from conversions.qualification.caps import keep_caps
from tests.factories import ClickFactory, ConversionFactory, GoalFactory, OfferFactory, TrackingLinkFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 2, 28, 22, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def clicks(link, number, *, at=NOW, **fields):
    for _ in range(number):
        ClickFactory(link=link, clicked_at=at, **fields)


def test_links_close_at_the_click_cap_until_midnight_utc():
    link = TrackingLinkFactory(enrollment__offer__daily_click_cap=3)
    clicks(link, 2)
    clicks(link, 5, at=NOW - timedelta(days=1))
    clicks(link, 5, is_bot=True)
    assert keep_caps(now=NOW) == 0
    clicks(link, 1)
    assert keep_caps(now=NOW) == 1
    assert Offer.objects.get().capped_until == MIDNIGHT
    assert keep_caps(now=NOW) == 0


def test_the_next_day_begins_at_nothing():
    link = TrackingLinkFactory(enrollment__offer__daily_click_cap=1)
    clicks(link, 1)
    keep_caps(now=NOW)
    keep_caps(now=MIDNIGHT)
    assert Offer.objects.get().capped_until is None


def test_conversions_that_are_not_rejected_count_towards_their_cap():
    offer = OfferFactory(daily_conversion_cap=2)
    goal = GoalFactory(offer=offer)
    ConversionFactory(goal=goal, occurred_at=NOW, status="pending")
    ConversionFactory(goal=goal, occurred_at=NOW, status="rejected")
    ConversionFactory(goal=GoalFactory(), occurred_at=NOW)
    assert keep_caps(now=NOW) == 0
    ConversionFactory(goal=goal, occurred_at=NOW)
    assert keep_caps(now=NOW) == 1


def test_raising_or_removing_a_cap_opens_the_links_again():
    link = TrackingLinkFactory(enrollment__offer__daily_click_cap=1)
    clicks(link, 1)
    keep_caps(now=NOW)
    Offer.objects.update(daily_click_cap=None)
    assert keep_caps(now=NOW) == 1
    assert Offer.objects.get().capped_until is None


def test_a_cap_of_nought_closes_at_once():
    OfferFactory(daily_click_cap=0)
    assert keep_caps(now=NOW) == 1
