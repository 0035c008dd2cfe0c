"""The editor of a version under anything that may be typed or posted: an answer, never a server error."""

from typing import Any

import pytest
from django.test import Client

from affiliates.models import User
from payouts.models import CommissionPlan, PlanVersion
from tests.factories import CommissionPlanFactory, GoalFactory, OfferFactory
from tests.payouts.plans.test_version_editor import HTMX, path, posted

pytestmark = [pytest.mark.django_db, pytest.mark.long]

NASTY = (
    *("", "\x00", "-1", "1e400", "NaN", "9" * 30, "0." + "0" * 40 + "1", "<script>", "🎲", "0001-01-01T00:00"),
    *(
        "9999-12-31T23:59",
        "0: 1e9 %",
        ": %",
        "99999999999999999999: 5",
        "bonus: 1: 2, at most 3",
        "%",
        ",,,",
        "10," * 30,
    ),
    *(
        "event 1, rule 9999: 1 EUR",
        "1 × 2 × 3",
        "9999999 clicks",
        "5001 × ftd",
        "ftd on 0001-01-01",
        "ftd less x 9" * 50,
    ),
    *(
        "ftd 99999999999999999 EUR",
        "ftd on 9999-12-31",
        "ftd customer A since 9999-12-31T23:59+14:00",
        "999999999 clicks",
    ),
)
FIELDS = (
    *("kind", "goal", "amount", "currency", "percent", "basis", "period", "mode", "steps-0-above", "deductions-0-cap"),
    *(
        "steps-1-percent",
        "steps-9999-amount",
        "steps-x-above",
        "deductions-0-name",
        "deductions-1-percent",
        "ring_fence",
    ),
    *("of", "levels", "country", "sub_name", "sub_value", "valid_from", "valid_until", "minimum", "cap_amount"),
    *("cap_count", "cap_period", "max_months", "max_payments"),
)
KINDS: dict[str, dict[str, Any]] = {
    "flat": {"amount": "5", "currency": "EUR"},
    "percent": {"percent": "5"},
    "per_lot": {"amount": "5", "currency": "EUR"},
    "per_click": {"amount": "5", "currency": "EUR"},
    "tiered": {
        "basis": "count",
        "period": "month",
        "mode": "whole",
        "steps": [{"above": "0", "amount": "5"}],
        "currency": "EUR",
    },
    "net_revenue": {"percent": "5", "deductions": [{"name": "bonus"}]},
    "parents": {"of": "revenue", "levels": "5"},
}


@pytest.fixture
def desk(client: Client, olga: User) -> Client:
    client.force_login(olga)
    return client


@pytest.fixture
def plan() -> CommissionPlan:
    plan = CommissionPlanFactory(offer=OfferFactory(currency="EUR"))
    GoalFactory(offer=plan.offer, code="ftd")
    return plan


@pytest.mark.parametrize("kind", KINDS)
def test_any_value_in_any_field_of_a_rule_is_answered(desk: Client, plan: CommissionPlan, kind: str) -> None:
    goal = plan.offer.goals.get().pk
    for number, name in enumerate(FIELDS):
        for nasty in NASTY[number % 16 :: 16]:
            rule = {"kind": kind, "goal": goal, **KINDS[kind], name: nasty}
            answer = desk.post(path(plan), posted(rule, part="preview"), headers=HTMX)
            assert answer.status_code == 200, (name, nasty)
    assert not PlanVersion.objects.exists()


CELLS = (
    *("name", "by", "events-0-goal", "events-0-times", "events-0-revenue", "events-0-currency", "events-0-volume"),
    *("events-0-on", "events-0-customer_since", "events-0-country", "events-0-subs", "events-0-deductions"),
    *("events-9999-goal", "expected-0-part", "expected-0-rule", "expected-0-amount", "expected-0-to"),
)


@pytest.mark.parametrize("name", CELLS)
def test_any_text_in_an_example_is_answered(desk: Client, plan: CommissionPlan, name: str) -> None:
    rule = {"kind": "flat", "goal": plan.offer.goals.get().pk, **KINDS["flat"]}
    for nasty in NASTY[CELLS.index(name) % 4 :: 4]:
        cells = {"events-0-goal": "ftd", "events-0-revenue": "5", "events-0-currency": "EUR"}
        example = {"name": "One", "by": "event", **cells, name: nasty}
        answer = desk.post(path(plan), posted(rule, examples=[example], part="work-out-e1"), headers=HTMX)
        assert answer.status_code == 200, (name, nasty)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "\x00"])
@pytest.mark.parametrize("part", ["preview", "shape", "publish", "draft"])
def test_any_day_of_beginning_is_answered(desk: Client, plan: CommissionPlan, day: str, part: str) -> None:
    rule = {"kind": "per_click", **KINDS["per_click"]}
    moment = {"at_once": "", "effective_from_0": day, "effective_from_1": "23:59"}
    answer = desk.post(path(plan), posted(rule, part=part, **moment), headers=HTMX)
    assert answer.status_code in (200, 302)
