import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from affiliates.models import Affiliate, User
from conversions.models import Conversion, Goal
from payouts.ledger import booking
from payouts.ledger.booking import AdjustmentRefused, UnknownCurrency, ZeroAmount, adjust, book_changes
from payouts.ledger.chain import EntryFacts, canonical_text, seal
from payouts.models import LedgerEntry, LedgerHead
from payouts.queries import balances
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory
from tests.payouts.deals import APPROVED, NOW, PENDING, REJECTED, deal, flat, lines, move, percent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ftd() -> Goal:
    goal = GoalFactory()
    deal(flat(goal, "120"))
    return goal


@pytest.fixture
def deposit() -> Goal:
    goal = GoalFactory(name="Deposit", kind=Goal.Kind.DEPOSIT)
    deal(percent(goal, "25"))
    return goal


def test_books_an_approved_conversion_once(ana: Affiliate, ftd: Goal) -> None:
    conversion = ConversionFactory(goal=ftd, affiliate=ana, occurred_at=NOW - timedelta(hours=2))
    assert book_changes(now=NOW) == 1
    entry = LedgerEntry.objects.get()
    assert (entry.affiliate, entry.sequence, entry.kind, entry.conversion) == (ana, 1, "commission", conversion)
    assert (entry.amount, entry.currency) == (Decimal(120), "EUR")
    assert (entry.occurred_at, entry.booked_at) == (NOW - timedelta(hours=2), NOW)
    assert entry.rule is not None
    assert (entry.rule.goal, entry.plan_version) == (ftd, entry.rule.version)
    conversion.refresh_from_db()
    assert conversion.booked_at == NOW
    assert book_changes(now=NOW) == 0
    assert LedgerEntry.objects.count() == 1


def test_a_forgotten_mark_books_nothing_twice(ana: Affiliate, ftd: Goal) -> None:
    ConversionFactory(goal=ftd, affiliate=ana)
    book_changes()
    Conversion.objects.update(booked_at=None)
    assert book_changes() == 1
    assert balances(ana) == [("EUR", 120)]


def test_a_pending_conversion_is_looked_at_and_earns_nothing(ana: Affiliate, ftd: Goal) -> None:
    conversion = ConversionFactory(goal=ftd, affiliate=ana, status=PENDING)
    assert book_changes(now=NOW) == 1
    assert balances(ana) == []
    move(conversion, APPROVED)
    assert book_changes(now=NOW) == 1
    assert balances(ana) == [("EUR", 120)]


def test_a_rejection_takes_back_what_was_booked(ana: Affiliate, deposit: Goal) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, revenue=Decimal("80"))
    book_changes(now=NOW)
    for status in (REJECTED, APPROVED):
        move(conversion, status)
        book_changes(now=NOW)
    assert lines(ana) == [
        ("commission", 20, "EUR", "25 % of 80.00 EUR = 20.00 EUR"),
        ("reversal", -20, "EUR", "takes back 20.00 EUR. The conversion is rejected; only an approved one earns."),
        ("commission", 20, "EUR", "25 % of 80.00 EUR = 20.00 EUR"),
    ]
    first, reversal, _ = LedgerEntry.objects.order_by("sequence")
    assert (reversal.rule, reversal.plan_version) == (first.rule, first.plan_version)


def test_a_rejection_before_booking_leaves_no_line(ana: Affiliate, ftd: Goal) -> None:
    move(ConversionFactory(goal=ftd, affiliate=ana), REJECTED)
    book_changes()
    assert lines(ana) == []


@pytest.mark.parametrize(
    ("revenue", "kind", "difference", "words"),
    [
        ("100", "commission", "5", "25 % of 100.00 EUR = 25.00 EUR; 20.00 EUR booked before"),
        ("60", "reversal", "-5", "25 % of 60.00 EUR = 15.00 EUR; 20.00 EUR booked before"),
    ],
)
def test_a_correction_is_the_difference(
    ana: Affiliate, deposit: Goal, revenue: str, kind: str, difference: str, words: str
) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, revenue=Decimal("80"))
    book_changes()
    Conversion.objects.filter(pk=conversion.pk).update(revenue=Decimal(revenue), booked_at=None)
    book_changes()
    assert lines(ana)[1:] == [(kind, Decimal(difference), "EUR", words)]


