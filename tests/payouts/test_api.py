"""The REST API's money: what conversions earned, the ledger, balances, statements and payouts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from conversions.models import Conversion
from payouts.ledger.booking import adjust, book_changes
from payouts.models import Payout
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period
from tests.factories import (
    AffiliateFactory,
    ConversionFactory,
    GoalFactory,
    LedgerEntryFactory,
    PayoutFactory,
    StatementFactory,
)
from tests.payouts.deals import NOW, deal, flat, move
from tests.rest import client_of, results

MONTH_END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def booked(ana: Affiliate) -> Conversion:
    """A conversion that earned Ana 120 EUR."""
    goal = GoalFactory()
    deal(flat(goal, "120"))
    conversion = ConversionFactory(goal=goal, affiliate=ana, occurred_at=NOW)
    book_changes(now=NOW)
    return conversion


def test_a_conversion_shows_what_it_earned(ana: Affiliate, booked: Conversion) -> None:
    (row,) = results(client_of(ana), "conversions")
    assert row["commission"] == [{"currency": "EUR", "amount": "120.00"}]


def test_what_was_taken_back_earned_nothing(ana: Affiliate, booked: Conversion) -> None:
    move(booked, Conversion.Status.REJECTED)
    book_changes(now=NOW)
    (row,) = results(client_of(ana), "conversions")
    assert row["commission"] == [{"currency": "EUR", "amount": "0.00"}]


def test_ledger_entries_explain_themselves(ana: Affiliate, booked: Conversion) -> None:
    (row,) = results(client_of(ana), "ledger-entries")
    assert (row["sequence"], row["kind"], row["amount"], row["currency"]) == (1, "commission", "120.00", "EUR")
    assert (row["conversion"], row["payout"], row["plan_version"]) == (booked.public_id, None, "Standard plan v1")
    assert "120.00 EUR" in row["arithmetic"]
    assert len(row["hash"]) == len(row["previous_hash"]) == 64


def test_ledger_entries_are_filtered(ana: Affiliate, olga: User, booked: Conversion) -> None:
    adjust(affiliate=ana, amount=Decimal("500"), currency="JPY", arithmetic="A bonus", actor=olga, now=NOW)
    client = client_of(ana)
    for query, kind in (
        ({"kind": "adjustment"}, "adjustment"),
        ({"currency": "JPY"}, "adjustment"),
        ({"conversion": booked.public_id}, "commission"),
    ):
        assert [row["kind"] for row in results(client, "ledger-entries", **query)] == [kind], query
    assert results(client, "ledger-entries", **{"from": (NOW + timedelta(seconds=1)).isoformat()}) == []


def test_balances_are_reported_by_currency(ana: Affiliate, ben: Affiliate, olga: User, booked: Conversion) -> None:
    adjust(affiliate=ana, amount=Decimal("500"), currency="JPY", arithmetic="A bonus", actor=olga, now=NOW)
    (row,) = results(client_of(ana), "balances")
    assert row["affiliate"] == {"id": ana.public_id, "name": "Ana"}
    assert row["balances"] == [{"currency": "EUR", "amount": "120.00"}, {"currency": "JPY", "amount": "500"}]
    everybody = {each["affiliate"]["name"]: each["balances"] for each in results(client_of(olga), "balances")}
    assert everybody["Ben"] == []
    assert len(everybody["Ana"]) == 2


def test_statement_payout_and_payment_name_each_other(ana: Affiliate, olga: User, booked: Conversion) -> None:
    close_period(ends_at=MONTH_END, now=MONTH_END)
    client = client_of(ana)
    (statement,) = results(client, "statements")
    (payout,) = results(client, "payouts", status="due")
    assert (statement["opening"], statement["earned"], statement["closing"]) == ("0.00", "120.00", "120.00")
    assert (statement["payout"], payout["statement"]) == (payout["id"], statement["number"])
    mark_paid(payout=Payout.objects.get(), reference="SEPA 4711", actor=olga, now=MONTH_END)
    paid = client.get(f"/api/v1/payouts/{payout['id']}/").json()
    assert (paid["status"], paid["reference"], paid["amount"]) == ("paid", "SEPA 4711", "120.00")
    (entry,) = results(client, "ledger-entries", payout=payout["id"])
    assert (entry["kind"], entry["amount"]) == ("payment", "-120.00")


def test_a_statement_without_a_payout_says_so(ana: Affiliate) -> None:
    statement = StatementFactory(affiliate=ana)
    one = client_of(ana).get(f"/api/v1/statements/{statement.number}/").json()
    assert (one["number"], one["payout"]) == (statement.number, None)


@pytest.mark.parametrize(
    ("resource", "queries"),
    [("conversions", 3), ("ledger-entries", 2), ("balances", 3), ("statements", 2), ("payouts", 2)],
)
def test_lists_take_the_same_queries_however_long(
    olga: User, resource: str, queries: int, django_assert_num_queries: Any
) -> None:
    client = client_of(olga)
    client.get("/api/v1/me/")
    for _ in range(2):
        for affiliate in AffiliateFactory.create_batch(3):
            LedgerEntryFactory(affiliate=affiliate, kind="commission", conversion=ConversionFactory())
            PayoutFactory(statement=StatementFactory(affiliate=affiliate))
        with django_assert_num_queries(queries):
            assert results(client, resource)
