from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from affiliates.models import Affiliate, User
from conversions.models import Conversion, Goal
from payouts.anchors.files import append_missing
from payouts.anchors.making import make_anchor
from payouts.anchors.seals import facts_of, seal_of
from payouts.ledger.booking import adjust, book_changes
from payouts.ledger.chain import COLUMNS, EntryFacts, seal
from payouts.models import (
    Anchor,
    AnchoredStatement,
    CommissionRule,
    LedgerEntry,
    LedgerHead,
    Payout,
    Statement,
    StatementSeal,
)
from payouts.paying.payments import mark_paid
from payouts.statements.statements import close_period
from payouts.verification import stored_facts
from payouts.verification import verify as verification
from payouts.verification.verify import Verification
from tests.factories import ConversionFactory, GoalFactory
from tests.payouts.deals import REJECTED, deal, flat, move
from tests.payouts.tampering import triggers_off

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _a_ledger(ana: Affiliate, ben: Affiliate, olga: User) -> None:
    """Ana: four commissions of 120 EUR, a statement over them, its payment (#5), one commission more (#6). Ben: one."""
    goal = GoalFactory(code="ftd")
    deal(flat(goal, "120"))
    ConversionFactory.create_batch(4, goal=goal, affiliate=ana, occurred_at=OCTOBER)
    ConversionFactory(goal=goal, affiliate=ben, occurred_at=OCTOBER)
    book_changes(now=OCTOBER)
    statement = next(row for row in close_period(ends_at=NOVEMBER, now=NOVEMBER) if row.affiliate == ana)
    mark_paid(payout=statement.payout, reference="SEPA 1", actor=olga, now=NOVEMBER)
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=NOVEMBER)
    book_changes(now=NOVEMBER)


def verify(*arguments: str) -> tuple[int, list[str]]:
    output = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=output)
    except SystemExit as stop:
        return int(str(stop.code)), output.getvalue().splitlines()
    return 0, output.getvalue().splitlines()


def entry_of(affiliate: Affiliate, sequence: int) -> Any:
    return LedgerEntry.objects.filter(affiliate=affiliate, sequence=sequence)


def by_rule() -> str:
    return f"by rule {CommissionRule.objects.get().pk}"


def reseal(affiliate: Affiliate, sequence: int) -> str:
    """Give an altered entry a seal that fits its facts and the one before it."""
    rows = LedgerEntry.objects.filter(affiliate=affiliate)
    entry = rows.get(sequence=sequence)
    before = rows.filter(sequence=sequence - 1).values_list("hash", flat=True).first() or "0" * 64
    rows.filter(pk=entry.pk).update(previous_hash=before)
    facts = EntryFacts(*rows.filter(pk=entry.pk).values_list(*COLUMNS).get())
    rows.filter(pk=entry.pk).update(hash=seal(facts))
    return seal(facts)


def test_an_untouched_ledger_is_well() -> None:
    assert verify() == (
        0,
        [
            "Checked 7 entries, 2 statements and 6 conversions; "
            "0 conversions are due for booking and were not compared.",
            "All is well.",
        ],
    )


def test_a_changed_amount_is_found_at_its_place(ana: Affiliate) -> None:
    with triggers_off(LedgerEntry):
        entry_of(ana, 2).update(amount=Decimal("1200"))
    code, output = verify()
    name = f"Ana ({ana.public_id})"
    statement, conversion = Statement.objects.get(affiliate=ana), entry_of(ana, 2).get().conversion
    assert code == 1
    assert output[:-2] == [
        f"{name}, entry #2: its facts do not match its seal: it was altered after it was booked.",
        f"{name}, statement {statement.number}: says earned 480.00 EUR; the ledger comes to 1560.00 EUR.",
        f"{name}, statement {statement.number}: says closing 480.00 EUR; the ledger comes to 1560.00 EUR.",
        f"Conversion {conversion.public_id}: the ledger holds 1080.00 EUR more than it earns: {by_rule()} 1200.00 EUR "
        "are booked and 120.00 EUR are owed (flat 120.00 EUR).",
    ]
    assert output[-1] == "Findings: 4. The ledger is not as it was booked."


@pytest.mark.parametrize(
    ("column", "value"),
    [("arithmetic", "because"), ("occurred_at", OCTOBER), ("booked_at", OCTOBER), ("rule_id", None)],
)
def test_any_changed_fact_is_found(ana: Affiliate, column: str, value: object) -> None:
    with triggers_off(LedgerEntry):
        entry_of(ana, 6).update(**{column: value})
    assert f"Ana ({ana.public_id}), entry #6: its facts do not match" in verify()[1][0]


