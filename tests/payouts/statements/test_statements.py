from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from payouts.ledger.booking import adjust
from payouts.models import LedgerEntry, Payout, Statement
from payouts.paying.payments import mark_paid
from payouts.statements.payout_terms import draft_payout
from payouts.statements.statements import PeriodRefused, close_period, statement_number

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11, 12))

Book = Callable[..., LedgerEntry]


@pytest.fixture
def book(ana: Affiliate, olga: User) -> Book:
    def booking(amount: str, at: datetime, currency: str = "EUR", affiliate: Affiliate = ana) -> LedgerEntry:
        amounts = {"amount": Decimal(amount), "currency": currency}
        return adjust(affiliate=affiliate, arithmetic="A bonus", actor=olga, now=at, **amounts)  # type: ignore[arg-type]

    return booking


def sums(statement: Statement) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return statement.opening, statement.earned, statement.paid, statement.closing


def test_a_statement_covers_what_was_booked_before_its_end(ana: Affiliate, book: Book, olga: User) -> None:
    book("10", OCTOBER + timedelta(days=3, hours=5))
    last = book("-2.50", NOVEMBER - timedelta(microseconds=1))
    book("99", NOVEMBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER + timedelta(hours=1), actor=olga)
    assert sums(statement) == (0, Decimal("7.50"), 0, Decimal("7.50"))
    assert (statement.first_sequence, statement.last_sequence, statement.chain_hash) == (1, 2, last.hash)
    assert (statement.starts_at, statement.ends_at) == (OCTOBER + timedelta(days=3), NOVEMBER)
    assert (statement.number, statement.closed_by) == (f"2026-10-{ana.public_id}-EUR", olga)
    payout = Payout.objects.get()
    assert (payout.statement, payout.amount, payout.currency, payout.status) == (
        statement,
        Decimal("7.5"),
        "EUR",
        "due",
    )


def test_the_next_statement_goes_on_where_the_last_one_ended(book: Book, olga: User) -> None:
    book("10", OCTOBER)
    [first] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    mark_paid(payout=first.payout, reference="SEPA 1", actor=olga, now=NOVEMBER + timedelta(days=2))
    book("4", NOVEMBER + timedelta(days=3))
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER)
    assert sums(second) == (10, 4, -10, 4)
    assert (second.starts_at, second.first_sequence, second.last_sequence) == (NOVEMBER, 2, 3)
    assert second.payout.amount == 4


def test_each_currency_has_a_statement_of_its_own(ana: Affiliate, book: Book) -> None:
    book("10", OCTOBER), book("1500", OCTOBER, "JPY"), book("0.125", OCTOBER, "KWD")
    statements = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert [(statement.number, statement.closing) for statement in statements] == [
        (f"2026-10-{ana.public_id}-EUR", Decimal(10)),
        (f"2026-10-{ana.public_id}-JPY", Decimal(1500)),
        (f"2026-10-{ana.public_id}-KWD", Decimal("0.125")),
    ]
    assert {statement.last_sequence for statement in statements} == {3}


def test_a_currency_that_rests_gets_no_statement_and_no_gap(book: Book) -> None:
    book("10", OCTOBER), book("1500", OCTOBER, "JPY")
    close_period(ends_at=NOVEMBER, now=NOVEMBER)
    book("5", NOVEMBER)
    assert [statement.currency for statement in close_period(ends_at=DECEMBER, now=DECEMBER)] == ["EUR"]
    book("500", DECEMBER, "JPY")
    january = datetime(2027, 1, 1, tzinfo=UTC)
    [yen] = close_period(ends_at=january, now=january)
    assert sums(yen) == (1500, 500, 0, 2000)
    assert (yen.starts_at, yen.first_sequence, yen.last_sequence) == (NOVEMBER, 3, 4)


