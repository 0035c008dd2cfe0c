"""What-ifs: what they say, that they write nothing to the ledger, and how they run as jobs."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from affiliates.models import Affiliate, User
from config import settings as defaults
from conversions.models import Conversion, Goal
from payouts import tasks
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, LedgerEntry, LedgerHead, WhatIf
from payouts.plan_changes import what_if_jobs
from payouts.plan_changes.drafts import write_draft
from payouts.plan_changes.what_if_jobs import (
    WhatIfRefused,
    WhatIfRunning,
    ask_of_draft,
    ask_what_if,
    effect_on,
    run_what_if,
)
from payouts.plan_changes.what_if_report import TermChange, changes_of, csv_rows, lines_by_change, most_moved, totals
from payouts.plans.documents import PlanRefused
from payouts.queries import balances
from records.spreadsheet_cells import csv_text
from tests.factories import AffiliateFactory, ConversionFactory, GoalFactory
from tests.payouts.at_once import at_once
from tests.payouts.deals import NOW, PENDING, deal, flat, percent

MONTH_AGO = NOW - timedelta(days=30)


@pytest.fixture
def goal(db: None) -> Goal:
    return GoalFactory(name="Deposit")


@pytest.fixture
def plan(goal: Goal, ana: Affiliate, ben: Affiliate) -> CommissionPlan:
    """25 % of revenue. Ana: 100 + 300, and 1000 JPY. Ben: 40, and 60 that is pending. One event before the month."""
    plan = deal(percent(goal, "25")).plan
    for affiliate, revenue, given in (
        (ana, "100", {}),
        (ana, "300", {}),
        (ana, "1000", {"currency": "JPY"}),
        (ben, "40", {}),
        (ben, "60", {"status": PENDING}),
        (ben, "999", {"occurred_at": MONTH_AGO - timedelta(seconds=1)}),
        (ben, "999", {"occurred_at": NOW}),
    ):
        values: dict[str, Any] = {"occurred_at": NOW - timedelta(days=2), **given}
        ConversionFactory(goal=goal, affiliate=affiliate, revenue=Decimal(revenue), **values)
    return plan


def tried(plan: CommissionPlan, *rules: CommissionRule, **given: Any) -> WhatIf:
    asked = {"tried": "A proposal", "starts_at": MONTH_AGO, "ends_at": NOW, "actor": None, "now": NOW, **given}
    return ask_what_if(plan=plan, rules=rules, **asked)


def reported(row: WhatIf) -> list[tuple[str, str, Decimal, Decimal, Decimal, Decimal]]:
    return [
        (line.affiliate.name, line.currency, line.before, line.after, line.expected_before, line.expected_after)
        for line in row.lines.order_by("affiliate__name", "currency")
    ]


def test_compares_by_affiliate_and_currency_what_is_approved_and_what_is_expected(
    plan: CommissionPlan, goal: Goal
) -> None:
    row = tried(plan, percent(goal, "30"))
    # Ana: 25 % of 400 = 100, 30 % = 120; of 1000 JPY 250 and 300. Ben: 10 and 12; with the pending 60: 25 and 30.
    assert reported(row) == [
        ("Ana", "EUR", 100, 120, 100, 120),
        ("Ana", "JPY", 250, 300, 250, 300),
        ("Ben", "EUR", 10, 12, 25, 30),
    ]
    assert (row.state, row.done, row.total) == ("done", 5, 5)


def test_currencies_are_never_added(plan: CommissionPlan, goal: Goal) -> None:
    row = tried(plan, flat(goal, "20", "USD"))
    assert [(each.currency, each.before, each.after, each.losing, each.gaining) for each in totals(row)] == [
        ("EUR", 110, 0, 2, 0),
        ("JPY", 250, 0, 1, 0),
        ("USD", 0, 80, 0, 2),
    ]
    assert [each.percent for each in totals(row)] == [Decimal("-100.0"), Decimal("-100.0"), None]


def test_winners_losers_and_the_file(plan: CommissionPlan, goal: Goal) -> None:
    row = tried(plan, flat(goal, "30"))
    # Ana: 100 -> 60 and, of JPY, 250 -> 0 with 30 EUR more: 90. Ben: 10 -> 30, with the pending one 25 -> 60.
    euro = [line for line in lines_by_change(row) if line.currency == "EUR"]
    assert [(line.affiliate.name, line.change) for line in euro] == [("Ana", -10), ("Ben", 20)]  # type: ignore[attr-defined]
    assert [line.affiliate.name for line in most_moved(row, "EUR", 5)] == ["Ana", "Ben"]
    [_, *rows] = csv.reader(io.StringIO(csv_text(csv_rows(row))))
    ana = Affiliate.objects.get(name="Ana").public_id
    assert rows[0] == ["Ana", ana, "EUR", "100", "90", "-10", "100", "90"]


def test_examples_carry_both_arithmetics(plan: CommissionPlan, goal: Goal) -> None:
    row = tried(plan, percent(goal, "30"))
    most = next(each for each in row.examples if each["currency"] == "EUR")
    assert Decimal(most["change"]) == 15
    assert most["before"]["lines"][0]["arithmetic"] == "25 % of 300.00 EUR = 75.00 EUR"
    assert most["after"]["lines"][0]["arithmetic"] == "30 % of 300.00 EUR = 90.00 EUR"
    assert len(row.examples) == 4
    assert Conversion.objects.filter(public_id=most["conversion"], revenue=300).exists()


def test_says_why_an_example_would_earn_nothing(plan: CommissionPlan, goal: Goal) -> None:
    other = GoalFactory(offer=goal.offer)
    [most, *_] = tried(plan, flat(other, "30")).examples
    assert most["after"] == {"lines": [], "reason": "Standard plan v2 has no rule for this goal."}


def test_own_plans_stay_when_the_default_is_tried(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    own = deal(percent(goal, "50"), affiliate=ana)
    assert reported(tried(plan, percent(goal, "10")))[0] == ("Ana", "EUR", 200, 200, 200, 200)
    assert [line[0] for line in reported(tried(own.plan, percent(goal, "10")))] == ["Ana", "Ana"]


def test_tiers_count_over_all_events_of_the_period(plan: CommissionPlan, goal: Goal) -> None:
    steps = [{"above": "0", "amount": "5"}, {"above": "1", "amount": "9"}]
    formula = {"basis": "count", "mode": "whole", "period": "month", "currency": "EUR", "steps": steps}
    row = tried(plan, CommissionRule(goal=goal, kind=CommissionRule.Kind.TIERED, formula=formula))
    # Ana has three: all at 9. Ben has one of the month before the fifteenth, and one later that counts too.
    found = {(name, currency): after for name, currency, _, after, *_ in reported(row)}
    assert found == {("Ana", "EUR"): 27, ("Ana", "JPY"): 0, ("Ben", "EUR"): 9}


def test_writes_nothing_to_the_ledger(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    book_changes(now=NOW)
    before = list(LedgerEntry.objects.order_by("pk").values()), list(LedgerHead.objects.order_by("pk").values())
    due = list(Conversion.objects.order_by("pk").values_list("pk", "booked_at"))
    tried(plan, percent(goal, "1"))
    assert before == (
        list(LedgerEntry.objects.order_by("pk").values()),
        list(LedgerHead.objects.order_by("pk").values()),
    )
    assert due == list(Conversion.objects.order_by("pk").values_list("pk", "booked_at"))
    assert book_changes(now=NOW) == 0
    assert balances(ana)[0].amount == 100


def test_refuses_what_lies_ahead_and_rules_that_could_not_be_published(plan: CommissionPlan, goal: Goal) -> None:
    with pytest.raises(WhatIfRefused, match="lie in the past"):
        tried(plan, percent(goal, "30"), starts_at=NOW, ends_at=NOW + timedelta(days=3))
    with pytest.raises(PlanRefused, match="less than or equal to 100"):
        tried(plan, percent(goal, "130"))
    assert not WhatIf.objects.exists()


def test_a_draft_is_tried_as_it_stands_and_lists_everybody_concerned(
    plan: CommissionPlan, goal: Goal, ana: Affiliate
) -> None:
    registration = GoalFactory(offer=goal.offer, name="Registration")
    carla = AffiliateFactory(name="Carla")
    ConversionFactory(goal=registration, affiliate=carla, occurred_at=NOW - timedelta(days=1))
    draft = write_draft(plan=plan, rules=[percent(goal, "20")], effective_from=MONTH_AGO, note="", actor=None, now=NOW)
    row = ask_of_draft(draft, MONTH_AGO, NOW, actor=None, now=NOW)
    assert effect_on(draft) == row
    assert reported(row)[-1] == ("Carla", "EUR", 0, 0, 0, 0)
    assert changes_of(draft) == [TermChange("Deposit", "25 % of revenue", "20 % of revenue")]
    DraftVersion.objects.update(digest="changed")
    draft.refresh_from_db()
    assert effect_on(draft) is None


class TestAsAJob:
    @pytest.fixture(autouse=True)
    def _great(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(what_if_jobs, "SMALL", -1)

    def test_a_great_one_waits_for_a_worker_and_shows_how_far_it_is(
        self, plan: CommissionPlan, goal: Goal, olga: User
    ) -> None:
        row, output = tried(plan, percent(goal, "30"), actor=olga), list[tuple[str, int, int]]()
        assert (row.state, row.done, row.total, row.lines.count()) == ("waiting", 0, 5, 0)
        run_what_if(row, progress=lambda *step: output.append(step))
        assert output == [("events", 5, 5)]
        assert row.lines.count() == 3

    def test_the_sweep_answers_each_once(self, plan: CommissionPlan, goal: Goal) -> None:
        row = tried(plan, percent(goal, "30"))
        assert [tasks.answer_what_ifs(), tasks.answer_what_ifs()] == [1, 0]
        row.refresh_from_db()
        assert (row.state, row.lines.count()) == ("done", 3)
        first = row.finished_at
        run_what_if(row)
        row.refresh_from_db()
        assert row.finished_at == first

    def test_one_that_fails_says_why_and_holds_up_no_other(
        self, plan: CommissionPlan, goal: Goal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, whole = tried(plan, percent(goal, "30")), tried(plan, percent(goal, "35"))
        broken.rules = {"rules": [{"goal": "gone", "kind": "flat"}]}
        broken.save()
        assert tasks.answer_what_ifs() == 1
        broken.refresh_from_db()
        whole.refresh_from_db()
        assert (broken.state, whole.state) == ("failed", "done")
        assert "the offer has no goal gone" in broken.error

    def test_what_a_crash_left_is_begun_anew(self, plan: CommissionPlan, goal: Goal) -> None:
        row = tried(plan, percent(goal, "30"))
        WhatIf.objects.update(state="running", done=2)
        assert tasks.answer_what_ifs() == 1
        assert row.lines.count() == 3

    def test_the_sweep_is_in_the_schedule(self) -> None:
        assert tasks.answer_what_ifs.name in {entry["task"] for entry in defaults.CELERY_BEAT_SCHEDULE.values()}


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_works(plan: CommissionPlan, goal: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if_jobs, "SMALL", -1)
    row = tried(plan, percent(goal, "30"))
    found = at_once(*[lambda: run_what_if(WhatIf.objects.get(pk=row.pk))] * 4)
    assert {type(each) for each in found} <= {type(None), WhatIfRunning}
    assert row.lines.count() == 3
