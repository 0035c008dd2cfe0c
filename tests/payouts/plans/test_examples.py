from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from conversions.models import Goal
from payouts.models import CommissionPlan, CommissionRule, PlanVersion, WorkedExample
from payouts.plan_changes.publish import PlanRefused, publish_version, terms_of_rule
from payouts.plans.examples import ExampleRefused, goals_of, propose, read_example, unsaved
from payouts.pricing.examples import example_words
from tests.factories import CommissionPlanFactory, GoalFactory
from tests.payouts.deals import NOW, flat, percent

pytestmark = pytest.mark.django_db

FTD = {"goal": "ftd", "revenue": "50", "currency": "EUR"}


@pytest.fixture
def ftd() -> Goal:
    return GoalFactory(code="ftd", name="First deposit")


@pytest.fixture
def deposit(ftd: Goal) -> Goal:
    return GoalFactory(offer=ftd.offer, code="deposit", name="Deposit")


@pytest.fixture
def plan(ftd: Goal, deposit: Goal) -> CommissionPlan:
    return CommissionPlanFactory(offer=ftd.offer)


def example(events: list[Any], expected: list[Any], **fields: Any) -> WorkedExample:
    return WorkedExample(**{"name": "A player", "events": events, "expected": expected, **fields})


def publish(plan: CommissionPlan, rules: list[CommissionRule], *examples: WorkedExample) -> PlanVersion:
    return publish_version(plan=plan, rules=rules, effective_from=NOW, actor=None, now=NOW, examples=examples)


def worked(plan: CommissionPlan, rules: list[CommissionRule], row: WorkedExample) -> list[tuple[Any, ...]]:
    context = {"goals": goals_of(plan.offer_id), "effective_from": NOW}
    lines, _ = propose(row, [terms_of_rule(rule) for rule in rules], **context)
    return [(line.get("event") or line.get("month"), line["rule"], line["to"], line["amount"]) for line in lines]


def test_a_version_is_stored_with_examples_that_come_out_as_expected(
    plan: CommissionPlan, ftd: Goal, deposit: Goal
) -> None:
    events = [FTD, {"goal": "deposit", "revenue": "19.99", "currency": "EUR"}]
    expected = [
        {"event": 1, "rule": 1, "amount": "120", "currency": "EUR"},
        {"event": 2, "rule": 2, "amount": "5.00", "currency": "EUR"},
    ]
    version = publish(plan, [flat(ftd, "120"), percent(deposit, "25")], example(events, expected))
    (stored,) = version.examples.all()
    assert (stored.name, stored.position, stored.events, stored.expected) == ("A player", 1, events, expected)
    read = read_example(stored, goals=goals_of(plan.offer_id), effective_from=NOW)
    assert example_words(read) == [
        "First deposit of 50.00 EUR earns 120.00 EUR.",
        "Deposit of 19.99 EUR earns 5.00 EUR.",
    ]


def test_refuses_a_version_whose_example_comes_out_otherwise(plan: CommissionPlan, ftd: Goal, deposit: Goal) -> None:
    events = [FTD, {"goal": "deposit", "revenue": "80", "currency": "EUR"}, {"goal": "deposit"}]
    expected = [
        {"event": 2, "rule": 2, "amount": "16", "currency": "EUR"},
        {"event": 3, "rule": 2, "amount": "1", "currency": "EUR"},
    ]
    with pytest.raises(PlanRefused) as refused:
        publish(plan, [flat(ftd, "120"), percent(deposit, "25")], example(events, expected))
    assert refused.value.problems == [
        "Example “A player”: First deposit of 50.00 EUR was expected to earn nothing by rule 1, but earns 120.00 EUR: "
        "flat 120.00 EUR for First deposit.",
        "Example “A player”: Deposit of 80.00 EUR was expected to earn 16.00 EUR by rule 2, but earns 20.00 EUR: "
        "25 % of 80.00 EUR = 20.00 EUR.",
        "Example “A player”: Deposit was expected to earn 1.00 EUR by rule 2, but earns nothing: "
        "25 % of the revenue, but the event came without revenue.",
    ]
    assert not plan.versions.exists()


def test_history_moves_the_tiers_and_is_not_looked_at_itself(plan: CommissionPlan, deposit: Goal) -> None:
    steps = [{"above": "0", "amount": "50"}, {"above": "10", "amount": "70"}]
    formula = {"basis": "count", "mode": "marginal", "period": "month", "currency": "EUR", "steps": steps}
    rules = [CommissionRule(goal=deposit, kind="tiered", formula=formula)]
    row = example([{"goal": "deposit", "times": 9, "history": True}, {"goal": "deposit", "times": 3}], [])
    # The tenth at 50, the eleventh and the twelfth at 70.
    assert worked(plan, rules, row) == [(2, 1, 0, "190.00")]


def test_a_month_of_net_revenue_comes_to_its_share(plan: CommissionPlan, deposit: Goal) -> None:
    formula = {"deductions": [{"name": "bonus"}], "carryover": True}
    rules = [CommissionRule(goal=deposit, kind="net_revenue", percent=Decimal(30), formula=formula)]
    won = {"goal": "deposit", "on": "2026-10-03", "revenue": "1000", "currency": "EUR", "customer": "P-1"}
    lost = {"goal": "deposit", "on": "2026-10-20", "revenue": "-1500", "currency": "EUR", "customer": "P-2"}
    again = {"goal": "deposit", "on": "2026-11-02", "revenue": "900", "currency": "EUR", "customer": "P-1"}
    row = example([{**won, "deductions": {"bonus": "200"}}, lost, again], [], by="month")
    # October: 1000 - 200 - 1500 = -700, carried; November: 900 - 700 = 200, of which 30 % are 60.
    assert worked(plan, rules, row) == [("2026-11", 1, 0, "60.00")]


