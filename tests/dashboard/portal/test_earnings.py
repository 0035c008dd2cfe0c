"""Earnings: the account line by line, statements and payouts."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust, book_changes
from payouts.models import LedgerHead
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period
from tests.dashboard.portal_pages import World, rows_of, signed_in, words, world_of
from tests.factories import LedgerEntryFactory, PayoutFactory, StatementFactory

OCTOBER = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(ana: Affiliate) -> World:
    return world_of(ana)


def book(affiliate: Affiliate, olga: User, *amounts: str, currency: str = "EUR") -> None:
    for amount in amounts:
        adjust(
            affiliate=affiliate, amount=Decimal(amount), currency=currency, arithmetic="A gift", actor=olga, now=OCTOBER
        )


def test_shows_the_balance_after_each_line_by_currency(ana: Affiliate, olga: User) -> None:
    book(ana, olga, "10", "2.5")
    book(ana, olga, "700", currency="JPY")
    book(ana, olga, "-1")

    rows = signed_in(ana).get("/earnings/").context["rows"]

    assert [(row.entry.sequence, row.balance) for row in rows] == [
        (4, Decimal("11.5")),
        (3, Decimal("700")),
        (2, Decimal("12.5")),
        (1, Decimal("10")),
    ]


def test_the_balance_stays_true_on_later_pages_and_under_filters(ana: Affiliate, olga: User) -> None:
    book(ana, olga, *["1"] * 52)
    LedgerEntryFactory(affiliate=ana, sequence=53, kind="payment", amount=Decimal(-2))
    client = signed_in(ana)

    second = client.get("/earnings/?page=2").context["rows"]
    assert [(row.entry.sequence, row.balance) for row in second] == [(3, 3), (2, 2), (1, 1)]
    (payment,) = client.get("/earnings/?kind=payment").context["rows"]
    assert payment.balance == 50


def test_explains_each_line_and_links_to_its_conversion(world: World) -> None:
    conversion = world.conversion()
    book_changes()

    response = signed_in(world.affiliate).get("/earnings/")

    assert "Flat 120.00 EUR for First deposit (FTD)" in words(response)
    assert f"/conversions/{conversion.public_id}/" in response.content.decode()


def test_amounts_have_their_currencys_places(ana: Affiliate, olga: User) -> None:
    for amount, currency in (("1234.5", "EUR"), ("700", "JPY"), ("1.5", "KWD"), ("0.00012", "BTC")):
        book(ana, olga, amount, currency=currency)

    text = words(signed_in(ana).get("/earnings/"))

    for expected in ("1,234.50 EUR", "700 JPY", "1.500 KWD", "0.00012000 BTC"):
        assert expected in text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("currency=JPY", [3]), ("kind=adjustment", [3, 2, 1]), ("kind=commission", []), ("since=2026-10-21", [])],
)
def test_filters(ana: Affiliate, olga: User, query: str, numbers: list[int]) -> None:
    book(ana, olga, "10", "2")
    book(ana, olga, "700", currency="JPY")

    rows = signed_in(ana).get(f"/earnings/?{query}").context["rows"]

    assert [row.entry.sequence for row in rows] == numbers


def test_exports_the_whole_chain_for_checking(ana: Affiliate, olga: User) -> None:
    book(ana, olga, "10", "-2.5")

    first, second = rows_of(signed_in(ana).get("/earnings/export/"))

    assert (first["number"], first["amount"], first["currency"]) == ("1", "10.00", "EUR")
    assert (second["amount"], second["previous_hash"]) == ("-2.50", first["hash"])
    assert len(second["hash"]) == 64


def test_the_proof_can_be_checked_without_the_program(ana: Affiliate, olga: User) -> None:
    book(ana, olga, "10", "-2.5")
    book(ana, olga, "700", currency="JPY")

    response = signed_in(ana).get("/earnings/proof/")

    document = json.loads(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    before = document["previous_hash"]
    for number, entry in enumerate(document["entries"], start=1):
        seal = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == seal
        assert (entry["sequence"], entry["previous_hash"]) == (number, before)
        before = seal
    assert before == LedgerHead.objects.get(affiliate=ana).hash


def test_says_what_comes_when_nothing_is_booked(ana: Affiliate) -> None:
    client = signed_in(ana)

    assert "Nothing is booked yet" in words(client.get("/earnings/"))
    assert "No statements yet" in words(client.get("/earnings/statements/"))
    assert "No payouts yet" in words(client.get("/earnings/payouts/"))


def test_a_statement_shows_its_sums_lines_and_payout(ana: Affiliate, olga: User) -> None:
    book(ana, olga, "100", "20")
    (statement,) = close_period(ends_at=NOVEMBER, now=LATER, actor=olga)
    client = signed_in(ana)
    address = f"/earnings/statements/{statement.number}/"

    text = words(client.get(address))
    assert "Closing 120.00 EUR" in text
    assert "2 lines adjustment: 120.00 EUR" in text
    assert statement.chain_hash in text
    assert "Due" in text

    mark_paid(payout=statement.payout, reference="SEPA-77", actor=olga, now=LATER)
    assert "reference SEPA-77" in words(client.get(address))
    assert "SEPA-77" in words(client.get("/earnings/payouts/"))


def test_a_statement_lists_its_own_lines_only(ana: Affiliate, olga: User) -> None:
    book(ana, olga, "100")
    book(ana, olga, "700", currency="JPY")
    statement = next(each for each in close_period(ends_at=NOVEMBER, now=LATER, actor=olga) if each.currency == "EUR")
    adjust(affiliate=ana, amount=Decimal(5), currency="EUR", arithmetic="Late", actor=olga, now=LATER)

    lines = rows_of(signed_in(ana).get(f"/earnings/statements/{statement.number}/export/"))

    assert [(line["number"], line["amount"]) for line in lines] == [("1", "100.00")]


def test_a_period_is_named_by_its_days(ana: Affiliate) -> None:
    StatementFactory(affiliate=ana)

    text = words(signed_in(ana, time_zone="America/New_York").get("/earnings/statements/"))

    assert "1 Oct 2026 – 31 Oct 2026" in text
    assert "Carried over" in text


def test_exports_statements_and_payouts(ana: Affiliate) -> None:
    payout = PayoutFactory(statement=StatementFactory(affiliate=ana), reference="SEPA-1")
    client = signed_in(ana)

    (statement,) = rows_of(client.get("/earnings/statements/export/"))
    (paid,) = rows_of(client.get("/earnings/payouts/export/"))

    assert (statement["closing"], statement["payout_id"]) == ("100.00", payout.public_id)
    assert (paid["amount"], paid["statement"], paid["reference"]) == ("100.00", payout.statement.number, "SEPA-1")


def test_says_how_much_of_the_balance_is_due(ana: Affiliate) -> None:
    LedgerEntryFactory(affiliate=ana, amount=Decimal(150))
    PayoutFactory(statement=StatementFactory(affiliate=ana))

    assert "100.00 EUR of it is due for payout" in words(signed_in(ana).get("/earnings/"))