def test_an_entry_that_was_altered_and_sealed_again_breaks_the_chain_after_it(ana: Affiliate) -> None:
    with triggers_off(LedgerEntry):
        entry_of(ana, 2).update(arithmetic="because")
        reseal(ana, 2)
    code, output = verify()
    assert code == 1
    assert output[0] == (
        f"Ana ({ana.public_id}), entry #3: does not continue what stands before it (#2): one of the two was exchanged."
    )


def test_a_chain_that_was_written_anew_does_not_fit_its_statement(ana: Affiliate) -> None:
    with triggers_off(LedgerEntry):
        entry_of(ana, 2).update(arithmetic="because")
        seals = [reseal(ana, sequence) for sequence in range(2, 7)]
    LedgerHead.objects.filter(affiliate=ana).update(hash=seals[-1])
    statement = Statement.objects.get(affiliate=ana)
    assert [(finding.subject, finding.problem) for finding in Verification().findings()] == [
        (
            f"Ana ({ana.public_id}), statement {statement.number}",
            "was closed over another chain: entry #4 had another seal then.",
        )
    ]


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        ([3], "entry #4: entry #3 is missing before it."),
        ([1, 2, 3], "entry #4: entries #1 to #3 are missing before it."),
        ([5, 6], "entries #5 to #6 are missing at the chain's end."),
        ([4, 5, 6], "its last entry, #4, is missing."),
    ],
)
def test_a_deleted_entry_is_missed(ana: Affiliate, missing: list[int], problem: str) -> None:
    with triggers_off(LedgerEntry):
        LedgerEntry.objects.filter(affiliate=ana, sequence__in=missing)._raw_delete("default")
    code, output = verify()
    assert code == 1
    assert any(problem in line for line in output)


def test_a_head_that_was_set_back_is_found(ana: Affiliate) -> None:
    LedgerHead.objects.filter(affiliate=ana).update(sequence=5, hash=entry_of(ana, 5).get().hash)
    assert verify()[1][0] == f"Ana ({ana.public_id}): the chain's head stands before its last entry, #6."


def test_a_head_with_another_seal_is_found(ana: Affiliate) -> None:
    LedgerHead.objects.filter(affiliate=ana).update(hash="f" * 64)
    assert "entry #6: is the end of the chain, but the chain's head holds another seal." in verify()[1][0]


def test_a_changed_statement_is_found(ana: Affiliate) -> None:
    with triggers_off(Statement):
        Statement.objects.filter(affiliate=ana).update(opening=5, closing=485, first_sequence=2)
    problems = [finding.problem for finding in Verification().findings()]
    assert problems == [
        "begins at entry #2, not where the statement before it ended.",
        "says opening 5.00 EUR; the ledger comes to 0.00 EUR.",
        "says closing 485.00 EUR; the ledger comes to 480.00 EUR.",
        "does not match its seal: it, or its payout, was altered after it was closed.",
    ]


def test_a_payout_marked_by_hand_is_found(ben: Affiliate) -> None:
    payout = Payout.objects.get(affiliate=ben)
    Payout.objects.filter(pk=payout.pk).update(status="paid", paid_at=NOVEMBER)
    problem = f"Payout {payout.public_id}: is paid, but the ledger holds no payment of 120.00 EUR for it."
    assert verify()[1][0] == problem
    assert verify("--affiliate", ben.public_id)[1][0] == problem


def test_a_payout_set_back_to_due_is_found(ana: Affiliate) -> None:
    with triggers_off(Payout):
        Payout.objects.filter(affiliate=ana).update(status="due", paid_at=None)
    assert "is due, but the ledger holds a payment of it." in verify()[1][0]


def test_a_status_changed_behind_the_ledgers_back_is_found(ben: Affiliate) -> None:
    conversion = Conversion.objects.get(affiliate=ben)
    with triggers_off(Conversion):
        Conversion.objects.filter(pk=conversion.pk).update(status="rejected")
    code, output = verify()
    assert code == 1
    assert output[0] == (
        f"Conversion {conversion.public_id}: the ledger holds 120.00 EUR more than it earns: {by_rule()} 120.00 EUR "
        "are booked and 0.00 EUR are owed (it is rejected)."
    )


