"""From the click to the payout, and what happens after it: a partial refund, another currency; sums by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from payouts.models import ExchangeRate, Statement
from payouts.paying.payments import mark_paid
from payouts.rates.daily import DayRate, store
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import OperatorFactory
from tests.scenarios.story import Program, balance, ledger, tell

pytestmark = pytest.mark.django_db(transaction=True)


def close(days_ahead: int) -> list[Statement]:
    """Close all accounts at the midnight that ends today, or a later day, as if it had come."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days_ahead)
    return sorted(close_period(ends_at=midnight, now=midnight), key=lambda each: each.currency)


def sums(statement: Statement) -> tuple[Decimal, ...]:
    return statement.opening, statement.earned, statement.paid, statement.closing


def test_shop_refunds_a_part_after_the_commission_was_paid():
    """8 % of 200.00 EUR = 16.00 EUR, paid. Then 50.00 go back to the buyer: 8 % of 150.00 = 12.00, so -4.00.

    More than the 150.00 that are left cannot go back. The next sale of 100.00 earns 8.00: the second statement opens
    at 16.00, earns -4.00 + 8.00 = 4.00, has 16.00 paid, closes at 4.00, and 4.00 are paid out.
    """
    shop = Program("Shop", vertical="shop")
    ana, olga = shop.enroll("Ana"), OperatorFactory()
    shop.goal("purchase", percent="8", needs_revenue=True)

    async def sold(teller):
        click = await teller.click("Ana")
        return await teller.event("purchase", click_id=click, txid="1", revenue="200.00", currency="EUR")

    assert tell(shop, sold) == "accepted/ok"
    [first] = close(1)
    assert sums(first) == (0, Decimal(16), 0, Decimal(16))
    mark_paid(payout=first.payout, reference="SEPA 1", actor=olga, now=datetime.now(UTC))
    assert balance(ana, "EUR") == 0

    async def went_back(teller):
        back = {"txid": "1", "currency": "EUR"}
        answers = [
            await teller.event("purchase", refund="50.00", refund_id="a", **back),
            await teller.event("purchase", refund="50.00", refund_id="a", **back),
            await teller.event("purchase", refund="150.01", refund_id="b", **back),
        ]
        await teller.book()
        click = await teller.click("Ana")
        answers.append(await teller.event("purchase", click_id=click, txid="2", revenue="100.00", currency="EUR"))
        return answers

    assert tell(shop, went_back) == [
        "updated/partly_refunded",
        "duplicate/duplicate",
        "conflict/refund_too_large",
        "accepted/ok",
    ]
    assert ledger(ana) == [
        ("commission", "16 EUR"),
        ("payment", "-16 EUR"),
        ("reversal", "-4 EUR"),
        ("commission", "8 EUR"),
    ]
    [second] = close(2)
    assert sums(second) == (Decimal(16), Decimal(4), Decimal(-16), Decimal(4))
    assert second.payout.amount == Decimal(4)
    assert list(Verification().findings()) == []


def test_three_currencies_are_paid_in_the_affiliates_own_at_a_rate_that_stays():
    """8 % of 250.00 USD = 20.00 USD; of 12345 JPY = 987.6, rounded 988 JPY; of 100.00 EUR = 8.00 EUR.

    A euro is 1.25 USD and 160 JPY that day: 20.00 / 1.25 = 16.00 EUR and 988 / 160 = 6.175, rounded 6.18 EUR are
    sent. A rate that is corrected afterwards to 2 USD changes no payout; the ledger stays in the currencies earned.
    """
    shop = Program("Shop", vertical="shop")
    ana, olga = shop.enroll("Ana"), OperatorFactory()
    shop.goal("purchase", percent="8", needs_revenue=True)
    today, manual = datetime.now(UTC).date(), ExchangeRate.Source.MANUAL
    store([DayRate(today, "USD", Decimal("1.25")), DayRate(today, "JPY", Decimal(160))], source=manual)

    async def story(teller):
        click = await teller.click("Ana")
        for money, currency in (("250.00", "USD"), ("12345", "JPY"), ("100.00", "EUR")):
            sent = {"txid": currency, "revenue": money, "currency": currency}
            assert await teller.event("purchase", click_id=click, **sent) == "accepted/ok"

    tell(shop, story)
    statements = close(1)
    assert [(each.currency, each.closing) for each in statements] == [("EUR", 8), ("JPY", 988), ("USD", 20)]
    store([DayRate(today, "USD", Decimal(2))], source=manual)
    for statement in statements:
        mark_paid(payout=statement.payout, reference=f"SEPA {statement.currency}", actor=olga, now=datetime.now(UTC))
    sent = []
    for statement in statements:
        statement.payout.refresh_from_db()
        sent.append((statement.payout.sent_amount, statement.payout.sent_currency, statement.payout.rate))
    assert sent == [
        (Decimal("8.00"), "EUR", None),
        (Decimal("6.18"), "EUR", Decimal("0.00625")),
        (Decimal("16.00"), "EUR", Decimal("0.8")),
    ]
    assert [balance(ana, currency) for currency in ("EUR", "JPY", "USD")] == [0, 0, 0]
    assert list(Verification().findings()) == []
