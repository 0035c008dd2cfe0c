"""Plans that look back on earlier events: whole accounts are priced, and follow by lines of difference."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate
from conversions.models import Conversion, Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule, LedgerEntry
from payouts.plan_changes.publish import PlanRefused
from payouts.queries import balances, explain
from payouts.verification.verify import Verification
from tests.factories import AffiliateFactory, ClickFactory, ConversionFactory, CustomerFactory, GoalFactory
from tests.payouts.deals import APPROVED, REJECTED, deal, flat, move, percent

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
STEPS = [{"above": "0", "percent": "10"}, {"above": "1000", "percent": "20"}]


@pytest.fixture
def sale(db: None) -> Goal:
    return GoalFactory(name="Sale")


def tiers(goal: Goal, mode: str) -> CommissionRule:
    formula = {"basis": "revenue", "mode": mode, "period": "month", "steps": STEPS}
    return CommissionRule(goal=goal, kind=CommissionRule.Kind.TIERED, formula=formula)


def convert(goal: Goal, affiliate: Affiliate, day: int, revenue: str, **fields: Any) -> Conversion:
    return ConversionFactory(
        goal=goal, affiliate=affiliate, revenue=Decimal(revenue), occurred_at=OCTOBER + timedelta(days=day), **fields
    )


def amounts(affiliate: Affiliate) -> list[Decimal]:
    entries = LedgerEntry.objects.filter(affiliate=affiliate).order_by("sequence")
    return [entry.amount.normalize() for entry in entries]


def balance(affiliate: Affiliate) -> Decimal:
    return balances(affiliate)[0].amount


def findings() -> list[Any]:
    return list(Verification().findings())


def test_crossing_a_whole_volume_tier_books_the_difference_for_earlier_events(ana: Affiliate, sale: Goal) -> None:
    deal(tiers(sale, "whole"))
    # 600 at 10 % = 60. With 600 more the month is at 1200, so all of it at 20 %: the first gains 60, the second 120.
    convert(sale, ana, 1, "600")
    book_changes()
    second = convert(sale, ana, 2, "600")
    book_changes()
    assert amounts(ana)[0] == 60
    assert sorted(amounts(ana)[1:]) == [60, 120]
    # Without the second the month is at 600 again: 60 in all.
    move(second, REJECTED)
    book_changes()
    assert balance(ana) == 60
    assert findings() == []


def test_an_event_that_comes_late_moves_the_marginal_tier_of_later_ones(ana: Affiliate, sale: Goal) -> None:
    deal(tiers(sale, "marginal"))
    convert(sale, ana, 5, "900")
    book_changes()
    convert(sale, ana, 2, "300")
    book_changes()
    # 300 at 10 % = 30; then 700 at 10 % + 200 at 20 % = 110.
    assert balance(ana) == 140
    quotes = explain(Conversion.objects.values_list("pk", flat=True))
    assert sorted(quote.lines[0].amount for quote in quotes.values()) == [30, 110]
    assert findings() == []


def test_the_size_of_batches_does_not_matter_to_tiers(ana: Affiliate, sale: Goal) -> None:
    deal(tiers(sale, "marginal"))
    for day in (9, 3, 7, 1, 5):
        convert(sale, ana, day, "400")
    while book_changes(limit=2):
        pass
    # 2000 in the month: 1000 at 10 % + 1000 at 20 %.
    assert balance(ana) == 300
    assert findings() == []


def test_a_tampered_tier_line_is_found(ana: Affiliate, sale: Goal) -> None:
    deal(tiers(sale, "marginal"))
    convert(sale, ana, 1, "900")
    late = convert(sale, ana, 2, "300")
    book_changes()
    Conversion.objects.filter(pk=late.pk).update(revenue=Decimal(500))
    [found] = findings()
    # 100 at 10 % + 400 at 20 % = 90 in place of 50.
    assert "40.00 EUR less" in found.problem


def test_an_event_goes_by_the_parents_of_its_time(ben: Affiliate, sale: Goal) -> None:
    """A parent that comes later neither takes what the earlier one was paid, nor makes history look wrong."""
    ana, cleo = AffiliateFactory(parent=ben), AffiliateFactory(name="Cleo")
    shares = CommissionRule(kind=CommissionRule.Kind.PARENTS, formula={"of": "commission", "levels": ["10"]})
    deal(percent(sale, "10"), shares)
    old = convert(sale, ana, 1, "100")
    book_changes()
    Affiliate.objects.filter(pk=ana.pk).update(parent=cleo)
    assert findings() == []
    Conversion.objects.filter(pk=old.pk).update(booked_at=None)
    book_changes()
    assert (amounts(ben), amounts(cleo)) == ([1], [])
    ConversionFactory(goal=sale, affiliate=ana, revenue=Decimal(100), occurred_at=datetime.now(UTC))
    book_changes()
    assert (amounts(ben), amounts(cleo)) == ([1], [1])
    assert findings() == []


def test_a_grandparent_that_comes_later_has_no_share_of_what_was_before(ben: Affiliate, sale: Goal) -> None:
    ana, cleo = AffiliateFactory(parent=ben), AffiliateFactory(name="Cleo")
    shares = CommissionRule(kind=CommissionRule.Kind.PARENTS, formula={"of": "commission", "levels": ["10", "5"]})
    deal(flat(sale, "100"), shares)
    Affiliate.objects.filter(pk=ben.pk).update(parent=cleo)
    convert(sale, ana, 1, "80")
    ConversionFactory(goal=sale, affiliate=ana, occurred_at=datetime.now(UTC))
    book_changes()
    assert (amounts(ben), amounts(cleo)) == ([10, 10], [5])


def test_three_levels_share_and_give_back_with_the_child(sale: Goal) -> None:
    top = AffiliateFactory()
    middle = AffiliateFactory(parent=top)
    ana = AffiliateFactory(parent=middle)
    shares = CommissionRule(kind=CommissionRule.Kind.PARENTS, formula={"of": "commission", "levels": ["10", "5", "2"]})
    deal(flat(sale, "120"), shares)
    row = convert(sale, ana, 1, "80")
    book_changes()
    # 120 for the child, 10 % of it for its parent, 5 % for the parent's parent; there is no third level.
    assert [balance(each) for each in (ana, middle, top)] == [120, 12, 6]
    assert findings() == []
    move(row, REJECTED)
    book_changes()
    assert [balance(each) for each in (ana, middle, top)] == [0, 0, 0]


def test_a_country_is_that_of_the_click(ana: Affiliate, sale: Goal) -> None:
    german = flat(sale, "9")
    german.country = "DE"
    deal(flat(sale, "5"), german)
    click = ClickFactory(country="DE")
    convert(sale, ana, 1, "80", click_id=click.pk)
    convert(sale, ana, 2, "80")
    book_changes()
    assert sorted(amounts(ana)) == [5, 9]


def test_a_budget_is_spent_in_the_order_of_events(ana: Affiliate, ben: Affiliate, sale: Goal) -> None:
    rule = percent(sale, "50")
    rule.cap_amount, rule.limit_currency, rule.cap_period = Decimal(60), "EUR", "month"
    deal(rule)
    later = convert(sale, ana, 5, "100")
    convert(sale, ben, 5, "100")
    book_changes()
    convert(sale, ana, 1, "100")
    book_changes()
    # The earlier one takes 50 of the 60, so that the later keeps 10. Ben has a budget of his own.
    assert (balance(ana), balance(ben)) == (60, 50)
    assert "10.00 EUR is left of 60.00 EUR" in explain([later.pk])[later.pk].lines[0].arithmetic


def test_a_negative_month_is_carried_into_the_next(ana: Affiliate, sale: Goal) -> None:
    formula = {"carryover": True, "deductions": [{"name": "winnings"}]}
    deal(CommissionRule(goal=sale, kind=CommissionRule.Kind.NET_REVENUE, percent=Decimal(30), formula=formula))
    carl = CustomerFactory(advertiser=sale.offer.advertiser)
    # October: 1000 - 1500 won = -500. November: 800 - 500 = 300; 30 % = 90.
    convert(sale, ana, 1, "1000", customer=carl, deductions={"winnings": "1500"})
    convert(sale, ana, 40, "800", customer=carl)
    book_changes()
    assert amounts(ana) == [90]
    # Before: a October event of 200 less is known late: -700, so November is at 100; 30 % = 30.
    convert(sale, ana, 2, "0", customer=carl, deductions={"winnings": "200"})
    book_changes()
    assert balance(ana) == 30
    assert findings() == []


def test_the_linter_refuses_ties(ana: Affiliate, sale: Goal) -> None:
    first, second = flat(sale, "5"), percent(sale, "5")
    first.is_component = True
    with pytest.raises(PlanRefused, match="several rules; keep one"):
        deal(first, second)
    second.is_component = True
    assert deal(first, second).rules.count() == 2


def test_validity_may_follow_but_not_overlap(sale: Goal) -> None:
    first, second = flat(sale, "5"), flat(sale, "6")
    first.valid_until = OCTOBER
    second.valid_from = OCTOBER - timedelta(days=1)
    with pytest.raises(PlanRefused, match="at the same time"):
        deal(first, second)
    second.valid_from = OCTOBER
    assert deal(first, second).rules.count() == 2


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ({}, "cannot be read"),
        ({"basis": "count", "mode": "whole", "period": "year", "steps": STEPS}, "the period of tiers"),
        ({"basis": "revenue", "mode": "whole", "period": "month", "steps": STEPS[::-1]}, "begins above"),
        ({"basis": "revenue", "mode": "whole", "period": "month", "steps": [{"above": 0, "percent": "1"}]}, "be read"),
        (
            {"basis": "count", "mode": "whole", "period": "month", "steps": [{"above": "0", "amount": "1"}]},
            "name the currency",
        ),
    ],
)
def test_a_faulty_formula_is_refused(sale: Goal, formula: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlanRefused, match=problem):
        deal(CommissionRule(goal=sale, kind=CommissionRule.Kind.TIERED, formula=formula))
    assert Conversion.objects.filter(status=APPROVED).count() == 0
