"""Blocks of accounts closed together come to the same as one account closed after the other, in few queries."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from affiliates.models import Affiliate, User
from bench.baselines.closing import close_one
from conversions.models import Conversion, Goal
from payouts.ledger.booking import adjust, book_changes
from payouts.ledger.chain import Draft, append
from payouts.models import ExchangeRate, LedgerEntry, Payout, PayoutTerms, Statement
from payouts.paying.payments import mark_paid, mark_returned
from payouts.rates.daily import DayRate, store
from payouts.statements import statements
from payouts.statements.statements import close_period, to_close
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory, OperatorFactory
from tests.payouts.at_once import at_once
from tests.payouts.deals import deal, flat

Kind = LedgerEntry.Kind
ENDS = [datetime(2026, month, 1, tzinfo=UTC) for month in (8, 9, 10, 11)]
CURRENCIES = ("EUR", "EUR", "USD", "JPY", "GBP")
Close = Callable[[datetime], list[Statement]]


def in_sets(ends_at: datetime) -> list[Statement]:
    return close_period(ends_at=ends_at, now=ends_at)


def one_by_one(ends_at: datetime) -> list[Statement]:
    return [made for pk in to_close(ends_at) for made in close_one(pk, ends_at, ends_at)]


def a_crowd(dice: random.Random, number: int) -> list[Conversion]:
    """Affiliates with terms, currencies and a conversion each; rates for all but the pound."""
    goal, crowd = GoalFactory(), []
    for _ in range(number):
        affiliate = AffiliateFactory(currency=dice.choice(CURRENCIES))
        if dice.random() < 0.5:
            PayoutTerms.objects.create(affiliate=affiliate, **some_terms(dice))
        crowd.append(ConversionFactory(goal=goal, affiliate=affiliate, booked_at=ENDS[0]))
    PayoutTerms.objects.create(**some_terms(dice))
    days = [end.date() - timedelta(days=dice.choice((1, 3, 9))) for end in ENDS]
    rates = [DayRate(day, *rate) for day in days for rate in (("USD", Decimal("1.0837")), ("JPY", Decimal("163.41")))]
    store(rates, source=ExchangeRate.Source.ECB)
    return crowd


def some_terms(dice: random.Random) -> dict[str, Any]:
    return {
        "minimum": Decimal(dice.choice((0, 20, 75))),
        "fee": Decimal(dice.choice(("0", "1.50", "1.50"))),
        "currency": dice.choice(("EUR", "USD", "JPY")),
        "hold_days": dice.choice((0, 7, 40)),
    }


def some_entries(dice: random.Random, crowd: list[Conversion], end: datetime) -> None:
    """Lines of some affiliates in the month before, and some after its end that do not belong to it."""
    for day in (-20, -3, 2):
        drafts = []
        for row in dice.sample(crowd, len(crowd) * 2 // 3):
            kind = dice.choice((Kind.COMMISSION, Kind.COMMISSION, Kind.REVERSAL, Kind.ADJUSTMENT))
            amount = Decimal(dice.randint(1, 90)) * (-1 if kind == Kind.REVERSAL else 1)
            happened = end + timedelta(days=day - dice.choice((0, 5, 30)))
            words = (kind, amount, dice.choice(CURRENCIES), "as it was agreed", happened)
            drafts.append(Draft(row.affiliate_id, *words, conversion=(row.pk, row.public_id)))
        append(drafts, now=end + timedelta(days=day))


def settle(dice: random.Random, actor: User, now: datetime) -> None:
    """Pay some of what is due, and have some of that come back."""
    for payout in Payout.objects.filter(status="due").order_by("statement__number"):
        if dice.random() < 0.6:
            mark_paid(payout=payout, reference="SEPA", actor=actor, now=now)
            if dice.random() < 0.3:
                mark_returned(payout=payout, why="The account is closed", actor=actor, now=now)


def story(seed: int, crowd: list[Conversion], actor: User, close: Close) -> list[Any]:
    """Four months, each closed this way; what was stated and what fell due. Nothing of it stays."""
    dice = random.Random(seed)
    with transaction.atomic():
        for end in ENDS:
            some_entries(dice, crowd, end)
            made = close(end)
            assert close(end) == []
            assert [row.pk for row in made] == list(
                Statement.objects.filter(ends_at=end).order_by("pk").values_list("pk", flat=True)
            )
            settle(dice, actor, end + timedelta(days=dice.choice((1, 3))))
        # These lines stand on no plan, so only their prices do not fit.
        findings = [found.subject for found in Verification().findings()]
        assert [subject for subject in findings if not subject.startswith("Conversion")] == []
        found = [facts_of(row) for row in Statement.objects.order_by("number").select_related("payout")]
        transaction.set_rollback(True)
    return found


def facts_of(row: Statement) -> dict[str, Any]:
    """All fields of a statement and of its payout but those that differ from run to run."""
    by_run = {"id", "chain_hash", "public_id", "statement", "reference"}
    payout = getattr(row, "payout", None)
    facts = [
        {field.name: getattr(each, field.attname) for field in each._meta.concrete_fields if field.name not in by_run}
        for each in (row, payout)
        if each
    ]
    last = LedgerEntry.objects.get(affiliate=row.affiliate_id, sequence=row.last_sequence)
    return {"statement": facts[0], "payout": facts[1:], "over the chain": last.hash == row.chain_hash}


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_blocks_come_to_the_same_as_one_by_one(seed: int, olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "BLOCK", 5)
    crowd = a_crowd(random.Random(seed), 12)
    expected = story(seed, crowd, olga, one_by_one)
    assert story(seed, crowd, olga, in_sets) == expected
    assert len(expected) > 60
    assert any(facts["payout"] and facts["payout"][0]["fee"] and facts["payout"][0]["rate"] for facts in expected)
    assert any(facts["statement"]["held_until"] for facts in expected)
    assert all(facts["over the chain"] for facts in expected)


@pytest.mark.django_db
def test_a_block_takes_as_many_queries_for_two_as_for_forty(olga: User) -> None:
    counts = []
    for number in (2, 40):
        with transaction.atomic():
            dice = random.Random(number)
            crowd = a_crowd(dice, number)
            for row in crowd:
                PayoutTerms.objects.update_or_create(
                    affiliate=row.affiliate, defaults={"minimum": 1, "fee": 1, "currency": "EUR", "hold_days": 7}
                )
                for currency in ("EUR", "USD", "JPY"):
                    amount = {"amount": Decimal(5_000), "currency": currency}
                    adjust(
                        affiliate=row.affiliate, arithmetic="x", actor=olga, now=ENDS[0] - timedelta(days=9), **amount
                    )
            affiliates = to_close(ENDS[0])
            with CaptureQueriesContext(connection) as queries, transaction.atomic():
                made = statements.close_block(affiliates, ENDS[0], ENDS[0], None)
            assert len(made) == 3 * number == Payout.objects.count()
            counts.append(len(queries))
            transaction.set_rollback(True)
    assert counts[0] == counts[1] <= 17


@pytest.mark.django_db(transaction=True)
def test_closing_blocks_and_booking_for_the_same_affiliates_do_not_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "BLOCK", 20)
    goal: Goal = GoalFactory()
    deal(flat(goal, "1"))
    crowd = AffiliateFactory.create_batch(30)
    actor = OperatorFactory()
    days = [ENDS[0] + timedelta(days=number) for number in range(6)]
    for affiliate in [*crowd, *reversed(crowd)] * 3:
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=ENDS[0])

    def book() -> None:
        for day in days:
            book_changes(limit=31, now=day)

    def correct() -> None:
        for day in days:
            for affiliate in crowd[::7]:
                adjust(affiliate=affiliate, amount=Decimal(1), currency="EUR", arithmetic="x", actor=actor, now=day)

    def close() -> None:
        for day in days:
            close_period(ends_at=day, now=day)

    assert at_once(book, close, correct, close, book) == [None] * 5
    while book_changes(now=days[-1]):
        pass
    last = days[-1] + timedelta(days=1)
    close_period(ends_at=last, now=last)
    assert list(Verification().findings()) == []
    newest = {row.affiliate_id: row.closing for row in Statement.objects.order_by("ends_at")}
    assert newest == {affiliate.pk: 6 + 6 * (affiliate in crowd[::7]) for affiliate in crowd}


@pytest.mark.django_db
def test_two_blocks_of_which_one_account_fails_keep_all_others(olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failing account is found by halves, so that thirty others are not tried one by one."""
    monkeypatch.setattr(statements, "BLOCK", 16)
    crowd: list[Affiliate] = AffiliateFactory.create_batch(32)
    for affiliate in crowd:
        now = ENDS[0] - timedelta(days=1)
        adjust(affiliate=affiliate, amount=Decimal(9), currency="EUR", arithmetic="x", actor=olga, now=now)
    close, tried = statements.close_block, list[int]()

    def fail_with_one(affiliate_ids: list[int], *rest: Any) -> list[Statement]:
        tried.append(len(affiliate_ids))
        made = close(affiliate_ids, *rest)
        if crowd[20].pk in affiliate_ids:
            raise RuntimeError("Too much")
        return made

    monkeypatch.setattr(statements, "close_block", fail_with_one)
    with pytest.raises(RuntimeError, match="Too much"):
        in_sets(ENDS[0])
    closed = set(Statement.objects.values_list("affiliate", flat=True))
    assert closed == {affiliate.pk for affiliate in crowd} - {crowd[20].pk}
    assert sorted(tried) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16]
