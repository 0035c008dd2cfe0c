"""Commission plans: which terms hold for a batch of conversions, and how a new version is published."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from affiliates.models import User
from conversions.models import Conversion
from payouts.examples import faults_of_examples, goals_of
from payouts.linter import faults_of_rules
from payouts.models import CommissionPlan, CommissionRule, PlanVersion, WorkedExample
from payouts.pricing import PlanTerms, PriceBook, PricingRule, VersionTerms

# What a PricingRule takes from the row as it is.
RULE_FIELDS = tuple(each.name for each in fields(PricingRule) if each.name != "goal_name")


class PlanRefused(ValueError):
    """The version cannot be published; nothing was changed. `problems` lists every fault as a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def price_book(*, offer_ids: Collection[int], affiliate_ids: Collection[int]) -> PriceBook:
    """Load the plans that could apply to these affiliates on these offers: three queries, whatever the number."""
    wanted = Q(affiliate=None) | Q(affiliate__in=set(affiliate_ids))
    plans = list(CommissionPlan.objects.filter(wanted, offer__in=set(offer_ids)))
    versions = list(PlanVersion.objects.filter(plan__in=plans).order_by("-effective_from"))
    rules: dict[int, list[PricingRule]] = defaultdict(list)
    for rule in CommissionRule.objects.filter(version__in=versions).select_related("goal").order_by("pk"):
        rules[rule.version_id].append(terms_of_rule(rule))
    terms: dict[int, list[VersionTerms]] = defaultdict(list)
    for row in versions:
        terms[row.plan_id].append(VersionTerms(row.pk, row.number, row.effective_from, tuple(rules[row.pk])))
    return {(plan.offer_id, plan.affiliate_id): PlanTerms(plan.pk, plan.name, tuple(terms[plan.pk])) for plan in plans}


def terms_of_rule(rule: CommissionRule) -> PricingRule:
    """The rule as pricing reads it; the goal is loaded with it."""
    return PricingRule(goal_name=rule.goal_name, **{name: getattr(rule, name) for name in RULE_FIELDS})


def keep_versions() -> None:
    """Hold off `publish_version` until this transaction ends; any number may hold it at once.

    Without it a batch could be priced by old terms while a new version, which must send it back for
    booking, commits unseen. Take it before any row lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('payouts_plan_versions'))")


def publish_version(
    *,
    plan: CommissionPlan,
    rules: Sequence[CommissionRule],
    effective_from: datetime,
    actor: User | None,
    now: datetime,
    note: str = "",
    examples: Sequence[WorkedExample] = (),
) -> PlanVersion:
    """Make the plan's next version with these (unsaved) rules and worked examples, in force from a moment on.

    Versions and rules are append-only: a changed deal is another version. Conversions that are booked
    already and happened at or after `effective_from` are marked as due, so that the ledger follows the
    new terms by lines of difference. Waits for batches that are being booked. Raise `PlanRefused` with
    every fault when a rule is wrong, when an example does not come out as it expects, or when
    `effective_from` is not after the previous version's, or lies in the past although the plan has a
    version already.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payouts_plan_versions'))")
        CommissionPlan.objects.select_for_update().get(pk=plan.pk)
        last = plan.versions.order_by("-number").first()
        problems = [*_faults_of_start(last, effective_from, now), *faults_of_rules(plan, rules)]
        problems = problems or _faults_of_examples(plan, rules, examples, effective_from)
        if problems:
            raise PlanRefused(problems)
        version = PlanVersion.objects.create(
            plan=plan,
            number=last.number + 1 if last else 1,
            effective_from=effective_from,
            note=note,
            created_by=actor,
            created_at=now,
        )
        for rule in rules:
            rule.version = version
        CommissionRule.objects.bulk_create(rules)
        for position, example in enumerate(examples, 1):
            example.version, example.position = version, position
        WorkedExample.objects.bulk_create(examples)
        _make_due(plan, effective_from)
    return version


def _faults_of_examples(
    plan: CommissionPlan, rules: Sequence[CommissionRule], examples: Sequence[WorkedExample], effective_from: datetime
) -> list[str]:
    if not examples:
        return []
    terms = [terms_of_rule(rule) for rule in rules]
    return faults_of_examples(examples, terms, goals=goals_of(plan.offer_id), effective_from=effective_from)


def _faults_of_start(last: PlanVersion | None, effective_from: datetime, now: datetime) -> list[str]:
    if last is None:
        return []
    problems = []
    if effective_from <= last.effective_from:
        problems.append(
            f"The version must take effect after {last} did ({last.effective_from:%Y-%m-%d %H:%M} UTC); "
            f"{effective_from:%Y-%m-%d %H:%M} is not later."
        )
    if effective_from < now:
        problems.append(
            f"{effective_from:%Y-%m-%d %H:%M} has passed: only a plan's first version may begin in the past. "
            "Begin now or later, and settle past events by an adjustment."
        )
    return problems


def _make_due(plan: CommissionPlan, effective_from: datetime) -> None:
    """Send booked conversions that the new terms cover back for booking, locking them in the order of their IDs."""
    covered = Conversion.objects.filter(
        goal__offer=plan.offer_id,
        status=Conversion.Status.APPROVED,
        occurred_at__gte=effective_from,
        booked_at__isnull=False,
    )
    if plan.affiliate_id:
        covered = covered.filter(affiliate=plan.affiliate_id)
    locked = covered.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)
    Conversion.objects.filter(pk__in=list(locked)).update(booked_at=None)
