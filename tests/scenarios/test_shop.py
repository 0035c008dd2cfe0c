"""A shop: 8 % of each order, a coupon without a click, two currencies, an order that goes back.

Ana: 49.90 EUR at 8 %: 3.992, rounded 3.99; 100.00 USD at 8 %: 8.00 USD; balances are kept apart.
Ben: a coupon order of 20.00 EUR: 1.60 EUR, returned: 0.00 EUR. An order after 31 days counts for no affiliate.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories import CouponCodeFactory
from tests.scenarios.story import Program, balance, ledger, tell
from tracking.click_id import codec

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    program = Program("Shop", vertical="shop")
    program.goal("purchase", percent="8", needs_revenue=True)
    return program


def test_shop_from_click_to_ledger(shop):
    ana, ben = shop.enroll("Ana"), shop.enroll("Ben")
    CouponCodeFactory(enrollment=shop.links["Ben"].enrollment, code="BEN10")
    old = codec.new(link_number=shop.links["Ana"].pk, at=datetime.now(UTC) - timedelta(days=31)).text

    async def story(teller):
        click = await teller.click("Ana")
        answers = [
            await teller.event("purchase", click_id=click, txid="1", revenue="49.90", currency="EUR"),
            await teller.event("purchase", click_id=click, txid="2", revenue="100.00", currency="USD"),
            await teller.event("purchase", click_id=click, txid="2", revenue="100.00", currency="EUR"),
            await teller.event("purchase", coupon="ben10", txid="3", revenue="20.00", currency="EUR"),
            await teller.event("purchase", click_id=old, txid="4", revenue="500.00", currency="EUR"),
        ]
        await teller.book()
        answers.append(await teller.event("purchase", txid="3", status="rejected"))
        return answers

    assert tell(shop, story) == [
        "accepted/ok",
        "accepted/ok",
        "conflict/transaction_conflict",
        "accepted/ok",
        "rejected/outside_window",
        "updated/status_updated",
    ]
    assert sorted(ledger(ana)) == [("commission", "3.99 EUR"), ("commission", "8 USD")]
    assert (balance(ana, "EUR"), balance(ana, "USD")) == (Decimal("3.99"), Decimal("8.00"))
    assert ledger(ben) == [("commission", "1.6 EUR"), ("reversal", "-1.6 EUR")]
    assert balance(ben, "EUR") == 0
