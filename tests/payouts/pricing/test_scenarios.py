"""One story per kind of program, from the event to the payout, with the sums worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.ledger.booking import adjust, book_changes
from payouts.paying.payments import mark_paid
from payouts.queries import balances
from payouts.statements.statements import close_period
from payouts.verification.verify import Verification
from tests.factories import ConversionFactory, GoalFactory, OfferFactory
from tests.payouts.deals import APPROVED, PENDING, REJECTED, deal, flat, lines, move, percent

pytestmark = pytest.mark.django_db


def october(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def all_is_well() -> bool:
    return list(Verification().findings()) == []


def test_a_casino_pays_cpa_for_first_deposits_and_a_share_of_later_ones(ana: Affiliate, olga: User) -> None:
    casino = OfferFactory(name="Casino")
    registration, ftd, deposit = (GoalFactory(offer=casino, name=name) for name in ("Registration", "FTD", "Deposit"))
    deal(flat(ftd, "120"), percent(deposit, "25"))

    def event(goal: object, day: int, revenue: str | None = None) -> Conversion:
        amount = Decimal(revenue) if revenue else None
        return ConversionFactory(goal=goal, affiliate=ana, revenue=amount, occurred_at=october(day))

    for day in (1, 2, 3, 4):
        event(registration, day)
    fraud, _ = event(ftd, 2, "50"), event(ftd, 3, "200")
    event(deposit, 5, "80.00"), event(deposit, 6, "33.33"), event(deposit, 7, "0.01")
    book_changes(now=october(8))
    move(fraud, REJECTED)
    book_changes(now=october(9))
    # Registrations earn nothing: 0. First deposits: 120 + 120 - 120 = 120.
    # Deposits: 25 % of 80.00 = 20.00, of 33.33 = 8.3325 -> 8.33, of 0.01 = 0.0025 -> no line.
    assert balances(ana) == [("EUR", Decimal("148.33"))]

    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER, actor=olga)
    assert (statement.opening, statement.earned, statement.paid) == (0, Decimal("148.33"), 0)
    assert statement.closing == statement.payout.amount == Decimal("148.33")
    mark_paid(payout=statement.payout, reference="SEPA 4711", actor=olga, now=NOVEMBER)
    assert balances(ana) == [("EUR", 0)]
    assert all_is_well()


def test_a_prop_firm_pays_by_the_deal_in_force_when_the_challenge_was_bought(ana: Affiliate, ben: Affiliate) -> None:
    challenge = GoalFactory(name="Challenge bought")
    deal(percent(challenge, "10"))
    deal(percent(challenge, "15"), since=october(10, 0), now=october(9))
    deal(flat(challenge, "40", "USD"), affiliate=ben, since=october(5, 0), now=october(4))
    for affiliate in (ana, ben):
        for day, price in ((1, "99"), (9, "199"), (10, "299.90")):
            facts = {"currency": "USD", "revenue": Decimal(price), "occurred_at": october(day, 0)}
            ConversionFactory(goal=challenge, affiliate=affiliate, **facts)
    book_changes(now=october(11))
    # Ana: 10 % of 99 = 9.90, 10 % of 199 = 19.90, 15 % of 299.90 = 44.985 -> 44.99.
    assert balances(ana) == [("USD", Decimal("74.79"))]
    # Ben: 9.90 before his own deal, then 40.00 twice.
    assert balances(ben) == [("USD", Decimal("89.90"))]
    assert all_is_well()


def test_a_shop_pays_a_share_of_purchases_in_the_currency_of_each(ana: Affiliate, olga: User) -> None:
    purchase = GoalFactory(name="Purchase")
    deal(percent(purchase, "7.5"))

    def bought(revenue: str, currency: str, status: Conversion.Status = APPROVED) -> Conversion:
        facts = {"revenue": Decimal(revenue), "currency": currency, "status": status, "occurred_at": october(1)}
        return ConversionFactory(goal=purchase, affiliate=ana, **facts)

    bought("59.90", "EUR"), bought("12345", "JPY"), bought("10.555", "KWD")
    returned, waiting = bought("200.00", "EUR"), bought("80.00", "EUR", PENDING)
    book_changes(now=october(2))
    # 7.5 % of 59.90 EUR = 4.4925 -> 4.49; of 12345 JPY = 925.875 -> 926; of 10.555 KWD = 0.791625 -> 0.792;
    # of 200.00 EUR = 15.00.
    assert balances(ana) == [("EUR", Decimal("19.49")), ("JPY", 926), ("KWD", Decimal("0.792"))]
    statements = {statement.currency: statement for statement in close_period(ends_at=october(3, 0), now=october(3))}
    assert {currency: statement.payout.amount for currency, statement in statements.items()} == {
        "EUR": Decimal("19.49"),
        "JPY": Decimal(926),
        "KWD": Decimal("0.792"),
    }
    # After it was paid the return comes in: the balance goes below zero and the next sale fills it up.
    mark_paid(payout=statements["EUR"].payout, reference="SEPA 1", actor=olga, now=october(4))
    move(returned, REJECTED)
    book_changes(now=october(5))
    assert balances(ana)[0] == ("EUR", Decimal("-15"))
    move(waiting, APPROVED)
    adjust(affiliate=ana, amount=Decimal("12"), currency="EUR", arithmetic="Newsletter fee", actor=olga, now=october(6))
    book_changes(now=october(6))
    # -15.00 + 12.00 + 7.5 % of 80.00 = 6.00 -> 3.00
    [euros] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert (euros.opening, euros.earned, euros.paid, euros.closing) == (
        Decimal("19.49"),
        Decimal("3.00"),
        Decimal("-19.49"),
        Decimal("3.00"),
    )
    assert euros.payout.amount == Decimal("3.00")
    assert [text for _, _, currency, text in lines(ana) if currency == "EUR"] == [
        "7.5 % of 59.90 EUR = 4.49 EUR",
        "7.5 % of 200.00 EUR = 15.00 EUR",
        f"paid 19.49 EUR for statement {statements['EUR'].number}, reference SEPA 1",
        "takes back 15.00 EUR. The conversion is rejected; only an approved one earns.",
        "Newsletter fee",
        "7.5 % of 80.00 EUR = 6.00 EUR",
    ]
    assert all_is_well()