def test_a_conversion_that_moves_to_another_affiliate_takes_its_commission_along(
    ana: Affiliate, ben: Affiliate, ftd: Goal
) -> None:
    conversion = ConversionFactory(goal=ftd, affiliate=ana)
    book_changes()
    Conversion.objects.filter(pk=conversion.pk).update(affiliate=ben, booked_at=None)
    book_changes()
    assert (balances(ana), balances(ben)) == ([("EUR", 0)], [("EUR", 120)])


def test_a_corrected_currency_is_never_added_to_the_old_one(ana: Affiliate, deposit: Goal) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, revenue=Decimal("80"), currency="EUR")
    book_changes()
    Conversion.objects.filter(pk=conversion.pk).update(currency="USD", booked_at=None)
    book_changes()
    assert balances(ana) == [("EUR", 0), ("USD", 20)]


def test_books_no_more_than_the_limit(ana: Affiliate, ftd: Goal) -> None:
    ConversionFactory.create_batch(5, goal=ftd, affiliate=ana)
    assert [book_changes(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert balances(ana) == [("EUR", 600)]


def test_one_conversion_that_cannot_be_priced_does_not_stop_the_others(ana: Affiliate, deposit: Goal) -> None:
    ConversionFactory(goal=deposit, affiliate=ana, currency="XXX")
    ConversionFactory(goal=GoalFactory(), affiliate=ana)
    ConversionFactory(goal=deposit, affiliate=ana, revenue=None)
    ConversionFactory(goal=deposit, affiliate=ana, revenue=Decimal("80"))
    assert book_changes() == 4
    assert balances(ana) == [("EUR", 20)]


def test_a_failure_books_nothing_and_leaves_all_due(ana: Affiliate, ftd: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    ConversionFactory.create_batch(3, goal=ftd, affiliate=ana)

    def append_then_fail(*args: object, **kwargs: object) -> None:
        real_append(*args, **kwargs)  # type: ignore[arg-type]
        raise ConnectionError

    real_append = booking.append
    monkeypatch.setattr(booking, "append", append_then_fail)
    with pytest.raises(ConnectionError):
        book_changes()
    assert not LedgerEntry.objects.exists()
    assert Conversion.objects.filter(booked_at=None).count() == 3
    monkeypatch.undo()
    assert book_changes() == 3
    assert balances(ana) == [("EUR", 360)]


def test_costs_the_same_queries_for_a_batch_of_any_size(ftd: Goal, deposit: Goal) -> None:
    def queries_for(affiliates: int, conversions_each: int) -> int:
        for affiliate in AffiliateFactory.create_batch(affiliates):
            deal(flat(ftd, "130"), affiliate=affiliate)
            ConversionFactory.create_batch(conversions_each, goal=ftd, affiliate=affiliate)
            ConversionFactory.create_batch(conversions_each, goal=deposit, affiliate=affiliate)
        with CaptureQueriesContext(connection) as queries:
            assert book_changes() == 2 * affiliates * conversions_each
        return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in queries.captured_queries)

    assert queries_for(1, 1) == queries_for(7, 9) == 12


def test_every_affiliate_has_a_chain_of_its_own_without_gaps(ana: Affiliate, ben: Affiliate, ftd: Goal) -> None:
    for affiliate in (ana, ben, ana, ben, ana):
        ConversionFactory(goal=ftd, affiliate=affiliate)
        book_changes()
    for affiliate, numbers in ((ana, [1, 2, 3]), (ben, [1, 2])):
        entries = list(LedgerEntry.objects.filter(affiliate=affiliate).order_by("sequence"))
        assert [entry.sequence for entry in entries] == numbers
        assert [entry.previous_hash for entry in entries] == ["0" * 64, *(entry.hash for entry in entries[:-1])]
        head = LedgerHead.objects.get(affiliate=affiliate)
        assert (head.sequence, head.hash) == (entries[-1].sequence, entries[-1].hash)


def test_the_seal_can_be_derived_without_this_program(ana: Affiliate, deposit: Goal) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, revenue=Decimal("80"), occurred_at=NOW)
    book_changes(now=NOW + timedelta(microseconds=1500))
    entry = LedgerEntry.objects.get()
    text = (
        f'{{"affiliate":"{ana.public_id}","amount":"20.00000000","arithmetic":"25 % of 80.00 EUR = 20.00 EUR",'
        f'"booked_at":"2026-10-15T12:00:00.001500Z","conversion":"{conversion.public_id}","currency":"EUR",'
        f'"kind":"commission","occurred_at":"2026-10-15T12:00:00.000000Z","payout":null,'
        f'"plan_version":{entry.plan_version_id},"previous_hash":"{"0" * 64}","rule":{entry.rule_id},"sequence":1}}'
    )
    assert hashlib.sha256(text.encode()).hexdigest() == entry.hash


def test_the_canonical_form_escapes_only_what_json_demands() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    facts = EntryFacts(
        "af_x", 1, "adjustment", Decimal("-1"), "EUR", None, None, None, None, 'é "½" \\ /', moment, moment, "0"
    )
    assert '"arithmetic":"é \\"½\\" \\\\ /"' in canonical_text(facts)
    assert json.loads(canonical_text(facts))["amount"] == "-1.00000000"


@pytest.mark.parametrize("name", EntryFacts._fields)
def test_the_seal_covers_every_fact(name: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    facts = EntryFacts(
        "af_x", 1, "payment", Decimal(1), "EUR", "cv_x", "po_x", 5, 6, "why", moment, moment, "0" * 64, "ck_x"
    )
    values = {str: "other", int: 99, Decimal: Decimal(2), datetime: moment + timedelta(microseconds=1)}
    changed = facts._replace(**{name: values[type(getattr(facts, name))]})
    assert seal(changed) != seal(facts)


def test_the_time_of_booking_never_goes_back_in_a_chain(ana: Affiliate, ben: Affiliate, ftd: Goal) -> None:
    ConversionFactory(goal=ftd, affiliate=ana)
    book_changes(now=NOW)
    ConversionFactory(goal=ftd, affiliate=ana)
    ConversionFactory(goal=ftd, affiliate=ben)
    earlier = NOW - timedelta(minutes=5)
    book_changes(now=earlier)
    assert [entry.booked_at for entry in LedgerEntry.objects.filter(affiliate=ana).order_by("sequence")] == [NOW, NOW]
    assert LedgerEntry.objects.get(affiliate=ben).booked_at == earlier


def test_an_adjustment_says_why_and_by_whom(ana: Affiliate, olga: User) -> None:
    entry = adjust(
        affiliate=ana, amount=Decimal("-12.50"), currency="EUR", arithmetic=" Bank fee\nof May ", actor=olga, now=NOW
    )
    assert lines(ana) == [("adjustment", Decimal("-12.5"), "EUR", "Bank fee of May")]
    assert (entry.sequence, entry.occurred_at, entry.booked_at) == (1, NOW, NOW)


@pytest.mark.parametrize(
    ("amount", "currency", "why", "error", "message"),
    [
        ("0", "EUR", "Bonus", ZeroAmount, "moves no money"),
        ("0.00", "EUR", "Bonus", ZeroAmount, "moves no money"),
        ("5", "XXX", "Bonus", UnknownCurrency, "'XXX' is not a supported currency"),
        ("5", "", "Bonus", UnknownCurrency, "'' is not a supported currency"),
        ("5", "eur", "Bonus", UnknownCurrency, "'eur' is not a supported currency"),
        ("5.001", "EUR", "Bonus", AdjustmentRefused, r"5.001 has more decimals than EUR is counted in \(2\)"),
        ("5.5", "JPY", "Bonus", AdjustmentRefused, r"5.5 has more decimals than JPY is counted in \(0\)"),
        ("1e16", "EUR", "Bonus", AdjustmentRefused, "not an amount that can be stored"),
        ("NaN", "EUR", "Bonus", AdjustmentRefused, "not an amount that can be stored"),
        ("5", "EUR", " \n", AdjustmentRefused, "Say why"),
        ("5", "EUR", "a\x00b", AdjustmentRefused, "Say why"),
        ("5", "EUR", "x" * 301, AdjustmentRefused, "1 characters too long"),
    ],
)
def test_refuses_an_adjustment_that_cannot_be_booked(
    ana: Affiliate, olga: User, amount: str, currency: str, why: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        adjust(affiliate=ana, amount=Decimal(amount), currency=currency, arithmetic=why, actor=olga, now=NOW)
    assert lines(ana) == []
