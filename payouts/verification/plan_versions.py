"""Whether plan versions still have the terms that were published, and that affiliates agreed to."""

from collections.abc import Iterator

from django.db.models import Prefetch

from payouts.ledger.chain_walk import ChainProblem
from payouts.models import CommissionRule, PlanVersion
from payouts.plans.documents import digest_of

CHUNK = 200


def altered_versions() -> Iterator[ChainProblem]:
    """Versions whose stored rules do not match the digest that they were published with.

    Versions that were published before digests were stored have none, and are not checked.
    """
    rules = Prefetch("rules", CommissionRule.objects.select_related("goal"))
    versions = PlanVersion.objects.exclude(digest="").select_related("plan__offer").prefetch_related(rules)
    for version in versions.order_by("pk").iterator(chunk_size=CHUNK):
        if digest_of(version.plan, version.effective_from, list(version.rules.all())) != version.digest:
            problem = "holds other rules, or another beginning, than were published and agreed to."
            yield ChainProblem(f"Version {version} of {version.plan.offer}", problem)