def test_country_sub_id_and_parents_have_their_lines(plan: CommissionPlan, ftd: Goal) -> None:
    rules = [
        flat(ftd, "100"),
        CommissionRule(goal=ftd, kind="flat", amount=Decimal(80), currency="EUR", country="DE"),
        CommissionRule(goal=ftd, kind="flat", amount=Decimal(60), currency="EUR", sub_name="sub1", sub_value="fb"),
        CommissionRule(kind="parents", formula={"of": "commission", "levels": ["10", "5"]}),
    ]
    row = example([FTD, {**FTD, "country": "de"}, {**FTD, "country": "DE", "subs": {"sub1": "fb"}}], [])
    assert worked(plan, rules, row) == [
        *[(1, 1, 0, "100.00"), (1, 4, 1, "10.00"), (1, 4, 2, "5.00")],
        *[(2, 2, 0, "80.00"), (2, 4, 1, "8.00"), (2, 4, 2, "4.00")],
        *[(3, 3, 0, "60.00"), (3, 4, 1, "6.00"), (3, 4, 2, "3.00")],
    ]


def test_the_customers_first_event_ends_a_recurring_commission(plan: CommissionPlan, deposit: Goal) -> None:
    rules = [CommissionRule(goal=deposit, kind="percent", percent=Decimal(10), max_months=3)]
    sale = {"goal": "deposit", "revenue": "100", "currency": "EUR", "customer": "P-1"}
    row = example([{**sale, "on": "2026-01-31"}, {**sale, "on": "2026-04-29"}, {**sale, "on": "2026-04-30"}], [])
    assert worked(plan, rules, row) == [(1, 1, 0, "10.00"), (2, 1, 0, "10.00")]


@pytest.mark.parametrize(
    ("events", "expected", "problem"),
    [
        ([{"goal": "kyc"}], [], "event 1: the offer has no goal 'kyc'; it has "),
        (["ftd"], [], "event 1 is not an object"),
        ([{"on": "2026-10-03"}], [], "event 1 has the code of a goal, or a number of clicks."),
        ([{**FTD, "clicks": 5}], [], "event 1 has the code of a goal, or a number of clicks."),
        ([{**FTD, "amount": "1"}], [], "event 1 does not know amount"),
        ([{**FTD, "revenue": 50}], [], 'event 1: `revenue` is a number written as text, such as "80.00"; 50 is none.'),
        ([{**FTD, "revenue": "NaN"}], [], "`revenue` is a number"),
        ([{**FTD, "currency": []}], [], "`currency` is a printable text"),
        ([{"goal": "ftd", "revenue": "5"}], [], "the revenue needs its currency"),
        ([{**FTD, "times": True}], [], "`times` is a whole number from 1 to 5000; True is none."),
        ([{**FTD, "on": "yesterday"}], [], "'yesterday' is not a day such as 2026-10-03."),
        ([{**FTD, "subs": {"sub9": "x"}}], [], "`subs` gives texts for sub1"),
        ([{**FTD, "country": "D\x00"}], [], "`country` is a printable text"),
        ([{**FTD, "history": True}], [], "it needs an event that is not only history."),
        ([{**FTD, "times": 3000}, {**FTD, "times": 3000}], [], "at most 5000 events"),
        ([FTD], [{"event": 2, "amount": "1", "currency": "EUR"}], "`event` is a whole number from 1 to 1; 2 is none."),
        ([FTD], [{"event": 1, "amount": "1", "currency": "XXX"}], "has an amount and its currency"),
        ([FTD], [{"event": 1, "amount": "1", "currency": "EUR"}] * 2, "is for the same as one before it"),
        ({}, [], "events and expected lines are lists."),
    ],
)
def test_refuses_examples_that_cannot_be_read(plan: CommissionPlan, events: Any, expected: Any, problem: str) -> None:
    with pytest.raises(ExampleRefused) as refused:
        read_example(example(events, expected), goals=goals_of(plan.offer_id), effective_from=NOW)
    assert problem in str(refused.value)


def test_clicks_are_worked_out_by_the_day(plan: CommissionPlan, ftd: Goal) -> None:
    click = CommissionRule(kind="per_click", amount=Decimal("0.05"), currency="EUR", cap_count=1000, cap_period="month")
    row = example([{"clicks": 340, "country": "DE"}, {"clicks": 700}], [])
    # 340 x 0.05, then the 660 that the cap still lets through.
    assert worked(plan, [flat(ftd, "120"), click], row) == [(1, 2, 0, "17.00"), (2, 2, 0, "33.00")]
    row.expected = [{"event": 1, "rule": 2, "amount": "17", "currency": "EUR"}]
    read = read_example(row, goals=goals_of(plan.offer_id), effective_from=NOW)
    assert example_words(read) == ["340 clicks from DE earn 17.00 EUR.", "700 clicks earn nothing."]


def test_reads_an_example_from_a_file() -> None:
    row = unsaved({"name": "One", "events": [FTD], "expected": []})
    assert (row.name, row.by, row.events, row.expected) == ("One", "event", [FTD], [])
    with pytest.raises(ExampleRefused, match="does not know note"):
        unsaved({"name": "One", "note": "x"})


def test_days_are_days_in_utc(plan: CommissionPlan) -> None:
    read = read_example(
        example([{**FTD, "on": "2026-10-03"}, FTD], []), goals=goals_of(plan.offer_id), effective_from=NOW
    )
    assert [event.occurred_at for event in read.events] == [datetime(2026, 10, 3, tzinfo=UTC), NOW]
