from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, CommissionRule, PlanVersion
from payouts.plan_changes.publish import PlanRefused, price_book, publish_version
from tests.factories import CommissionPlanFactory, ConversionFactory, GoalFactory, OfferFactory
from tests.payouts.deals import NOW, PENDING, REJECTED, YEAR_AGO, deal, flat, lines, percent

pytestmark = pytest.mark.django_db


@pytest.fixture
def goal() -> Goal:
    return GoalFactory()


@pytest.fixture
def plan(goal: Goal) -> CommissionPlan:
    return CommissionPlanFactory(offer=goal.offer)


def publish(plan: CommissionPlan, *rules: CommissionRule, **fields: object) -> PlanVersion:
    given = {"plan": plan, "rules": rules, "effective_from": NOW, "actor": None, "now": NOW, **fields}
    return publish_version(**given)  # type: ignore[arg-type]


def test_publishes_a_version_with_its_rules(plan: CommissionPlan, goal: Goal, olga: User) -> None:
    deposit = GoalFactory(offer=goal.offer, name="Deposit")
    version = publish(plan, flat(goal, "120"), percent(deposit, "25"), actor=olga, note="The first deal")
    assert (version.number, version.created_by, version.note, version.created_at) == (1, olga, "The first deal", NOW)
    stored = {(rule.goal_id, rule.kind, rule.amount, rule.currency, rule.percent) for rule in version.rules.all()}
    assert stored == {(goal.pk, "flat", Decimal(120), "EUR", None), (deposit.pk, "percent", None, "", Decimal(25))}


def test_the_next_version_has_the_next_number(plan: CommissionPlan, goal: Goal) -> None:
    publish(plan, flat(goal, "120"), effective_from=YEAR_AGO)
    assert publish(plan, flat(goal, "90")).number == 2
    assert [version.number for version in plan.versions.all()] == [2, 1]


def test_a_version_may_begin_in_the_past_where_no_one_has_events_since(plan: CommissionPlan, goal: Goal) -> None:
    publish(plan, flat(goal, "120"), effective_from=YEAR_AGO)
    earlier = NOW - timedelta(seconds=1)
    ConversionFactory(goal=goal, occurred_at=earlier - timedelta(seconds=1))
    assert publish(plan, flat(goal, "90"), effective_from=earlier).number == 2
    ConversionFactory(goal=goal, occurred_at=NOW)
    with pytest.raises(
        PlanRefused,
        match=r"has passed, and by these terms one affiliate loses money, earned or pending: .* Ask the affiliates",
    ):
        publish(plan, flat(goal, "80"), effective_from=NOW, now=NOW + timedelta(seconds=1))


def test_a_version_begins_after_the_one_before(plan: CommissionPlan, goal: Goal) -> None:
    publish(plan, flat(goal, "120"), effective_from=NOW + timedelta(days=2))
    with pytest.raises(PlanRefused, match="must take effect after Standard plan v1"):
        publish(plan, flat(goal, "90"), effective_from=NOW + timedelta(days=2))


def test_names_every_problem_at_once_and_changes_nothing(plan: CommissionPlan, goal: Goal) -> None:
    publish(plan, flat(goal, "120"))
    foreign = GoalFactory(name="Purchase")
    rules = [
        flat(goal, "1.005"),
        flat(goal, "-1"),
        flat(goal, "5", "XXX"),
        percent(goal, "101"),
        percent(foreign, "5"),
        CommissionRule(goal=goal, kind=CommissionRule.Kind.FLAT, percent=Decimal(5)),
        CommissionRule(goal=goal, kind=CommissionRule.Kind.PERCENT, amount=Decimal(5), currency="EUR"),
    ]
    with pytest.raises(PlanRefused) as refused:
        publish(plan, *rules, effective_from=NOW - timedelta(days=1))
    ftd = "Rule for First deposit (FTD):"
    assert refused.value.problems == [
        "The version must take effect after Standard plan v1 did (2026-10-15 12:00 UTC); 2026-10-14 12:00 is not "
        "later.",
        f"{ftd} 1.005 has more decimals than EUR is counted in (2).",
        f"{ftd} amount: Ensure this value is greater than or equal to 0.",
        f"{ftd} currency: XXX is not a supported currency.",
        f"{ftd} percent: Ensure this value is less than or equal to 100.",
        "Rule for Purchase: the goal belongs to another offer than the plan Standard plan.",
        f"{ftd} a flat rule has an amount and its currency, and no percent.",
        f"{ftd} a percent rule has a percent, and neither amount nor currency.",
        f"{ftd} the goal has several rules; keep one, or mark all of them as components of one deal.",
    ]
    assert plan.versions.count() == 1


def test_a_version_needs_a_rule(plan: CommissionPlan) -> None:
    with pytest.raises(PlanRefused, match="at least one rule"):
        publish(plan)


def test_the_price_book_costs_three_queries_whatever_it_holds(ana: Affiliate, ben: Affiliate) -> None:
    goals = [GoalFactory() for _ in range(4)]
    for goal in goals:
        deal(flat(goal, "50"))
        deal(flat(goal, "60"), affiliate=ana)
        deal(flat(goal, "70"), affiliate=ben)
    deal(flat(goals[0], "65"), affiliate=ana, since=NOW, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        book = price_book(offer_ids={goal.offer_id for goal in goals[:2]}, affiliate_ids=[ana.pk])
    assert len(queries) == 3
    offers = [goal.offer_id for goal in goals[:2]]
    assert set(book) == {(offers[0], None), (offers[0], ana.pk), (offers[1], None), (offers[1], ana.pk)}
    assert [version.number for version in book[offers[0], ana.pk].versions] == [2, 1]


def test_a_first_own_deal_in_the_past_is_booked_as_lines_of_difference(
    ana: Affiliate, ben: Affiliate, goal: Goal
) -> None:
    deal(flat(goal, "50"))
    for affiliate in (ana, ben):
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=NOW - timedelta(days=3))
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=NOW - timedelta(days=1))
    assert book_changes(now=NOW) == 4
    deal(flat(goal, "80"), affiliate=ana, since=NOW - timedelta(days=2), now=NOW)
    assert book_changes(now=NOW) == 1
    text = "flat 50.00 EUR for First deposit (FTD)"
    assert lines(ben) == [("commission", 50, "EUR", text), ("commission", 50, "EUR", text)]
    assert lines(ana)[2:] == [
        ("reversal", -50, "EUR", "takes back 50.00 EUR. Another rule applies now."),
        ("commission", 80, "EUR", "flat 80.00 EUR for First deposit (FTD)"),
    ]


def test_a_new_version_sends_back_only_what_it_covers(ana: Affiliate, goal: Goal) -> None:
    deal(flat(goal, "50"))
    ahead = NOW + timedelta(hours=1)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=NOW)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=ahead, status=REJECTED)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=ahead, status=PENDING)
    ConversionFactory(goal=GoalFactory(offer=OfferFactory()), affiliate=ana, occurred_at=ahead)
    covered = ConversionFactory(goal=goal, affiliate=ana, occurred_at=ahead)
    assert book_changes(now=NOW) == 5
    deal(flat(goal, "80"), since=ahead, now=NOW)
    assert book_changes(now=NOW) == 1
    assert [entry.amount for entry in covered.ledger_entries.order_by("sequence")] == [50, -50, 80]
