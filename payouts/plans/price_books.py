"""Which terms hold for a batch of conversions, as pricing reads them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields

from django.db.models import Q

from payouts.models import CommissionPlan, CommissionRule, PlanVersion
from payouts.pricing import PlanTerms, PriceBook, PricingRule, VersionTerms
from records.advisory_locks import Lock, wait_for, wait_for_shared

# The fields that a PricingRule copies from the row.
RULE_FIELDS = tuple(each.name for each in fields(PricingRule) if each.name != "goal_name")


def price_book(*, offer_ids: Collection[int], affiliate_ids: Collection[int]) -> PriceBook:
    """Load the plans that could apply to these affiliates on these offers: three queries for any number."""
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
    wait_for_shared(Lock.PLAN_VERSIONS)


def hold_versions() -> None:
    """Block pricing and publishing by others until this transaction ends. Take this lock before any row lock."""
    wait_for(Lock.PLAN_VERSIONS)
