"""Commission plans: which terms hold for a batch of conversions, and how a new version is published."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q

from affiliates.models import User
from affiliates.money import places
from conversions.models import Conversion
from payouts.models import CommissionPlan, CommissionRule, PlanVersion
from payouts.pricing import PlanTerms, PriceBook, PricingRule, VersionTerms, plain

Kind = CommissionRule.Kind


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
    rules: dict[int, dict[int, PricingRule]] = defaultdict(dict)
    for rule in CommissionRule.objects.filter(version__in=versions).select_related("goal"):
        rules[rule.version_id][rule.goal_id] = PricingRule(
            rule.pk, rule.goal.name, rule.kind, rule.amount, rule.currency, rule.percent
        )
    terms: dict[int, list[VersionTerms]] = defaultdict(list)
    for row in versions:
        terms[row.plan_id].append(VersionTerms(row.pk, row.number, row.effective_from, rules[row.pk]))
    return {(plan.offer_id, plan.affiliate_id): PlanTerms(plan.pk, plan.name, tuple(terms[plan.pk])) for plan in plans}


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
) -> PlanVersion:
    """Make the plan's next version with these (unsaved) rules, in force from a moment on.

    Versions and rules are append-only: a changed deal is another version. Conversions that are booked
    already and happened at or after `effective_from` are marked as due, so that the ledger follows the
    new terms by lines of difference. Waits for batches that are being booked. Raise `PlanRefused` with
    every fault when a rule is wrong, or when `effective_from` is not after the previous version's, or lies
    in the past although the plan has a version already.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payouts_plan_versions'))")
        CommissionPlan.objects.select_for_update().get(pk=plan.pk)
        last = plan.versions.order_by("-number").first()
        problems = [*_faults_of_start(last, effective_from, now), *_faults_of_rules(plan, rules)]
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
        _make_due(plan, effective_from)
    return version


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


def _faults_of_rules(plan: CommissionPlan, rules: Sequence[CommissionRule]) -> list[str]:
    problems = []
    if not rules:
        problems.append("A version needs at least one rule; to pay nothing for a goal, give it a flat amount of 0.")
    counts = Counter(rule.goal_id for rule in rules)
    for rule in rules:
        where = f"Rule for {rule.goal.name}:"
        problems += [f"{where} {fault}" for fault in _faults_of_rule(plan, rule)]
        if counts.pop(rule.goal_id, 0) > 1:
            problems.append(f"{where} the goal has several rules; keep one.")
    return problems


def _faults_of_rule(plan: CommissionPlan, rule: CommissionRule) -> list[str]:
    if rule.goal.offer_id != plan.offer_id:
        return [f"the goal belongs to another offer than the plan {plan.name}."]
    if rule.kind == Kind.FLAT and (rule.amount is None or not rule.currency or rule.percent is not None):
        return ["a flat rule has an amount and its currency, and no percent."]
    if rule.kind == Kind.PERCENT and (rule.percent is None or rule.currency or rule.amount is not None):
        return ["a percent rule has a percent, and neither amount nor currency."]
    try:
        rule.clean_fields(exclude=["version"])
    except ValidationError as error:
        return [f"{field}: {message}" for field, messages in error.message_dict.items() for message in messages]
    if rule.amount is not None and rule.amount != round(rule.amount, places(rule.currency)):
        return [f"{plain(rule.amount)} has more decimals than {rule.currency} is counted in ({places(rule.currency)})."]
    return []


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
