"""The panel's editor of a version: fields by kind, the preview, worked examples, drafts."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from affiliates.models import User
from conversions.models import Goal
from payouts.admin.rule_form import CommissionRuleForm, initial_of
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanVersion
from payouts.plans.price_books import terms_of_rule
from tests.factories import CommissionPlanFactory, GoalFactory, OfferFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(client: Client, olga: User) -> Client:
    client.force_login(olga)
    return client


@pytest.fixture
def plan() -> CommissionPlan:
    return CommissionPlanFactory(offer=OfferFactory(currency="EUR"))


@pytest.fixture
def ftd(plan: CommissionPlan) -> Goal:
    return GoalFactory(offer=plan.offer, code="ftd", name="First deposit", position=1)


@pytest.fixture
def deposit(plan: CommissionPlan, ftd: Goal) -> Goal:
    return GoalFactory(offer=plan.offer, code="deposit", name="Deposit", position=2)


def path(plan: CommissionPlan) -> str:
    return reverse("admin:payouts_commissionplan_new_version", args=[plan.pk])


def posted(*rules: dict[str, Any], examples: list[dict[str, Any]] | None = None, **others: Any) -> dict[str, Any]:
    """What the editor posts: rows by key, `kind` first."""
    given: dict[str, Any] = {"note": "", "at_once": "on", "rule": [], "example": [], **others}
    for number, rule in enumerate(rules, 1):
        given["rule"].append(f"r{number}")
        given |= typed(f"rule-r{number}", rule)
    for number, example in enumerate(examples or [], 1):
        given["example"].append(f"e{number}")
        given |= typed(f"example-e{number}", example)
    return given


def typed(prefix: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as a form posts them; each cell of a table is a field of its own."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        rows = value if isinstance(value, list) else []
        found |= {f"{prefix}-{name}-{n}-{cell}": text for n, row in enumerate(rows) for cell, text in row.items()}
        found |= {} if isinstance(value, list) else {f"{prefix}-{name}": value}
    return found


def flat(goal: Goal, amount: str = "120") -> dict[str, Any]:
    return {"kind": "flat", "goal": goal.pk, "amount": amount, "currency": "EUR"}


def expected(amount: str, **cells: str) -> list[dict[str, str]]:
    return [{"part": "1", "rule": "1", "amount": amount, "currency": "EUR", **cells}]


EXAMPLE: dict[str, Any] = {
    "name": "A player",
    "by": "event",
    "events": [{"goal": "ftd", "revenue": "50", "currency": "EUR"}],
    "expected": expected("120"),
}


def test_every_kind_is_published_from_its_own_fields(
    desk: Client, plan: CommissionPlan, ftd: Goal, deposit: Goal
) -> None:
    trade = GoalFactory(offer=plan.offer, code="trade", name="Trade")
    sale = GoalFactory(offer=plan.offer, code="sale", name="Sale")
    net = GoalFactory(offer=plan.offer, code="net", name="Net revenue")
    rules: list[dict[str, Any]] = [
        {**flat(ftd), "country": "de", "cap_amount": "1200", "cap_period": "month"},
        {"kind": "percent", "goal": sale.pk, "percent": "12.5", "maximum": "40", "limit_currency": "EUR",
         "max_months": "6", "valid_from": "2026-12-01T00:00"},
        {"kind": "per_lot", "goal": trade.pk, "amount": "7.5", "currency": "USD", "sub_name": "sub1",
         "sub_value": "fb"},
        {"kind": "per_click", "amount": "0.035", "currency": "EUR", "cap_count": "5000", "cap_period": "day"},
        {"kind": "tiered", "goal": deposit.pk, "basis": "revenue", "period": "month", "mode": "whole",
         "steps": [{"above": "0", "percent": "10"}, {}, {"above": "1000", "percent": "20"}], "currency": ""},
        {"kind": "net_revenue", "goal": net.pk, "percent": "30", "carryover": "on", "ring_fence": "2000",
         "deductions": [{"name": "bonus"}, {"name": " platform fee ", "percent": "15"},
                        {"name": "licence", "amount": "50", "cap": "100"}]},
        {"kind": "parents", "goal": "", "of": "commission", "levels": "10, 5 2%"},
    ]  # fmt: skip
    answer = desk.post(path(plan), posted(*rules))
    assert answer.status_code == 302
    stored = {rule.kind: rule for rule in PlanVersion.objects.get().rules.all()}
    assert list(stored) == [rule["kind"] for rule in rules]
    first = stored["flat"]
    assert (first.country, first.cap_amount, first.limit_currency) == ("DE", Decimal(1200), "EUR")
    assert stored["percent"].valid_from == datetime(2026, 12, 1, tzinfo=UTC)
    assert (stored["percent"].maximum, stored["percent"].max_months) == (Decimal(40), 6)
    assert (stored["per_lot"].sub_name, stored["per_lot"].sub_value) == ("sub1", "fb")
    assert (stored["per_click"].cap_count, stored["per_click"].goal) == (5000, None)
    assert stored["tiered"].formula == {
        "basis": "revenue",
        "mode": "whole",
        "period": "month",
        "steps": [{"above": "0", "percent": "10"}, {"above": "1000", "percent": "20"}],
    }
    assert stored["net_revenue"].formula == {
        "deductions": [
            {"name": "bonus"},
            {"name": "platform fee", "percent": "15"},
            {"name": "licence", "amount": "50", "cap": "100"},
        ],
        "carryover": True,
        "ring_fence": "2000",
    }
    assert stored["parents"].formula == {"of": "commission", "levels": ["10", "5", "2"]}
    # What is there is shown again without loss: the form with its own initial values says the same rule.
    for rule in stored.values():
        shown = typed("rule-x", {name: value for name, value in initial_of(rule).items() if value not in (None, False)})
        form = CommissionRuleForm("x", 1, [ftd, deposit, trade, sale, net], shown)
        assert form.is_valid(), form.errors
        again = form.rule()
        again.pk = rule.pk
        assert terms_of_rule(again) == terms_of_rule(rule)


def test_a_kind_shows_its_own_fields_only(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    rule = {"kind": "net_revenue", "goal": ftd.pk, "percent": "30"}
    page = desk.post(path(plan), posted(rule, part="shape"), headers=HTMX).content.decode()
    assert 'name="rule-r1-deductions-0-name"' in page
    assert 'name="rule-r1-percent"' in page
    for name in ("amount", "steps", "levels", "cap_amount", "minimum"):
        assert f'name="rule-r1-{name}"' not in page
    assert "<html" not in page
    assert not PlanVersion.objects.exists()


def test_the_preview_shows_plan_findings_and_outcomes_and_stores_nothing(
    desk: Client, plan: CommissionPlan, ftd: Goal, deposit: Goal
) -> None:
    wrong = {**EXAMPLE, "name": "Too much", "expected": expected("150")}
    fields = posted(flat(ftd), examples=[EXAMPLE, wrong], part="preview")
    answer = desk.post(path(plan), fields, headers=HTMX)
    page = answer.content.decode()
    assert "<html" not in page
    assert "First deposit: 120.00 EUR" in page
    assert "Deposit has no rule: it is counted and earns nothing." in page
    assert "Comes out as expected." in page
    assert "was expected to earn 150.00 EUR by rule 1, but earns 120.00 EUR" in page
    assert not PlanVersion.objects.exists()


def test_the_preview_names_what_cannot_be_read(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    rows = [{"above": "lots", "amount": "5"}, {"above": "0"}, {"above": "5", "percent": "101"}]
    tiers = {"kind": "tiered", "goal": ftd.pk, "basis": "count", "period": "month", "mode": "marginal", "steps": rows}
    page = desk.post(path(plan), posted(flat(ftd, ""), tiers, part="preview"), headers=HTMX).content.decode()
    assert "Rule 1: Amount: Say how much." in page
    assert "Rule 2: Tiers: Row 1: Above: Enter a number." in page
    assert "Row 2: A tier says above what it begins" in page
    assert "Row 3: Percent: At most 100 percent." in page


def test_a_table_is_shown_again_with_empty_rows_below(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    rows = [{"above": "lots", "amount": ""}, {}, {"above": "10", "amount": "7"}]
    tiers = {"kind": "tiered", "goal": ftd.pk, "basis": "count", "period": "month", "mode": "whole", "steps": rows}
    page = desk.post(path(plan), posted(tiers, part="shape"), headers=HTMX).content.decode()
    cells = re.findall(r'<input[^>]*name="rule-r1-steps-(\d)-above"[^>]*>', page)
    assert cells == ["0", "1", "2", "3"]
    assert 'value="lots"' in page
    assert 'value="7"' in page
    assert "More rows" in page


def test_the_preview_shows_ties_before_publishing_does(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    page = desk.post(path(plan), posted(flat(ftd), flat(ftd, "90"), part="preview"), headers=HTMX).content.decode()
    assert "the goal has several rules" in page


def test_an_example_is_worked_out_for_the_operator_to_confirm(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    blank = {**EXAMPLE, "expected": expected("7", part="x") * 2}
    fields = posted(flat(ftd, "99.5"), examples=[blank], part="work-out-e1")
    page = desk.post(path(plan), fields, headers=HTMX).content.decode()
    assert re.search(r'name="example-e1-expected-0-amount" value="99.50?"', page)
    assert 'value="x"' not in page
    unreadable = {**EXAMPLE, "events": [{"goal": "ftd", "deductions": "nothing"}]}
    fields = posted(flat(ftd), examples=[unreadable], part="work-out-e1")
    assert "is not understood" in desk.post(path(plan), fields, headers=HTMX).content.decode()
    assert (
        "Correct the rules first"
        in desk.post(
            path(plan), posted(flat(ftd, ""), examples=[blank], part="work-out-e1"), headers=HTMX
        ).content.decode()
    )


def test_rows_are_added_and_removed_with_what_was_typed(
    desk: Client, plan: CommissionPlan, ftd: Goal, deposit: Goal
) -> None:
    fields = posted(flat(ftd, "11"), flat(deposit, "22"), examples=[EXAMPLE])
    page = desk.post(path(plan), {**fields, "part": "add-rule"}, headers=HTMX).content.decode()
    assert page.count('name="rule" value=') == 3
    assert 'value="11"' in page
    page = desk.post(path(plan), {**fields, "part": "remove-rule-r1"}, headers=HTMX).content.decode()
    assert page.count('name="rule" value=') == 1
    assert 'value="22"' in page
    assert 'value="11"' not in page
    page = desk.post(path(plan), {**fields, "part": "add-example"}, headers=HTMX).content.decode()
    assert page.count('name="example" value=') == 2
    page = desk.post(path(plan), {**fields, "part": "remove-example-e1"}, headers=HTMX).content.decode()
    assert 'name="example" value=' not in page


def test_without_a_script_the_whole_page_answers(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    page = desk.post(path(plan), posted(flat(ftd), part="add-rule")).content.decode()
    assert "<html" in page
    assert page.count('name="rule" value=') == 2
    page = desk.post(path(plan), posted(flat(ftd), part="preview")).content.decode()
    assert "<html" in page
    assert "First deposit: 120.00 EUR" in page


@pytest.mark.parametrize("key", ["../../x", "r1-amount", "R1", "<b>", "", "x" * 9])
def test_rows_with_other_names_are_passed_over(desk: Client, plan: CommissionPlan, ftd: Goal, key: str) -> None:
    fields = {**posted(flat(ftd)), "rule": ["r1", key], "example": [key]}
    assert desk.post(path(plan), fields).status_code == 302
    assert PlanVersion.objects.get().rules.count() == 1


def test_a_kind_that_does_not_exist_is_refused(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    page = desk.post(path(plan), posted({**flat(ftd), "kind": "gift"}))
    assert page.status_code == 200
    assert "gift is not one of the available choices" in page.content.decode()
    assert not PlanVersion.objects.exists()


def test_a_goal_of_another_offer_is_refused(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    page = desk.post(path(plan), posted({**flat(GoalFactory(name="Foreign"))}))
    assert page.status_code == 200
    assert not PlanVersion.objects.exists()


def test_examples_go_on_with_the_next_version(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    desk.post(path(plan), posted(flat(ftd), examples=[EXAMPLE]))
    (stored,) = PlanVersion.objects.get().examples.all()
    assert stored.events == [{"goal": "ftd", "revenue": "50", "currency": "EUR"}]
    page = desk.get(path(plan)).content.decode()
    assert 'name="example-e1-events-0-revenue" value="50"' in page
    assert 'name="example-e1-expected-0-amount" value="120"' in page
    fields = posted(flat(ftd, "130"), examples=[EXAMPLE])
    page = desk.post(path(plan), fields).content.decode()
    assert "was expected to earn 120.00 EUR by rule 1, but earns 130.00 EUR" in page
    assert PlanVersion.objects.count() == 1


def test_a_draft_is_kept_and_changed_and_then_published(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    answer = desk.post(path(plan), posted(flat(ftd), examples=[EXAMPLE], part="draft"))
    draft = DraftVersion.objects.get()
    assert answer["Location"] == f"{path(plan)}?draft={draft.public_id}"
    assert not PlanVersion.objects.exists()
    page = desk.get(answer["Location"]).content.decode()
    assert draft.public_id in page
    assert 'value="120"' in page
    later = {"at_once": "", "effective_from_0": "2030-01-01", "effective_from_1": "00:00"}
    example = {**EXAMPLE, "expected": expected("90")}
    desk.post(answer["Location"], posted(flat(ftd, "90"), examples=[example], part="draft", **later))
    draft.refresh_from_db()
    assert draft.rules["rules"][0]["amount"] == "90"
    assert (draft.effective_from - datetime(2030, 1, 1, tzinfo=UTC)).total_seconds() <= 14 * 3600
    change = reverse("admin:payouts_commissionplan_change", args=[plan.pk])
    assert f"{path(plan)}?draft={draft.public_id}" in desk.get(change).content.decode()
    desk.post(answer["Location"], posted(flat(ftd, "90"), examples=[example], part="publish", **later))
    draft.refresh_from_db()
    assert (draft.state, draft.version) == ("published", PlanVersion.objects.get())
    assert PlanVersion.objects.get().effective_from == draft.effective_from
    assert draft.public_id not in desk.get(change).content.decode()


def test_a_draft_that_is_refused_stays_as_it_was(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    address = desk.post(path(plan), posted(flat(ftd, "90"), part="draft"))["Location"]
    example = {**EXAMPLE, "expected": expected("7")}
    page = desk.post(address, posted(flat(ftd, "80"), examples=[example])).content.decode()
    assert "was expected to earn 7.00 EUR by rule 1, but earns 80.00 EUR" in page
    draft = DraftVersion.objects.get()
    assert (draft.state, draft.rules["rules"][0]["amount"]) == ("open", "90")
    assert not PlanVersion.objects.exists()


def test_drafts_of_other_plans_and_closed_ones_are_not_found(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    desk.post(path(plan), posted(flat(ftd), part="draft"))
    draft = DraftVersion.objects.get()
    other = CommissionPlanFactory(offer=OfferFactory())
    assert desk.get(f"{path(other)}?draft={draft.public_id}").status_code == 404
    DraftVersion.objects.update(state="withdrawn")
    assert desk.get(f"{path(plan)}?draft={draft.public_id}").status_code == 404


def test_what_rules_say_beyond_a_form_is_not_lost(desk: Client, plan: CommissionPlan, ftd: Goal) -> None:
    """Two components and a narrowed rule come back as three rows, each with all that it says."""
    rules: list[dict[str, Any]] = [
        {**flat(ftd), "is_component": "on"},
        {"kind": "percent", "goal": ftd.pk, "percent": "5", "is_component": "on"},
        {**flat(ftd, "80"), "country": "AT", "max_payments": "3"},
    ]
    assert desk.post(path(plan), posted(*rules)).status_code == 302
    page = desk.get(path(plan)).content.decode()
    assert page.count('name="rule" value=') == 3
    assert 'value="AT"' in page
    assert CommissionRule.objects.filter(is_component=True).count() == 2
