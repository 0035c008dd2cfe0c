"""A kind of commission that is one file is found everywhere: form, preview, ledger, what-ifs, portal, API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, CommissionRule, LedgerEntry
from payouts.plan_changes.publish import publish_version
from payouts.plans.linter import HINT, findings, problems_of_rules
from payouts.verification.verify import Verification
from tests.dashboard.portal_pages import as_user, words
from tests.factories import (
    AffiliateMemberFactory,
    CommissionPlanFactory,
    ConversionFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
)
from tests.payouts.deals import NOW, YEAR_AGO, deal, flat
from tests.payouts.new_kind import add_kind, kind_of_the_page, second_of_the_page
from tests.payouts.plans.test_version_editor import HTMX, path, posted
from tests.rest import client_of

pytestmark = pytest.mark.django_db
REVENUE = "977.31"


@pytest.fixture(autouse=True)
def every_nth(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    add_kind(kind_of_the_page(), monkeypatch, second_of_the_page())


@pytest.fixture
def plan() -> CommissionPlan:
    return CommissionPlanFactory(offer=OfferFactory(currency="EUR"))


@pytest.fixture
def lead(plan: CommissionPlan) -> Goal:
    return GoalFactory(offer=plan.offer, code="lead", name="Lead")


@pytest.fixture
def desk(client: Client, olga: User) -> Client:
    client.force_login(olga)
    return client


def rule(goal: Goal, every: str = "3", **fields: Any) -> CommissionRule:
    given: dict[str, Any] = {"amount": Decimal(50), "currency": "EUR", "formula": {"every": every}, **fields}
    return CommissionRule(goal=goal, kind="every_nth", **given)


def typed(goal: Goal, every: str = "3") -> dict[str, Any]:
    return {"kind": "every_nth", "goal": goal.pk, "amount": "50", "currency": "EUR", "every": every}


def leads(goal: Goal, affiliate: Affiliate, number: int) -> list[Any]:
    days = [NOW - timedelta(days=20 - day) for day in range(number)]
    given = {"goal": goal, "affiliate": affiliate, "revenue": Decimal(REVENUE)}
    return [ConversionFactory(occurred_at=day, **given) for day in days]


def test_the_panel_asks_for_its_fields_and_publishes_it(desk: Client, plan: CommissionPlan, lead: Goal) -> None:
    page = desk.post(path(plan), posted(typed(lead), part="shape"), headers=HTMX).content.decode()
    assert "Amount for every so many conversions" in page
    assert 'name="rule-r1-every"' in page
    assert desk.post(path(plan), posted(typed(lead))).status_code == 302
    stored = CommissionRule.objects.get()
    assert (stored.kind, stored.amount, stored.formula) == ("every_nth", 50, {"every": "3"})
    plan_page = desk.get(reverse("admin:payouts_commissionplan_change", args=[plan.pk]))
    assert "50.00 EUR for every 3 conversions" in words(plan_page)
    assert 'value="3"' in desk.get(path(plan)).content.decode()


def test_the_preview_has_its_words_and_its_problems(desk: Client, plan: CommissionPlan, lead: Goal) -> None:
    preview = [
        desk.post(path(plan), posted(typed(lead, every), part="preview"), headers=HTMX) for every in ("3", "1", "x")
    ]
    assert "Lead: 50.00 EUR for every 3 conversions" in words(preview[0])
    assert "it pays for every 2 to 10,000 conversions." in words(preview[1])
    assert "For every: Give a whole number, such as 10." in words(preview[2])


def test_the_linter_asks_it_for_problems_and_hints(plan: CommissionPlan, lead: Goal) -> None:
    wrong = [rule(lead, percent=Decimal(5)), rule(lead, formula={}), rule(lead, formula={"every": []})]
    assert [problems_of_rules(plan, [each])[0].removeprefix("Rule for Lead: ") for each in wrong] == [
        "a rule for every so many conversions has an amount and its currency, and no percent.",
        "it pays for every 2 to 10,000 conversions.",
        "the formula cannot be read; see docs/commission.md for its form.",
    ]
    hints = [
        each.words for each in findings(plan, [rule(lead, max_payments=2)], effective_from=NOW) if each.kind == HINT
    ]
    assert "Rule 1: it counts the conversions of all customers together." in hints


def test_the_database_takes_its_columns_and_no_others(plan: CommissionPlan, lead: Goal) -> None:
    version = publish_version(plan=plan, rules=[rule(lead)], effective_from=NOW, actor=None, now=NOW)
    with pytest.raises(IntegrityError, match="rule_has_its_price"), transaction.atomic():
        rule(lead, version=version, percent=Decimal(5), country="DE").save()


def test_it_is_booked_with_what_it_looks_back_on(ana: Affiliate, lead: Goal) -> None:
    deal(rule(lead))
    leads(lead, ana, 2)
    book_changes(now=NOW)
    third = ConversionFactory(goal=lead, affiliate=ana, occurred_at=NOW)
    book_changes(now=NOW)
    arithmetic = "50.00 EUR for conversion 3, one in every 3"
    assert [(entry.conversion, entry.amount, entry.arithmetic) for entry in LedgerEntry.objects.all()] == [
        (third, 50, arithmetic)
    ]
    assert list(Verification().findings()) == []


def test_a_what_if_reads_it_from_a_document(ana: Affiliate, olga: User, lead: Goal) -> None:
    plan = deal(flat(lead, "10")).plan
    leads(lead, ana, 6)
    period = {"starts_at": f"{YEAR_AGO:%Y-%m-%dT%H:%M:%SZ}", "ends_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    given = {"goal": "lead", "kind": "every_nth", "amount": "50", "currency": "EUR", "formula": {"every": "3"}}
    asked = {**period, "offer": plan.offer.public_id, "rules": [given]}
    answer = client_of(olga).post("/api/v1/what-ifs/", asked, content_type="application/json")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["totals"][0]["before"], answer.json()["totals"][0]["after"]) == ("60.00", "100.00")


def test_an_affiliate_reads_what_it_pays_and_no_revenue(ana: Affiliate, lead: Goal) -> None:
    deal(rule(lead))
    EnrollmentFactory(affiliate=ana, offer=lead.offer)
    third = leads(lead, ana, 3)[2]
    book_changes(now=NOW)
    portal = as_user(AffiliateMemberFactory(affiliate=ana, roles=["owner"]).user)
    offer = portal.get(reverse("portal:offer", args=[lead.offer.public_id]))
    assert "50.00 EUR for every 3 conversions" in words(offer)
    conversion = words(portal.get(reverse("portal:conversion", args=[third.public_id])))
    assert "50.00 EUR for conversion 3, one in every 3" in conversion
    assert REVENUE not in conversion
    entries = client_of(ana).get("/api/v1/ledger-entries/").json()["results"]
    assert [each["arithmetic"] for each in entries] == ["50.00 EUR for conversion 3, one in every 3"]
