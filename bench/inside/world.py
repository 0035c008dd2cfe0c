"""The people and terms that the benchmarks need: one advertiser, its offer, affiliates with links, a goal, a plan."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from affiliates.access.advertiser_secrets import make_secret
from affiliates.models import Advertiser, AdvertiserSecret, Affiliate, Enrollment, Offer
from bench.inside import options, report
from conversions.models import Goal, RiskPolicy
from payouts.models import CommissionPlan, CommissionRule
from payouts.plan_changes.publish import publish_version
from tracking.models import TrackingLink

DESTINATION = "https://casino.example/welcome?cid={click_id}&source={source}&label={sub1}"


def make_world(*, affiliates: int, links: int) -> dict[str, Any]:
    """Create all rows, with the links spread over the affiliates; return the facts that the load needs."""
    advertiser = Advertiser.objects.create(name="Casino", currency="EUR")
    _, token = make_secret(advertiser=advertiser, kind=AdvertiserSecret.Kind.TOKEN)
    offer = Offer.objects.create(
        advertiser=advertiser, name="Casino", vertical=Offer.Vertical.IGAMING, status=Offer.Status.ACTIVE,
        currency="EUR", destination_url=DESTINATION,
    )  # fmt: skip
    # A few thousand clicks represent a real campaign's many: events that crowd on them get a signal, but are not held.
    RiskPolicy.objects.create(offer=offer, threshold=1_000)
    goals = _make_goals(offer)
    _make_plan(offer, goals)
    rows = Affiliate.objects.bulk_create(
        Affiliate(name=f"Affiliate {n}", status=Affiliate.Status.ACTIVE, country="DE") for n in range(affiliates)
    )
    enrollments = Enrollment.objects.bulk_create(
        Enrollment(affiliate=row, offer=offer, status=Enrollment.Status.APPROVED) for row in rows
    )
    made = TrackingLink.objects.bulk_create(
        TrackingLink(enrollment=enrollments[n % affiliates], code=f"link{n:05d}") for n in range(links)
    )
    return {"token": token, "codes": [link.code for link in made], "link_ids": [link.pk for link in made]}


def _make_goals(offer: Offer) -> list[Goal]:
    ftd = Goal(
        offer=offer, code="ftd", name="First deposit (FTD)", kind=Goal.Kind.FTD, approval=Goal.Approval.AT_ONCE,
        needs_customer_id=True, needs_revenue=True, once_per_customer=True, minimum_revenue=Decimal(20),
    )  # fmt: skip
    purchase = Goal(
        offer=offer, code="purchase", name="Purchase", kind=Goal.Kind.PURCHASE, approval=Goal.Approval.AT_ONCE
    )
    return Goal.objects.bulk_create([ftd, purchase])


def _make_plan(offer: Offer, goals: list[Goal]) -> None:
    """A flat amount for the first deposit, a percentage of each purchase."""
    ftd, purchase = goals
    rules = [
        CommissionRule(goal=ftd, kind=CommissionRule.Kind.FLAT, amount=Decimal(80), currency="EUR"),
        CommissionRule(goal=purchase, kind=CommissionRule.Kind.PERCENT, percent=Decimal("12.5")),
    ]
    now = timezone.now()
    plan = CommissionPlan.objects.create(offer=offer, name="Standard")
    publish_version(plan=plan, rules=rules, effective_from=now - timedelta(days=400), actor=None, now=now)


if __name__ == "__main__":
    with transaction.atomic():
        found = make_world(**options())
    report(**found)