def test_a_conversion_marked_as_booked_without_its_line_is_found(ana: Affiliate) -> None:
    goal = Goal.objects.get(code="ftd")
    conversion = ConversionFactory(goal=goal, affiliate=ana, occurred_at=NOVEMBER, booked_at=NOVEMBER)
    assert verify()[1][0] == (
        f"Conversion {conversion.public_id}: the ledger holds 120.00 EUR less than it earns: {by_rule()} 0.00 EUR "
        "are booked and 120.00 EUR are owed (flat 120.00 EUR)."
    )


def test_conversions_that_are_due_are_counted_not_problemed(ben: Affiliate) -> None:
    move(Conversion.objects.get(affiliate=ben), REJECTED)
    code, output = verify()
    assert code == 0
    assert "5 conversions; 1 conversions are due for booking" in output[0]


def test_one_affiliate_can_be_checked_alone(ana: Affiliate, ben: Affiliate) -> None:
    with triggers_off(LedgerEntry):
        entry_of(ana, 2).update(amount=1)
    assert verify("--affiliate", ben.public_id)[0] == 0
    assert verify("--affiliate", ana.public_id)[0] == 1


def test_an_unknown_affiliate_is_an_error() -> None:
    with pytest.raises(CommandError, match="There is no affiliate af_nobody"):
        verify("--affiliate", "af_nobody")


def test_reads_in_chunks_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "CHUNK", 2)
    monkeypatch.setattr(stored_facts, "CHUNK", 2)
    steps: list[tuple[str, int, int]] = []
    run = Verification(progress=lambda *step: steps.append(step))
    assert list(run.findings()) == []
    assert (run.entries, run.statements, run.conversions, run.due) == (7, 2, 6, 0)
    assert [step for step in steps if step[0] == "entries"] == [("entries", n, 7) for n in (2, 4, 6, 7)]
    assert [step for step in steps if step[0] == "conversions"] == [("conversions", n, 6) for n in (2, 4, 6)]


def test_an_adjustment_is_part_of_the_chain(ana: Affiliate, olga: User) -> None:
    adjust(affiliate=ana, amount=Decimal("-3"), currency="USD", arithmetic="Fee", actor=olga, now=NOVEMBER)
    run = Verification(affiliate=ana)
    assert list(run.findings()) == []
    assert run.entries == 7


def test_a_rule_that_was_altered_after_it_was_agreed_to_is_found() -> None:
    rule = CommissionRule.objects.get()
    with triggers_off(CommissionRule):
        CommissionRule.objects.update(sub_name="sub1", sub_value="x")
    code, output = verify()
    assert code == 1
    assert any("Version Standard plan v1" in line and "other rules, or another beginning" in line for line in output)
    with triggers_off(CommissionRule):
        CommissionRule.objects.update(sub_name="", sub_value="")
    Goal.objects.filter(pk=rule.goal_id).update(code="first-deposit")
    assert verify()[0] == 0


def test_history_written_anew_down_to_the_seals_and_anchors_is_found_by_a_copy_of_the_anchors(
    ana: Affiliate, tmp_path: Path
) -> None:
    make_anchor(now=NOVEMBER)
    kept = tmp_path / "anchors.jsonl"
    append_missing(kept)
    assert verify("--anchors", str(kept))[0] == 0
    with triggers_off(LedgerEntry):
        entry_of(ana, 1).update(arithmetic="because")
        seals = [reseal(ana, sequence) for sequence in range(1, 7)]
    LedgerHead.objects.filter(affiliate=ana).update(hash=seals[-1])
    with triggers_off(Statement):
        Statement.objects.filter(affiliate=ana).update(chain_hash=seals[3])
    statement = Statement.objects.select_related("affiliate", "payout").get(affiliate=ana)
    with triggers_off(StatementSeal):
        StatementSeal.objects.filter(pk=statement.pk).update(hash=seal_of(facts_of(statement, 1, "0" * 64)))
    assert verify()[0] == 1
    with triggers_off(AnchoredStatement), triggers_off(Anchor):
        AnchoredStatement.objects.all()._raw_delete("default")
        Anchor.objects.all()._raw_delete("default")
    make_anchor(now=NOVEMBER)
    assert verify()[0] == 0
    code, output = verify("--anchors", str(kept))
    assert code == 1
    assert any("history was rewritten" in line for line in output)
