import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, DraftVersion, LedgerEntry, PlanVersion
from payouts.plan_changes.consents import record
from payouts.plan_changes.drafts import write_draft
from payouts.queries import balances
from tests.factories import CommissionRuleFactory, ConversionFactory, GoalFactory
from tests.payouts.deals import deal, flat

OCTOBER = datetime(2026, 10, 5, tzinfo=UTC)


@pytest.fixture
def booked(ana: Affiliate, ben: Affiliate, db: None) -> Goal:
    goal = GoalFactory(code="ftd")
    deal(flat(goal, "50"))
    for affiliate in (ana, ana, ben):
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=OCTOBER)
    book_changes()
    return goal


RULES = '[{"goal": "ftd", "kind": "flat", "amount": "5", "currency": "EUR"}]'


def reprice(*arguments: str) -> str:
    out = StringIO()
    call_command("reprice", *arguments, stdout=out)
    return out.getvalue()


def test_shows_what_a_version_would_have_paid_and_writes_nothing(booked: Goal, tmp_path: Path) -> None:
    file = tmp_path / "version.json"
    tiers = {"basis": "count", "mode": "whole", "period": "month", "currency": "EUR"}
    tiers["steps"] = [{"above": "0", "amount": "40"}, {"above": "1", "amount": "70"}]  # type: ignore[assignment]
    file.write_text(json.dumps({"rules": [{"goal": "ftd", "kind": "tiered", "formula": tiers}]}))
    output = reprice("--dry-run", f"--offer={booked.offer_id}", "--from=2026-10-01", f"--version-file={file}")
    # Ana has two: 2 x 50 = 100 before, 2 x 70 = 140 after. Ben has one: 50 before, 40 after.
    assert output.splitlines() == [
        "Ben: 50.00 EUR -> 40.00 EUR (-10.00 EUR)",
        "Ana: 100.00 EUR -> 140.00 EUR (40.00 EUR)",
        "Total: 150.00 EUR -> 180.00 EUR (30.00 EUR)",
        "2 of 2 balances would change. Nothing was written.",
    ]
    assert LedgerEntry.objects.count() == 3


def test_pricing_again_changes_nothing_that_is_right(booked: Goal) -> None:
    assert "Priced 3 conversions again" in reprice()
    assert LedgerEntry.objects.count() == 3


def test_pricing_again_books_what_another_rule_makes_of_it(booked: Goal, ben: Affiliate) -> None:
    version = deal(flat(GoalFactory(offer=booked.offer), "1"), since=OCTOBER.replace(day=2), now=OCTOBER.replace(day=1))
    CommissionRuleFactory(version=version, goal=booked, amount=60)
    assert "Ben: 50.00 EUR -> 60.00 EUR (10.00 EUR)" in reprice("--dry-run", "--from=2026-10-01")
    reprice("--from=2026-10-01")
    assert balances(ben)[0].amount == 60


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no list of rules"),
        ('{"rules": [{"goal": "nope", "kind": "flat"}]}', "the offer has no goal nope"),
        ('{"rules": [{"kind": "flat", "colour": "red"}]}', "does not know colour"),
        ('{"rules": [{"kind": "flat", "amount": "much"}]}', "must be a decimal"),
        ('{"rules": [{"kind": "flat"}]}', "a flat rule has an amount"),
        (f'{{"rules": {RULES}, "examples": 5}}', "examples are a list"),
        (f'{{"rules": {RULES}, "examples": [5]}}', "An example is not an object"),
        (
            f'{{"rules": {RULES}, "examples": [{{"name": "One", "events": [{{"goal": "ftd"}}]}}]}}',
            "was expected to earn nothing by rule 1, but earns 5.00 EUR",
        ),
    ],
)
def test_says_what_is_wrong_with_a_version_file(booked: Goal, tmp_path: Path, content: str, problem: str) -> None:
    file = tmp_path / "version.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=problem):
        reprice("--dry-run", f"--offer={booked.offer_id}", f"--version-file={file}")


def a_draft(goal: Goal, amount: str) -> DraftVersion:
    plan = CommissionPlan.objects.get(offer=goal.offer)
    since = OCTOBER - timedelta(days=1)
    return write_draft(plan=plan, rules=[flat(goal, amount)], effective_from=since, note="", actor=None, now=OCTOBER)


def test_a_draft_that_takes_money_is_refused_until_the_affiliates_agree(
    booked: Goal, ana: Affiliate, ben: Affiliate, olga: User
) -> None:
    draft = a_draft(booked, "40")
    answers = ["0 of 2 affiliates concerned have agreed.", "No consent: Ana", "No consent: Ben"]
    answers += ["Ana: 100.00 EUR -> 80.00 EUR (-20.00 EUR)", "Ben: 50.00 EUR -> 40.00 EUR (-10.00 EUR)"]
    answers += ["Total: 150.00 EUR -> 120.00 EUR (-30.00 EUR)", "2 of 2 balances would change. Nothing was written."]
    assert reprice("--dry-run", f"--draft={draft.public_id}").splitlines() == answers
    with pytest.raises(CommandError, match=r"2 of 2 consents are missing \(Ana, Ben\)\. Ask the affiliates"):
        reprice(f"--draft={draft.public_id}")
    assert PlanVersion.objects.count() == 1
    for affiliate in (ana, ben):
        given = {"evidence": "By letter", "evidence_file": "", "now": timezone.now(), "operator": olga}
        record(draft=draft, digest=draft.digest, affiliate=affiliate, accepts=True, **given)  # type: ignore[arg-type]
    assert "v2 is in force; differences are booked." in reprice(f"--draft={draft.public_id}")
    assert (balances(ana)[0].amount, balances(ben)[0].amount) == (80, 40)
    with pytest.raises(CommandError, match="published already"):
        reprice(f"--draft={draft.public_id}")


def test_a_draft_that_raises_everybody_is_put_into_force_and_booked(booked: Goal, ben: Affiliate) -> None:
    output = reprice(f"--draft={a_draft(booked, '60').public_id}").splitlines()
    assert output == [
        "No affiliate loses by it: no consent is needed.",
        "Ben: 50.00 EUR -> 60.00 EUR (10.00 EUR)",
        "Ana: 100.00 EUR -> 120.00 EUR (20.00 EUR)",
        "Total: 150.00 EUR -> 180.00 EUR (30.00 EUR)",
        "2 of 2 balances change.",
        "Standard plan v2 is in force; differences are booked.",
    ]
    assert balances(ben)[0].amount == 60


def test_distinguishes_what_is_still_pending(booked: Goal, ben: Affiliate) -> None:
    ConversionFactory(goal=booked, affiliate=ben, occurred_at=OCTOBER, status="pending")
    output = reprice("--dry-run", f"--draft={a_draft(booked, '60').public_id}").splitlines()
    assert output[1] == "Total with what is pending: 200.00 EUR -> 240.00 EUR (40.00 EUR)"
    assert output[-2] == "Total: 150.00 EUR -> 180.00 EUR (30.00 EUR)"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["--draft=dv_x"], "There is no draft dv_x"), (["--draft=x", "--from=2026-01-01"], "alone")],
)
def test_says_what_is_wrong_with_the_draft(booked: Goal, arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        reprice(*arguments)


def test_a_version_file_is_only_tried(booked: Goal) -> None:
    with pytest.raises(CommandError, match="publish a version in the panel"):
        reprice("--version-file=x.json")
