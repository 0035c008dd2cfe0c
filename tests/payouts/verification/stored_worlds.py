"""Random worlds as rows of the database, booked bit by bit as events arrive, are refunded and are rejected."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from affiliates.models import Affiliate, Parentage
from conversions.models import Conversion, Customer, Goal, Refund
from payouts.ledger.booking import book_changes
from payouts.ledger.click_booking import book_clicks
from payouts.models import BilledClicks, CommissionPlan, CommissionRule, PlanVersion
from payouts.pricing import PricedConversion, PricingRule
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    ConversionFactory,
    CustomerFactory,
    CustomerLockFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tests.payouts.verification.worlds import ANA, OTHERS, PARENTS, World, world_of
from tracking.models import TrackingLink

RULE_FIELDS = [each.name for each in fields(PricingRule) if each.name not in ("id", "goal_name", "goal_id")]


@dataclass
class StoredWorld:
    """A world whose rows are in the database; `ana` has the events."""

    world: World
    ana: Affiliate
    goals: dict[int, Goal]
    customers: dict[int, Customer]
    links: list[TrackingLink]

    def book(self) -> None:
        """Everything that is due, in batches of three."""
        while book_changes(limit=3):
            pass
        while book_clicks(limit=2):
            pass

    def happen(self) -> None:
        """Half of the events arrive and are booked, then the rest; then some are refunded and rejected."""
        arrived = sorted(self.world.events, key=lambda event: (event.id * 7) % 10)
        half = len(arrived) // 2
        for some in (arrived[:half], arrived[half:]):
            for event in some:
                self.convert(event)
            self.count_clicks()
            self.book()
        rows = list(Conversion.objects.filter(affiliate=self.ana, status="approved").order_by("pk"))
        for row in rows[::4]:
            if row.revenue and row.revenue > 2:
                Refund.objects.create(conversion=row, amount=Decimal(1), occurred_at=row.occurred_at)
        for row in rows[1::5]:
            Conversion.objects.filter(pk=row.pk).update(booked_at=None, revenue=row.refunded + Decimal(100))
        self.book()

    def convert(self, event: PricedConversion) -> None:
        click = None
        if event.country or event.subs:
            click = ClickFactory(link=self.links[0], country=event.country, **event.subs)
        ConversionFactory(
            goal=self.goals[event.goal_id],
            affiliate=self.ana,
            customer=self.customers.get(event.customer_id or 0),
            click_id=click.pk if click else None,
            status=event.status,
            revenue=event.revenue,
            currency=event.currency,
            occurred_at=event.occurred_at,
            received_at=event.occurred_at + timedelta(days=20),
            volume=event.volume,
            deductions=event.deductions,
        )

    def count_clicks(self) -> None:
        """One more day each time."""
        for number, day, parts in self.world.click_days:
            link = self.links[number - 1]
            given = {"affiliate": self.ana, "offer": link.enrollment.offer, "counted_at": timezone.now()}
            given |= {"clicks": sum(part["clicks"] for part in parts), "parts": parts}
            if not BilledClicks.objects.filter(link=link, day=day.date()).exists():
                BilledClicks.objects.create(link=link, day=day.date(), **given)
                return


def stored(number: int, kinds: Sequence[str] = ()) -> StoredWorld:
    offer = OfferFactory()
    goals = {goal.pk: goal for goal in (GoalFactory(offer=offer), GoalFactory(offer=offer))}
    world = world_of(number, tuple(goals), kinds)
    family = {pk: AffiliateFactory() for pk in (ANA, *PARENTS, *OTHERS)}
    ana = family[ANA]
    links = [TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=ana, offer=offer))]
    links.append(TrackingLinkFactory(enrollment=links[0].enrollment))
    customers = {pk: CustomerFactory(advertiser=offer.advertiser) for pk in (1, 2, 3)}
    found = StoredWorld(world, ana, goals, customers, links)
    for event in world.events:
        if event.customer_id and event.customer_since and not customers[event.customer_id].locks.exists():
            given: Any = {"customer": customers[event.customer_id], "offer": offer, "locked_at": event.customer_since}
            CustomerLockFactory(enrollment=links[0].enrollment, link=links[0], **given)
    _store_family(world, family)
    _store_plans(found)
    return found


def _store_family(world: World, family: dict[int, Affiliate]) -> None:
    begins = None
    for until, chain in (*world.family.earlier, (None, world.family.parents)):
        for child, parent in zip((ANA, *chain), (*chain, None), strict=True):
            above = family[parent] if parent else None
            Parentage.objects.create(affiliate=family[child], parent=above, since=begins)
        begins = until


def _store_plans(found: StoredWorld) -> None:
    offer = found.links[0].enrollment.offer
    for (_, affiliate_id), terms in found.world.book.items():
        plan = CommissionPlan.objects.create(offer=offer, affiliate=found.ana if affiliate_id else None, name="Plan")
        for version in terms.versions:
            row = PlanVersion.objects.create(
                plan=plan,
                number=version.number,
                effective_from=version.effective_from,
                created_at=version.effective_from,
            )
            CommissionRule.objects.bulk_create(
                CommissionRule(version=row, goal_id=rule.goal_id, **{name: getattr(rule, name) for name in RULE_FIELDS})
                for rule in version.rules
            )
