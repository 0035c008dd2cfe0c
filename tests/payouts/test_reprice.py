import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from affiliates.models import Affiliate
from conversions.models import Goal
from payouts.ledger import book_changes
from payouts.models import LedgerEntry
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


def reprice(*arguments: str) -> str:
    out = StringIO()
    call_command("reprice", *arguments, stdout=out)
    return out.getvalue()


def test_shows_what_a_version_would_have_paid_and_writes_nothing(booked: Goal, tmp_path: Path) -> None:
    file = tmp_path / "version.json"
    tiers = {"basis": "count", "mode": "whole", "period": "month", "currency": "EUR"}
    tiers["steps"] = [{"above": "0", "amount": "40"}, {"above": "1", "amount": "70"}]  # type: ignore[assignment]
    file.write_text(json.dumps({"rules": [{"goal": "ftd", "kind": "tiered", "formula": tiers}]}))
    said = reprice("--dry-run", f"--offer={booked.offer_id}", "--from=2026-10-01", f"--version-file={file}")
    # Ana has two: 2 x 50 = 100 before, 2 x 70 = 140 after. Ben has one: 50 before, 40 after.
    assert said.splitlines() == [
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
    ("content", "fault"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no list of rules"),
        ('{"rules": [{"goal": "nope", "kind": "flat"}]}', "the offer has no goal nope"),
        ('{"rules": [{"kind": "flat", "colour": "red"}]}', "does not know colour"),
        ('{"rules": [{"kind": "flat", "amount": "much"}]}', "must be a decimal"),
        ('{"rules": [{"kind": "flat"}]}', "a flat rule has an amount"),
    ],
)
def test_says_what_is_wrong_with_a_version_file(booked: Goal, tmp_path: Path, content: str, fault: str) -> None:
    file = tmp_path / "version.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=fault):
        reprice("--dry-run", f"--offer={booked.offer_id}", f"--version-file={file}")


def test_a_version_file_is_only_tried(booked: Goal) -> None:
    with pytest.raises(CommandError, match="publish a version in the panel"):
        reprice("--version-file=x.json")
