"""What-ifs through the API: operators ask with a draft or with rules, and read sums, lines and examples."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.models import CommissionPlan, LedgerEntry, WhatIf
from payouts.plan_changes.drafts import write_draft
from tests.factories import CommissionPlanFactory, ConversionFactory, GoalFactory
from tests.payouts.deals import NOW, deal, flat
from tests.rest import client_of, problems
from tests.rights import operator_with

PERIOD = {"starts_at": f"{NOW - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}", "ends_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.fixture
def goal(db: None) -> Goal:
    return GoalFactory(code="ftd")


@pytest.fixture
def plan(goal: Goal, ana: Affiliate, ben: Affiliate) -> CommissionPlan:
    plan = deal(flat(goal, "50")).plan
    for affiliate in (ana, ana, ben):
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=NOW - timedelta(days=1))
    return plan


def ask(asker: Affiliate | User, **body: Any) -> Any:
    return client_of(asker).post("/api/v1/what-ifs/", {**PERIOD, **body}, content_type="application/json")


def rules(amount: str = "40") -> list[dict[str, Any]]:
    return [{"goal": "ftd", "kind": "flat", "amount": amount, "currency": "EUR"}]


def test_rules_are_tried_in_the_place_of_the_offers_plan(plan: CommissionPlan, ben: Affiliate, olga: User) -> None:
    answer = ask(olga, offer=plan.offer.public_id, rules=rules())
    assert answer.status_code == 201, answer.text
    reply = answer.json()
    assert (reply["state"], reply["events"], reply["compared"]) == ("done", 3, 3)
    assert reply["totals"] == [
        {
            **{"currency": "EUR", "before": "150.00", "after": "120.00", "change": "-30", "percent": "-20.0"},
            **{"expected_before": "150.00", "expected_after": "120.00", "gaining": 0, "losing": 2, "same": 0},
        }
    ]
    assert reply["examples"][0]["after"]["lines"][0]["arithmetic"] == "flat 40.00 EUR for First deposit (FTD)"
    client = client_of(olga)
    assert client.get(f"/api/v1/what-ifs/{reply['id']}/").json() == reply
    [line, other] = client.get(f"/api/v1/what-ifs/{reply['id']}/lines/").json()["results"]
    assert {line["affiliate"]["name"], other["affiliate"]["name"]} == {"Ana", "Ben"}
    bens = line if line["affiliate"]["id"] == ben.public_id else other
    assert (bens["before"], bens["after"], bens["change"]) == ("50.00", "40.00", "-10")
    pages = client.get(f"/api/v1/what-ifs/{reply['id']}/lines/", {"page_size": "1"}).json()
    assert len(pages["results"]) == 1
    assert pages["next"]
    assert "page_size" in problems(client.get(f"/api/v1/what-ifs/{reply['id']}/lines/", {"page_size": "0"}))
    assert not LedgerEntry.objects.exists()


def test_a_draft_is_tried_by_its_id(plan: CommissionPlan, goal: Goal, olga: User) -> None:
    draft = write_draft(plan=plan, rules=[flat(goal, "60")], effective_from=NOW, note="", actor=None, now=NOW)
    answer = ask(olga, draft=draft.public_id).json()
    named = (answer["draft"], answer["offer"]["id"], answer["affiliate"])
    assert named == (draft.public_id, plan.offer.public_id, None)
    assert answer["totals"][0]["after"] == "180.00"
    assert WhatIf.objects.get().asked_by == olga


def test_an_affiliates_own_plan_is_tried_on_its_events_alone(plan: CommissionPlan, ana: Affiliate, olga: User) -> None:
    given = {"offer": plan.offer.public_id, "affiliate": ana.public_id, "rules": rules("70")}
    assert "no own plan of Ana yet" in problems(ask(olga, **given))["offer"]
    CommissionPlanFactory(offer=plan.offer, affiliate=ana)
    answer = ask(olga, **given).json()
    assert (answer["affiliate"]["id"], answer["totals"][0]["before"], answer["totals"][0]["after"]) == (
        ana.public_id, "100.00", "140.00",
    )  # fmt: skip


def test_affiliates_and_operators_without_the_permission_are_refused(plan: CommissionPlan, ana: Affiliate) -> None:
    given = {"offer": plan.offer.public_id, "rules": rules()}
    assert ask(ana, **given).status_code == 403
    reader = operator_with("payouts.view_whatif", "payouts.view_ledgerentry")
    assert "payouts.change_whatif" in ask(reader, **given).text
    assert not WhatIf.objects.exists()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"goal": "nope", "kind": "flat"}, "the offer has no goal nope"),
        ({"goal": ["ftd"], "kind": "flat"}, "the offer has no goal"),
        ({"kind": "flat", "amount": "Infinity", "currency": "EUR"}, "must be a decimal number"),
        ({"kind": "flat", "amount": "1", "currency": "EUR", "cap_count": 1e400}, "Infinity"),
        ({"kind": "flat", "amount": "1", "currency": "EUR", "valid_from": "soon"}, "soon"),
        ({"kind": "tiered", "formula": {"steps": 5}}, "formula cannot be read"),
        ({"kind": "bribe"}, "unknown kind"),
        ({"colour": "red"}, "does not know colour"),
        ({"kind": "flat", "sub_name": "sub1", "sub_value": "\x00"}, "NUL"),
    ],
)
def test_says_what_is_wrong_with_a_rule(plan: CommissionPlan, olga: User, rule: dict[str, Any], problem: str) -> None:
    answer = ask(olga, offer=plan.offer.public_id, rules=[rule])
    assert answer.status_code == 400
    assert problem in answer.text
    assert not WhatIf.objects.exists()


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({}, "offer", "Send a draft, or an offer and rules"),
        ({"draft": "dv_none"}, "draft", "no such draft"),
        ({"draft": "dv_x", "rules": []}, "rules", "the draft says it"),
        ({"offer": "of_none", "rules": []}, "offer", "no such offer"),
        ({"starts_at": "soon"}, "starts_at", "format"),
    ],
)
def test_says_what_is_wrong_with_the_question(
    db: None, olga: User, body: dict[str, Any], field: str, problem: str
) -> None:
    assert problem in problems(ask(olga, **body))[field]


@pytest.mark.parametrize("starts_at", ["1999-12-31T00:00:00Z", "2199-01-01T00:00:00Z"])
def test_a_period_is_one_in_which_things_happened(plan: CommissionPlan, olga: User, starts_at: str) -> None:
    answer = ask(olga, offer=plan.offer.public_id, rules=rules(), starts_at=starts_at)
    assert answer.status_code == 400


def test_a_moment_without_an_offset_is_one_in_utc(plan: CommissionPlan, olga: User) -> None:
    dated = {**rules()[0], "valid_from": "2026-10-14T12:00:00"}
    answer = ask(olga, offer=plan.offer.public_id, rules=[dated]).json()
    assert WhatIf.objects.get().rules["rules"][0]["valid_from"] == "2026-10-14T12:00:00+00:00"
    assert Decimal(answer["totals"][0]["after"]) == 120
