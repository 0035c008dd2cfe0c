"""What is shown about a version's rules beside their errors: gaps, overlaps, hints."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conversions.models import Goal
from payouts.models import CommissionPlan, CommissionRule
from payouts.plans.linter import GAP, HINT, OVERLAP, findings, not_shown
from tests.factories import CommissionPlanFactory, GoalFactory, OfferFactory
from tests.payouts.deals import NOW, flat, percent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ftd() -> Goal:
    return GoalFactory(name="First deposit", position=1, needs_revenue=True)


@pytest.fixture
def deposit(ftd: Goal) -> Goal:
    return GoalFactory(offer=ftd.offer, name="Deposit", position=2, needs_revenue=True)


@pytest.fixture
def plan(ftd: Goal, deposit: Goal) -> CommissionPlan:
    return CommissionPlanFactory(offer=ftd.offer)


def reported(plan: CommissionPlan, kind: str, *rules: CommissionRule) -> list[str]:
    return [each.words for each in findings(plan, rules, effective_from=NOW) if each.kind == kind]


def narrowed(rule: CommissionRule, **fields: Any) -> CommissionRule:
    for name, value in fields.items():
        setattr(rule, name, value)
    return rule


def test_a_goal_without_a_rule_is_a_gap(plan: CommissionPlan, ftd: Goal) -> None:
    assert reported(plan, GAP, flat(ftd, "120")) == ["Deposit has no rule: it is counted and earns nothing."]


def test_a_rule_for_every_goal_leaves_no_gap(plan: CommissionPlan) -> None:
    assert reported(plan, GAP, CommissionRule(kind="percent", percent=Decimal(5))) == []


def test_clicks_and_shares_of_parents_price_no_goal(plan: CommissionPlan, ftd: Goal) -> None:
    click = CommissionRule(kind="per_click", amount=Decimal("0.1"), currency="EUR")
    parents = CommissionRule(kind="parents", formula={"of": "commission", "levels": ["10"]})
    assert reported(plan, GAP, flat(ftd, "120"), click, parents) == [
        "Deposit has no rule: it is counted and earns nothing."
    ]


def test_countries_that_nothing_prices_are_named(plan: CommissionPlan, ftd: Goal, deposit: Goal) -> None:
    rules = [narrowed(flat(ftd, "120"), country="DE"), narrowed(flat(ftd, "90"), country="AT"), flat(deposit, "1")]
    assert reported(plan, GAP, *rules) == ["First deposit is priced for AT, DE only: everywhere else it earns nothing."]
    plan.offer.countries = ["DE", "AT", "CH"]
    assert reported(plan, GAP, *rules) == [
        "First deposit is priced for AT, DE only: CH, where the offer takes visitors from, earns nothing."
    ]
    plan.offer.countries = ["DE", "AT"]
    assert reported(plan, GAP, *rules) == []


def test_sub_ids_and_times_that_nothing_prices_are_named(plan: CommissionPlan, ftd: Goal, deposit: Goal) -> None:
    until = datetime(2026, 12, 1, tzinfo=UTC)
    rules = [
        narrowed(flat(ftd, "120"), sub_name="sub1", sub_value="fb"),
        narrowed(flat(deposit, "1"), valid_until=until),
    ]
    assert reported(plan, GAP, *rules) == [
        "First deposit is priced for sub1 = fb only: with any other sub ID it earns nothing.",
        "Deposit earns until 2026-12-01 only; at other times nothing, but where another rule fits.",
    ]


def test_rules_that_meet_without_one_being_the_others_exception_overlap(
    plan: CommissionPlan, ftd: Goal, deposit: Goal
) -> None:
    rules = [
        flat(ftd, "120"),
        narrowed(flat(ftd, "90"), country="DE"),
        narrowed(flat(ftd, "60"), sub_name="sub1", sub_value="fb"),
        narrowed(CommissionRule(kind="percent", percent=Decimal(5)), country="DE"),
        flat(deposit, "1"),
    ]
    assert reported(plan, OVERLAP, *rules) == [
        "Rules 1 and 4 both fit First deposit from DE: there rule 1 goes first.",
        "Rules 2 and 3 both fit First deposit from DE with sub1 = fb: there rule 3 goes first.",
        "Rules 3 and 4 both fit First deposit from DE with sub1 = fb: there rule 3 goes first.",
        "Rules 4 and 5 both fit Deposit from DE: there rule 5 goes first.",
    ]


def test_rules_that_never_meet_do_not_overlap(plan: CommissionPlan, ftd: Goal) -> None:
    first = narrowed(flat(ftd, "90"), country="DE", valid_until=NOW)
    second = narrowed(flat(ftd, "60"), sub_name="sub1", sub_value="fb", valid_from=NOW)
    assert reported(plan, OVERLAP, first, second) == []


def test_hints_name_rules_that_do_not_do_what_one_might_think(plan: CommissionPlan, ftd: Goal, deposit: Goal) -> None:
    lead = GoalFactory(offer=plan.offer, name="Lead", position=3, is_active=False)
    steps = [{"above": "10", "amount": "5"}]
    tiers = {"basis": "count", "mode": "whole", "period": "month", "currency": "EUR", "steps": steps}
    Goal.objects.filter(pk=deposit.pk).update(needs_revenue=False)
    rules = [
        narrowed(flat(ftd, "120"), is_component=True, cap_amount=Decimal(100), cap_period="day"),
        percent(deposit, "25"),
        flat(lead, "1"),
        CommissionRule(kind="per_click", amount=Decimal("0.1"), currency="EUR"),
        narrowed(CommissionRule(goal=ftd, kind="tiered", formula=tiers), country="DE"),
        CommissionRule(kind="percent", percent=Decimal(1)),
        narrowed(flat(ftd, "1"), country="AT", valid_until=NOW - timedelta(days=1)),
    ]
    assert reported(plan, HINT, *rules) == [
        "Rule 1: it is a component of a hybrid, but no other component is for the same events.",
        "Rule 1: its budget is less than a single payment, so that only a part of one is ever paid.",
        "Rule 2: Deposit does not ask for revenue; an event that comes without earns nothing.",
        "Rule 3: Lead is not active: no event of it comes in.",
        "Rule 4: clicks are paid by whole days (UTC), the first one is 2026-10-16.",
        "Rule 5: what lies below 10 in a month earns nothing.",
        "Rule 6: every goal has a rule of its own, which goes before this one: it pays nothing now.",
        "Rule 7: it ends on 2026-10-14, before the version begins.",
    ]


def test_rules_that_no_example_shows_are_named(ftd: Goal) -> None:
    rules = [flat(ftd, "1"), flat(ftd, "2"), flat(ftd, "3")]
    assert [each.words for each in not_shown(rules, {2})] == ["No worked example shows rules 1, 3 of 3 rules."]
    assert not_shown(rules, {1, 2, 3}) == []


def test_a_hundred_rules_of_countries_are_looked_through_with_one_query(
    django_assert_num_queries: Any, ftd: Goal
) -> None:
    plan = CommissionPlanFactory(offer=OfferFactory())
    goal = GoalFactory(offer=plan.offer)
    rules = [narrowed(flat(goal, "1"), country=f"{first}{second}") for first in "ABCDEFGHIJ" for second in "KLMNOPQRST"]
    with django_assert_num_queries(1):
        found = findings(plan, rules, effective_from=NOW)
    assert [each.kind for each in found] == [GAP]
