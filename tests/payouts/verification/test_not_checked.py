"""What cannot be priced a second time is named, and never passes as checked."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from affiliates.models import Affiliate
from conversions.models import Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule, LedgerEntry
from payouts.verification.independent.kinds import KINDS as SECOND_KINDS
from payouts.verification.independent.money import DECIMALS, decimals
from payouts.verification.verify import Verification
from records.money import PLACES
from tests.factories import AffiliateFactory, ClickFactory, ConversionFactory, GoalFactory
from tests.payouts.deals import NOW, deal, flat
from tests.payouts.new_kind import add_kind, kind_of_the_page, second_of_the_page
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db


def of_the_new_kind(goal: Goal, **fields: Any) -> CommissionRule:
    given: dict[str, Any] = {"amount": Decimal(50), "currency": "EUR", "formula": {"every": "2"}}
    return CommissionRule(goal=goal, kind="every_nth", **given, **fields)


def convert(goal: Goal, affiliate: Affiliate, number: int, **fields: Any) -> None:
    for place in range(number):
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=NOW - timedelta(hours=place), **fields)


def test_a_kind_without_a_second_implementation_is_named_and_the_command_fails(
    ana: Affiliate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_kind(kind_of_the_page(), monkeypatch)
    lead, sale = GoalFactory(), GoalFactory()
    rule = of_the_new_kind(lead)
    deal(rule)
    deal(flat(sale, "7"))
    convert(lead, ana, 4), convert(sale, ana, 1)
    book_changes()
    with pytest.raises(SystemExit):
        call_command("verify_ledger")
    assert (
        f"Rule {rule.pk} (every_nth): no second implementation prices rules of the kind every_nth, so what 4 rows earn "
        "by it was not checked." in capsys.readouterr().out
    )
    monkeypatch.setitem(SECOND_KINDS, "every_nth", second_of_the_page())
    call_command("verify_ledger")


def test_cpa_that_is_not_known_makes_the_share_that_makes_it_up_unknown(
    ana: Affiliate, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_kind(kind_of_the_page(), monkeypatch)
    lead = GoalFactory()
    share = GoalFactory(offer=lead.offer)
    recoup = CommissionRule(
        goal=share, kind="net_revenue", percent=Decimal(30), formula={"recoup_cpa": True}, is_component=True
    )
    deal(of_the_new_kind(lead, is_component=True), recoup)
    convert(lead, ana, 2)
    ConversionFactory(goal=share, affiliate=ana, revenue=Decimal(900), occurred_at=NOW)
    book_changes()
    assert sorted(each.subject.split()[2] for each in Verification().findings()) == ["(every_nth)", "(net_revenue)"]


STEPS = [{"above": "0", "percent": "10"}]


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("tiered", {"basis": "count", "mode": "marginal", "period": "year", "steps": STEPS}),
        ("tiered", {"basis": "count", "mode": "whole", "period": "month"}),
        ("tiered", {"mode": "whole"}),
        ("tiered", ["a list"]),
        ("parents", {"levels": ["10"]}),
        ("parents", {"of": "commission", "levels": ["ten"]}),
    ],
)
def test_terms_that_cannot_be_read_are_named(ana: Affiliate, kind: str, formula: Any) -> None:
    goal = GoalFactory()
    tiers = {"basis": "count", "mode": "marginal", "period": "month", "steps": STEPS}
    rules = {
        "tiered": CommissionRule(goal=goal, kind="tiered", formula=tiers),
        "parents": CommissionRule(kind="parents", formula={"of": "commission", "levels": ["10"]}),
    }
    deal(*rules.values())
    child = AffiliateFactory(parent=ana)
    convert(goal, child, 1)
    book_changes()
    with triggers_off(CommissionRule):
        CommissionRule.objects.filter(kind=kind).update(formula=formula)
    problems = [each for each in Verification().findings() if each.subject == f"Rule {rules[kind].pk} ({kind})"]
    assert [each.problem.startswith("its terms cannot be read") for each in problems] == [True]


def test_a_click_that_is_no_longer_stored_is_named_beside_the_difference(ana: Affiliate) -> None:
    """Its country went with it, and so the rule that was for it."""
    goal = GoalFactory()
    german = flat(goal, "9")
    german.country = "DE"
    deal(flat(goal, "5"), german)
    click = ClickFactory(country="DE")
    ConversionFactory(goal=goal, affiliate=ana, click_id=click.pk)
    book_changes()
    assert list(Verification().findings()) == []
    click.delete()
    assert {"its click is not stored" in each.problem for each in Verification().findings()} == {True}
    assert LedgerEntry.objects.get().amount == 9


def test_the_decimals_of_currencies_are_those_that_the_ledger_rounds_to() -> None:
    assert {code: decimals(code) for code in PLACES} == PLACES
    assert DECIMALS.keys() <= PLACES.keys()
