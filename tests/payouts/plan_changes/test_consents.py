"""Versions that begin in the past: who must agree, what an agreement is worth, and that the database insists."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from affiliates.models import Affiliate, User
from conversions.models import Goal
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, CommissionRule, DraftVersion, PlanConsent, PlanEffect, PlanVersion
from payouts.plan_changes.consents import ConsentRefused, affected_by, answer, record, without_consent
from payouts.plan_changes.drafts import change_draft, publish_draft, withdraw_draft, write_draft
from payouts.plan_changes.publish import PlanRefused, publish_version
from payouts.plans.documents import digest_of
from tests.factories import (
    AffiliateFactory,
    AffiliateMemberFactory,
    CommissionRuleFactory,
    ConversionFactory,
    GoalFactory,
    OperatorFactory,
)
from tests.payouts.at_once import at_once
from tests.payouts.deals import NOW, PENDING, deal, flat, lines, percent

SINCE = NOW - timedelta(days=5)


@pytest.fixture
def goal(db: None) -> Goal:
    return GoalFactory()


@pytest.fixture
def carla(db: None) -> Affiliate:
    return AffiliateFactory(name="Carla")


@pytest.fixture
def plan(goal: Goal, ana: Affiliate, ben: Affiliate) -> CommissionPlan:
    """Everybody has 50 for an event; Ana has two since the draft begins and Ben one, all booked."""
    plan = deal(flat(goal, "50")).plan
    for affiliate in (ana, ana, ben):
        ConversionFactory(goal=goal, affiliate=affiliate, occurred_at=NOW - timedelta(days=1))
    ConversionFactory(goal=goal, occurred_at=SINCE - timedelta(seconds=1))
    book_changes(now=NOW)
    return plan


def draft(plan: CommissionPlan, *rules: CommissionRule) -> DraftVersion:
    return write_draft(plan=plan, rules=rules, effective_from=SINCE, note="", actor=None, now=NOW)


def asked(plan: CommissionPlan, *rules: CommissionRule) -> DraftVersion:
    row = draft(plan, *rules)
    row.asked_at = NOW
    row.save(update_fields=["asked_at"])
    return row


def agree(row: DraftVersion, affiliate: Affiliate, *, accepts: bool = True, digest: str = "") -> PlanConsent:
    user: User = AffiliateMemberFactory(affiliate=affiliate).user
    given = {"draft": row, "digest": digest or row.digest, "affiliate": affiliate, "accepts": accepts}
    return answer(**given, user=user, now=NOW, address="203.0.113.9")  # type: ignore[arg-type]


def test_a_cut_of_earned_money_needs_the_consent_of_everybody_concerned(
    plan: CommissionPlan, goal: Goal, ana: Affiliate, ben: Affiliate
) -> None:
    row = asked(plan, flat(goal, "40"))
    agree(row, ana)
    with pytest.raises(PlanRefused, match=r"2 affiliates lose .*: 1 of 2 consents are missing \(Ben\)"):
        publish_draft(draft=row, actor=None, now=NOW)
    agree(row, ben)
    version = publish_draft(draft=row, actor=None, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.version, version.digest) == ("published", version, row.digest)
    assert not PlanEffect.objects.exists()
    assert book_changes(now=NOW) == 3
    assert [(kind, amount, words) for kind, amount, _, words in lines(ben)] == [
        ("commission", 50, "flat 50.00 EUR for First deposit (FTD)"),
        ("reversal", -50, "takes back 50.00 EUR. Another rule applies now."),
        ("commission", 40, "flat 40.00 EUR for First deposit (FTD)"),
    ]


def test_a_raise_for_everybody_needs_no_consent_but_its_proof_is_kept(
    plan: CommissionPlan, goal: Goal, ana: Affiliate, ben: Affiliate
) -> None:
    version = publish_draft(draft=draft(plan, flat(goal, "60")), actor=None, now=NOW)
    proof = PlanEffect.objects.filter(plan=plan, digest=version.digest).order_by("affiliate")
    assert [(each.affiliate, each.before, each.after) for each in proof] == [(ana, 100, 120), (ben, 50, 60)]


def test_a_loss_to_one_is_a_loss_though_the_others_gain(plan: CommissionPlan, goal: Goal, ben: Affiliate) -> None:
    deposit = GoalFactory(offer=goal.offer, name="Deposit")
    ConversionFactory(goal=deposit, affiliate=ben, occurred_at=NOW - timedelta(days=1), revenue=Decimal(500))
    with pytest.raises(PlanRefused, match=r"one affiliate loses .*2 of 2 consents are missing"):
        publish_draft(draft=draft(plan, flat(goal, "40"), percent(deposit, "25")), actor=None, now=NOW)


def test_another_currency_is_a_loss_in_the_first(plan: CommissionPlan, goal: Goal) -> None:
    with pytest.raises(PlanRefused, match="consents are missing"):
        publish_draft(draft=draft(plan, flat(goal, "500", "USD")), actor=None, now=NOW)


def test_what_is_pending_counts_as_if_it_were_approved(plan: CommissionPlan, goal: Goal, carla: Affiliate) -> None:
    deposit = GoalFactory(offer=goal.offer, name="Deposit")
    deal(flat(goal, "50"), flat(deposit, "9"), since=SINCE - timedelta(days=1), now=SINCE - timedelta(days=1))
    ConversionFactory(goal=deposit, affiliate=carla, occurred_at=NOW - timedelta(days=1), status=PENDING)
    with pytest.raises(PlanRefused, match=r"one affiliate loses .*3 of 3 consents .*Carla"):
        publish_draft(draft=draft(plan, flat(goal, "50"), flat(deposit, "8")), actor=None, now=NOW)


def test_a_first_own_deal_that_cuts_needs_consent_too(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    with pytest.raises(PlanRefused, match=r"1 of 1 consents are missing \(Ana\)"):
        deal(flat(goal, "40"), affiliate=ana, since=SINCE, now=NOW)


def test_a_consent_to_other_terms_counts_for_nothing(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    row = asked(plan, flat(goal, "45"))
    agree(row, ana)
    old = row.digest
    row = change_draft(draft=row, rules=[flat(goal, "40")], effective_from=SINCE, note="", now=NOW)
    assert row.asked_at is None
    assert without_consent(plan, row.digest, [ana.pk]) == [ana.pk]
    with pytest.raises(ConsentRefused, match="were changed meanwhile"):
        agree(row, ana, digest=old)
    # Changed back, it is what was agreed to.
    row = change_draft(draft=row, rules=[flat(goal, "45.00")], effective_from=SINCE, note="Other words", now=NOW)
    assert row.digest == old
    assert without_consent(plan, row.digest, [ana.pk]) == []


def test_the_newest_answer_counts(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    row = asked(plan, flat(goal, "45"))
    agree(row, ana)
    agree(row, ana, accepts=False)
    assert without_consent(plan, row.digest, [ana.pk]) == [ana.pk]
    agree(row, ana)
    assert without_consent(plan, row.digest, [ana.pk]) == []


def test_an_operator_records_an_answer_with_its_evidence(plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
    row, olga = draft(plan, flat(goal, "45")), OperatorFactory()
    given = {"draft": row, "digest": row.digest, "affiliate": ana, "accepts": True, "operator": olga, "now": NOW}
    with pytest.raises(ConsentRefused, match="Say how and when"):
        record(**given, evidence=" ", evidence_file="")
    kept = record(**given, evidence="Letter of 3 October, signed", evidence_file="ana-2026-10-03.pdf")
    assert (kept.source, kept.answered_by, kept.evidence_file) == ("operator", olga, "ana-2026-10-03.pdf")
    assert without_consent(plan, row.digest, [ana.pk]) == []


def test_only_those_concerned_answer_and_only_when_asked(
    plan: CommissionPlan, goal: Goal, ana: Affiliate, carla: Affiliate
) -> None:
    with pytest.raises(ConsentRefused, match="No answer to this change"):
        agree(draft(plan, flat(goal, "45")), ana)
    row = asked(plan, flat(goal, "44"))
    with pytest.raises(ConsentRefused, match="Carla has no events"):
        agree(row, carla)
    withdraw_draft(draft=row, now=NOW)
    with pytest.raises(ConsentRefused, match="withdrawn already"):
        agree(row, ana)
    with pytest.raises(PlanRefused, match="withdrawn already"):
        publish_draft(draft=row, actor=None, now=NOW)


def test_parents_with_a_share_are_concerned(plan: CommissionPlan, goal: Goal, ana: Affiliate, carla: Affiliate) -> None:
    other = GoalFactory()
    levels = {"of": "commission", "levels": ["10"]}
    deal(flat(other, "50"), CommissionRule(goal=other, kind=CommissionRule.Kind.PARENTS, formula=levels))
    carla.parent = ana
    carla.save()
    ConversionFactory(goal=other, affiliate=carla, occurred_at=NOW + timedelta(days=60))
    book_changes(now=NOW)
    standard = CommissionPlan.objects.get(offer=other.offer)
    assert affected_by(standard, NOW, NOW + timedelta(days=90)) == sorted([ana.pk, carla.pk])


def test_the_digest_names_the_terms_and_nothing_else(plan: CommissionPlan, goal: Goal) -> None:
    deposit = GoalFactory(offer=goal.offer)
    one = digest_of(plan, SINCE, [flat(goal, "45"), percent(deposit, "25")])
    assert digest_of(plan, SINCE, [percent(deposit, "25.0"), flat(goal, "45.00")]) == one
    others = [
        digest_of(plan, SINCE, [flat(goal, "45")]),
        digest_of(plan, SINCE, [flat(goal, "45.01"), percent(deposit, "25")]),
        digest_of(plan, SINCE + timedelta(seconds=1), [flat(goal, "45"), percent(deposit, "25")]),
        digest_of(deal(flat(GoalFactory(), "1")).plan, SINCE, [flat(goal, "45"), percent(deposit, "25")]),
    ]
    assert one not in others
    assert len(set(others)) == 4


def test_a_published_version_has_the_digest_of_its_stored_rules(plan: CommissionPlan, goal: Goal) -> None:
    version = publish_version(plan=plan, rules=[flat(goal, "70")], effective_from=NOW, actor=None, now=NOW)
    stored = list(version.rules.select_related("goal"))
    assert digest_of(plan, NOW, stored) == version.digest


class TestTheDatabase:
    def late(self, plan: CommissionPlan, digest: str = "") -> PlanVersion:
        """A version from the past, written past all functions."""
        return PlanVersion.objects.create(plan=plan, number=9, effective_from=SINCE, created_at=NOW, digest=digest)

    def test_refuses_a_retroactive_version_without_consents(self, plan: CommissionPlan, goal: Goal) -> None:
        with pytest.raises(IntegrityError, match="was not agreed to by affiliate"), transaction.atomic():
            self.late(plan)
        with pytest.raises(IntegrityError, match="was not agreed to by affiliate"), transaction.atomic():
            CommissionRuleFactory(version__plan=plan, version__created_at=NOW, version__effective_from=SINCE, goal=goal)

    def test_refuses_it_while_one_lacks(self, plan: CommissionPlan, goal: Goal, ana: Affiliate, ben: Affiliate) -> None:
        row = asked(plan, flat(goal, "40"))
        agree(row, ana)
        agree(row, ben, accepts=False)
        with pytest.raises(IntegrityError, match=f"not agreed to by affiliate {ben.pk}"), transaction.atomic():
            self.late(plan, row.digest)
        agree(row, ben)
        with pytest.raises(IntegrityError, match="was not agreed to"), transaction.atomic():
            self.late(plan, "another")
        assert self.late(plan, row.digest).pk

    def test_stores_no_proof_that_is_a_loss(self, plan: CommissionPlan, ana: Affiliate) -> None:
        given = {"plan": plan, "digest": "d", "affiliate": ana, "currency": "EUR", "before": 5, "after": 5}
        with pytest.raises(IntegrityError, match="plan_effect_is_no_loss"), transaction.atomic():
            PlanEffect.objects.create(**given, expected_before=9, expected_after=8)

    def test_lets_a_version_from_now_on_pass(self, plan: CommissionPlan) -> None:
        assert PlanVersion.objects.create(plan=plan, number=2, effective_from=NOW, created_at=NOW).pk

    def test_keeps_answers_as_they_were_given(self, plan: CommissionPlan, goal: Goal, ana: Affiliate) -> None:
        agree(asked(plan, flat(goal, "40")), ana, accepts=False)
        for change in (lambda: PlanConsent.objects.update(answer="accepted"), PlanConsent.objects.all().delete):
            with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
                change()


@pytest.mark.django_db(transaction=True)
def test_publishing_and_taking_consent_back_at_once_come_one_after_the_other(
    plan: CommissionPlan, goal: Goal, ana: Affiliate, ben: Affiliate
) -> None:
    row = asked(plan, flat(goal, "40"))
    agree(row, ana)
    agree(row, ben)
    published, declined = at_once(
        lambda: publish_draft(draft=row, actor=None, now=NOW), lambda: agree(row, ben, accepts=False)
    )
    # The second one gets a message; the draft is never in force against an answer that came before.
    assert isinstance(published, PlanVersion) != isinstance(declined, PlanConsent)
    assert isinstance(published, PlanVersion | PlanRefused)
    assert isinstance(declined, PlanConsent | ConsentRefused)
