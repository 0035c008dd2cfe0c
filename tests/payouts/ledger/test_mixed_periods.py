"""Rules that count by weeks beside rules that count by months: a week may lie in two months."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from affiliates.models import Affiliate
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule
from payouts.queries import balances
from payouts.verification.verify import Verification
from tests.factories import ConversionFactory, GoalFactory, OfferFactory
from tests.payouts.deals import deal, flat

pytestmark = pytest.mark.django_db


def test_an_event_of_march_leaves_what_the_whole_of_february_earned(ana: Affiliate) -> None:
    """26 February 2024 is a Monday: its week has days of both months, and an event of March counts in it."""
    offer = OfferFactory()
    sale, lead = GoalFactory(offer=offer), GoalFactory(offer=offer)
    steps = [{"above": "0", "percent": "10"}, {"above": "1000", "percent": "20"}]
    formula = {"basis": "revenue", "mode": "whole", "period": "month", "steps": steps}
    capped = flat(lead, "5")
    capped.cap_count, capped.cap_period = 10, "week"
    beginning = datetime(2024, 1, 1, tzinfo=UTC)
    deal(CommissionRule(goal=sale, kind="tiered", formula=formula), capped, since=beginning, now=beginning)
    for day in (5, 28):
        ConversionFactory(
            goal=sale, affiliate=ana, revenue=Decimal(600), occurred_at=datetime(2024, 2, day, tzinfo=UTC)
        )
    book_changes()
    assert balances(ana)[0].amount == 240
    ConversionFactory(goal=lead, affiliate=ana, occurred_at=datetime(2024, 3, 1, tzinfo=UTC))
    book_changes()
    # 20 % of 1200, and 5.
    assert balances(ana)[0].amount == 245
    assert list(Verification().findings()) == []
