"""iGaming: registration, first deposit by CPA, deposits by percent, a chargeback; sums worked by hand.

Ana brings Carl: registers (nothing is paid for it), first deposit of 50.00 EUR: CPA 120.00 EUR; deposits of
80.00 and 19.99 EUR at 25 %: 20.00 and 4.9975, rounded 5.00 EUR. Together 145.00 EUR.
The deposit of 80.00 is charged back: 145.00 - 20.00 = 125.00 EUR.
Ben brings Dora, whose first deposit of 10.00 EUR is below the minimum of 20.00: nothing.
"""

from decimal import Decimal

import pytest

from conversions.models import Conversion
from tests.scenarios.story import Program, balance, ledger, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def casino():
    program = Program("Casino", vertical="igaming")
    program.goal("registration", needs_customer_id=True, once_per_customer=True)
    program.goal("ftd", flat="120", needs_customer_id=True, once_per_customer=True, minimum_revenue=Decimal(20))
    program.goal("deposit", percent="25", needs_customer_id=True, needs_revenue=True)
    return program


def test_casino_from_click_to_ledger(casino):
    ana, ben = casino.enroll("Ana"), casino.enroll("Ben")

    async def story(teller):
        click = await teller.click("Ana")
        answers = [
            await teller.event("registration", click_id=click, customer_id="carl", txid="r1"),
            await teller.event("ftd", customer_id="carl", txid="d1", revenue="50.00", currency="EUR"),
            await teller.event("ftd", customer_id="carl", txid="d1", revenue="50.00", currency="EUR"),
            await teller.event("deposit", customer_id="carl", txid="d2", revenue="80.00", currency="EUR"),
            await teller.event("deposit", customer_id="carl", txid="d3", revenue="19.99", currency="EUR"),
        ]
        # Carl clicks on Ben's link later; he stays Ana's customer.
        later = await teller.click("Ben")
        answers.append(await teller.event("ftd", click_id=later, customer_id="carl", txid="d9", revenue="50"))
        await teller.book()
        answers.append(await teller.event("deposit", txid="d2", status="rejected"))
        dora = await teller.click("Ben")
        answers.append(await teller.event("registration", click_id=dora, customer_id="dora", txid="r2"))
        answers.append(await teller.event("ftd", customer_id="dora", txid="d4", revenue="10.00"))
        return answers

    assert tell(casino, story) == [
        "accepted/ok",
        "accepted/ok",
        "duplicate/duplicate",
        "accepted/ok",
        "accepted/ok",
        "rejected/not_first",
        "updated/status_updated",
        "accepted/ok",
        "rejected/below_minimum",
    ]
    assert sorted(ledger(ana)) == [
        ("commission", "120 EUR"),
        ("commission", "20 EUR"),
        ("commission", "5 EUR"),
        ("reversal", "-20 EUR"),
    ]
    assert balance(ana, "EUR") == Decimal("125.00")
    assert ledger(ben) == []
    assert Conversion.objects.filter(affiliate=ana).count() == 5
