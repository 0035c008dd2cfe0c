"""Prop trading: a challenge bought, bought again, one refunded; in US dollars.

Ana gets 15 % of what a challenge costs. 155.00 USD: 23.25; the repurchase of 540.00 USD by the same trader,
without a new click: 81.00; together 104.25 USD. The first is refunded: 81.00 USD remain.
Ben has a deal of his own: 18 % since his second version; 155.00 USD: 27.90 USD.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from payouts.models import LedgerEntry
from tests.factories import CommissionPlanFactory, PercentRuleFactory, PlanVersionFactory
from tests.scenarios.story import Program, balance, ledger, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def challenge():
    program = Program("Challenge", currency="USD", vertical="prop")
    program.goal("challenge_purchase", percent="15", needs_revenue=True, approval="by_hand")
    return program


def own_deal(program, affiliate):
    """Version 1 at 16 % is over; version 2 at 18 % is in force since yesterday."""
    plan = CommissionPlanFactory(offer=program.offer, affiliate=affiliate)
    goal = program.offer.goals.get()
    for percent, days in ((16, 60), (18, 1)):
        version = PlanVersionFactory(plan=plan, effective_from=datetime.now(UTC) - timedelta(days=days))
        PercentRuleFactory(version=version, goal=goal, percent=Decimal(percent))


def test_challenge_from_click_to_ledger(challenge):
    ana, ben = challenge.enroll("Ana"), challenge.enroll("Ben")
    own_deal(challenge, ben)
    buy = {"customer_id": "t-1", "currency": "USD"}

    async def story(teller):
        first, other = await teller.click("Ana"), await teller.click("Ben")
        answers = [
            await teller.event("challenge_purchase", click_id=first, txid="o1", revenue="155.00", **buy),
            await teller.event("challenge_purchase", txid="o1", status="approved"),
            await teller.event("challenge_purchase", txid="o2", revenue="540.00", status="approved", **buy),
            await teller.event("challenge_purchase", click_id=other, txid="o3", revenue="155", status="approved"),
        ]
        await teller.book()
        answers.append(await teller.event("challenge_purchase", txid="o1", status="rejected"))
        return answers

    assert tell(challenge, story) == [
        "accepted/awaits_approval",
        "updated/status_updated",
        "accepted/ok",
        "accepted/ok",
        "updated/status_updated",
    ]
    assert sorted(ledger(ana)) == [("commission", "23.25 USD"), ("commission", "81 USD"), ("reversal", "-23.25 USD")]
    assert balance(ana, "USD") == Decimal("81.00")
    assert ledger(ben) == [("commission", "27.9 USD")]
    line = LedgerEntry.objects.get(affiliate=ben)
    assert line.plan_version.number == 2
    assert "18" in line.arithmetic
    assert "155" in line.arithmetic
