from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates.models import Affiliate
from conversions.models import Conversion, Goal
from payouts.ledger.booking import Due, book_changes, differences
from payouts.ledger.owed import Slot
from payouts.models import LedgerEntry
from payouts.pricing import CommissionLine, PricedConversion, Quote
from payouts.queries import balances
from records.money import round_money
from tests.examples import examples
from tests.factories import ConversionFactory, GoalFactory
from tests.payouts.deals import APPROVED, NOW, PENDING, REJECTED, deal, flat, move, percent

# The rows of one example stay for the next: each makes conversions of its own, so that does no harm.
IN_DATABASE = settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CENTS = st.decimals(min_value="0.01", max_value=10**6, places=2)
RULES = st.integers(1, 5)
EVENT = PricedConversion(7, 1, 1, 1, "approved", None, "EUR", NOW)


def a_line(rule_id: int, amount: Decimal) -> CommissionLine:
    return CommissionLine(EVENT.affiliate_id, rule_id, rule_id, amount, "EUR", f"line {rule_id}")


def a_slot(rule_id: int) -> Slot:
    return Slot(EVENT.affiliate_id, rule_id, rule_id, "EUR")


@given(st.dictionaries(RULES, CENTS), st.dictionaries(RULES, st.one_of(CENTS, st.just(Decimal(0)))))
def test_booked_and_difference_come_to_what_is_owed(owed: dict[int, Decimal], booked: dict[int, Decimal]) -> None:
    quote = Quote(tuple(a_line(rule_id, amount) for rule_id, amount in owed.items()), "" if owed else "Nothing.")
    slots = {a_slot(rule_id): amount for rule_id, amount in booked.items()}
    drafts = differences([Due(EVENT, "cv_x")], {EVENT.id: quote}, {EVENT.id: slots})
    after: dict[int | None, Decimal] = defaultdict(Decimal, booked)
    for draft in drafts:
        assert draft.amount
        assert (draft.kind == "commission") == (draft.amount > 0)
        after[draft.rule_id] += draft.amount
    assert {rule_id: amount for rule_id, amount in after.items() if amount} == owed


def test_several_lines_of_a_conversion_are_kept_apart() -> None:
    quote = Quote((a_line(1, Decimal(10)), a_line(2, Decimal(30))))
    booked = {EVENT.id: {a_slot(2): Decimal(40)}}
    drafts = differences([Due(EVENT, "cv_x")], {EVENT.id: quote}, booked)
    assert [(draft.rule_id, draft.amount) for draft in drafts] == [(1, 10), (2, -10)]


@pytest.fixture
def deposit(db: None) -> Goal:
    goal = GoalFactory(name="Deposit")
    deal(percent(goal, "33.333333"))
    return goal


ACTIONS = st.lists(st.one_of(st.sampled_from(["approve", "reject", "book"]), CENTS), max_size=12)


@IN_DATABASE
@given(ACTIONS)
def test_after_booking_the_entries_come_to_what_is_owed(
    ana: Affiliate, deposit: Goal, actions: list[str | Decimal]
) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, status=PENDING)
    for action in actions:
        if isinstance(action, Decimal):
            Conversion.objects.filter(pk=conversion.pk).update(revenue=action, booked_at=None)
        elif action == "book":
            book_changes()
        else:
            move(conversion, APPROVED if action == "approve" else REJECTED)
    book_changes()
    conversion.refresh_from_db()
    share = round_money(conversion.revenue * Decimal("0.33333333"), "EUR")
    entries = LedgerEntry.objects.filter(conversion=conversion)
    assert (entries.aggregate(total=Sum("amount"))["total"] or 0) == (share if conversion.status == APPROVED else 0)


@IN_DATABASE
@given(CENTS, st.integers(1, 4))
def test_rejecting_and_approving_again_returns_to_the_same_balance(
    ana: Affiliate, deposit: Goal, revenue: Decimal, rounds: int
) -> None:
    conversion = ConversionFactory(goal=deposit, affiliate=ana, revenue=revenue)
    book_changes()
    before = balances(ana)
    for _ in range(rounds):
        move(conversion, REJECTED)
        book_changes()
        move(conversion, APPROVED)
        book_changes()
    assert balances(ana) == before


@IN_DATABASE
@given(st.permutations(range(6)), st.integers(1, 6))
def test_the_order_and_the_size_of_batches_do_not_matter(
    ana: Affiliate, ben: Affiliate, deposit: Goal, order: list[int], limit: int
) -> None:
    ftd = GoalFactory()
    deal(flat(ftd, "120"))
    made = [
        ConversionFactory(
            goal=(ftd, deposit)[n % 2],
            affiliate=(ana, ben)[n % 3 % 2],
            revenue=Decimal(n),
            currency=("EUR", "USD")[n % 2],
            status=(APPROVED, APPROVED, PENDING)[n % 3],
            occurred_at=NOW - timedelta(days=n),
            booked_at=NOW,
        )
        for n in range(6)
    ]
    with transaction.atomic():
        Conversion.objects.filter(pk__in=[row.pk for row in made]).update(booked_at=None)
        book_changes()
        all_at_once = balances(ana), balances(ben)
        transaction.set_rollback(True)
    for n in order:
        Conversion.objects.filter(pk=made[n].pk).update(booked_at=None)
        if n % 2:
            book_changes(limit=limit)
    while book_changes(limit=limit):
        pass
    assert (balances(ana), balances(ben)) == all_at_once