def test_closing_again_changes_nothing(book: Book, ben: Affiliate) -> None:
    book("10", OCTOBER), book("20", OCTOBER, affiliate=ben)
    assert len(close_period(ends_at=NOVEMBER, now=NOVEMBER)) == 2
    assert close_period(ends_at=NOVEMBER, now=DECEMBER) == []
    assert close_period(ends_at=OCTOBER + timedelta(days=5), now=DECEMBER) == []
    assert (Statement.objects.count(), Payout.objects.count()) == (2, 2)


def test_goes_on_after_a_crash_in_the_middle(
    book: Book, ana: Affiliate, ben: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    book("10", OCTOBER), book("20", OCTOBER, affiliate=ben)

    def fail_for_ben(statement: Statement, *terms: Any) -> Payout | None:
        if statement.affiliate == ben:
            raise ConnectionError
        return draft_payout(statement, *terms)

    monkeypatch.setattr("payouts.statements.statements.draft_payout", fail_for_ben)
    with pytest.raises(ConnectionError):
        close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert [statement.affiliate for statement in Statement.objects.all()] == [ana]
    monkeypatch.undo()
    assert [statement.affiliate for statement in close_period(ends_at=NOVEMBER, now=NOVEMBER)] == [ben]
    assert Payout.objects.count() == 2


def test_nothing_is_booked_into_a_period_that_is_closed(book: Book) -> None:
    book("10", OCTOBER)
    close_period(ends_at=NOVEMBER, now=NOVEMBER)
    late = book("5", OCTOBER + timedelta(days=20))
    assert late.booked_at == NOVEMBER
    assert close_period(ends_at=NOVEMBER, now=DECEMBER) == []
    [statement] = close_period(ends_at=DECEMBER, now=DECEMBER)
    assert sums(statement) == (10, 5, 0, 15)


def test_a_payout_covers_only_what_no_other_payout_does(book: Book) -> None:
    book("10", OCTOBER)
    [first] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    book("4", NOVEMBER)
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER)
    assert (first.payout.amount, second.closing, second.payout.amount) == (10, 14, 4)


def test_a_payout_paid_between_the_end_and_the_closing_is_not_paid_again(book: Book, olga: User) -> None:
    book("10", OCTOBER)
    [first] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    book("4", NOVEMBER)
    mark_paid(payout=first.payout, reference="SEPA 1", actor=olga, now=DECEMBER + timedelta(days=3))
    [second] = close_period(ends_at=DECEMBER, now=DECEMBER + timedelta(days=5))
    assert (second.paid, second.closing, second.payout.amount) == (0, 14, 4)


@pytest.mark.parametrize("amounts", [["-5"], ["5", "-5"]])
def test_nothing_is_due_when_the_balance_is_not_positive(book: Book, amounts: list[str]) -> None:
    for amount in amounts:
        book(amount, OCTOBER)
    [statement] = close_period(ends_at=NOVEMBER, now=NOVEMBER)
    assert statement.closing == sum(map(Decimal, amounts))
    assert not Payout.objects.exists()


def test_refuses_a_period_that_is_not_over(book: Book) -> None:
    book("10", OCTOBER)
    with pytest.raises(PeriodRefused, match="not over: it ends at 2026-11-01 00:00 UTC, in the future"):
        close_period(ends_at=NOVEMBER, now=NOVEMBER - timedelta(seconds=1))
    assert not Statement.objects.exists()


@pytest.mark.parametrize("ends_at", [OCTOBER + timedelta(hours=1), datetime(2026, 10, 1)])  # noqa: DTZ001
def test_refuses_an_end_that_is_no_midnight_in_utc(ends_at: datetime) -> None:
    with pytest.raises(PeriodRefused, match="ends at a midnight in UTC"):
        close_period(ends_at=ends_at, now=NOVEMBER)


def test_numbers_of_periods_within_a_month_differ() -> None:
    ends = [OCTOBER + timedelta(days=days) for days in (1, 15, 31)]
    assert [statement_number("af_x", "USDT", end) for end in ends] == [
        "2026-10-01-af_x-USDT",
        "2026-10-15-af_x-USDT",
        "2026-10-af_x-USDT",
    ]
