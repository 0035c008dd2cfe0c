"""Plays a story through the public endpoints: click, postbacks, booking; and reads the sums at the end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from django.db import connections

from affiliates.models import Affiliate, Offer
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule, LedgerEntry
from payouts.plans.linter import problems_of_rules
from tests.asgi_client import Client, visit
from tests.factories import (
    AdvertiserSecretFactory,
    AffiliateFactory,
    CommissionPlanFactory,
    CommissionRuleFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    PercentRuleFactory,
    PlanVersionFactory,
    TrackingLinkFactory,
)
from tracking.models import TrackingLink


class Program:
    """One offer with goals, Ana and Ben on it, and a plan that applies to both unless set otherwise."""

    def __init__(self, name: str, *, currency: str = "EUR", **offer: Any) -> None:
        self.token = f"aft_{name.lower()}"
        self.offer: Offer = OfferFactory(
            name=name, advertiser__name=name, advertiser__currency=currency, currency=currency, **offer
        )
        AdvertiserSecretFactory(advertiser=self.offer.advertiser, text=self.token)
        self.links: dict[str, TrackingLink] = {}
        self.version = PlanVersionFactory(plan=CommissionPlanFactory(offer=self.offer))

    def enroll(self, name: str) -> Affiliate:
        affiliate = AffiliateFactory(name=name)
        enrollment = EnrollmentFactory(affiliate=affiliate, offer=self.offer)
        self.links[name] = TrackingLinkFactory(enrollment=enrollment)
        return affiliate

    def goal(self, code: str, *, flat: str = "", percent: str = "", version: Any = None, **fields: Any) -> None:
        goal = GoalFactory(offer=self.offer, code=code, name=code, **fields)
        if flat:
            CommissionRuleFactory(
                version=version or self.version, goal=goal, amount=Decimal(flat), currency=self.offer.currency
            )
        if percent:
            PercentRuleFactory(version=version or self.version, goal=goal, percent=Decimal(percent))

    def pay(self, *rules: CommissionRule) -> None:
        """Add rules of any kind to the version, as far as publishing would take them."""
        assert problems_of_rules(self.version.plan, rules) == []
        for rule in rules:
            rule.version = self.version
        CommissionRule.objects.bulk_create(rules)


class Teller:
    """What people do in the story, in the words of the endpoints."""

    def __init__(self, program: Program, client: Client) -> None:
        self.program, self.client = program, client

    async def click(self, name: str) -> str:
        answer = await self.client.get(f"/c/{self.program.links[name].code}", {"sub1": "story"})
        assert answer.status == 302
        return answer.query["cid"]

    async def event(self, goal: str, **fields: str) -> str:
        """Send a postback; the answer as `outcome/reason`."""
        sent = {"token": self.program.token, "event_type": goal, **fields}
        answer = await self.client.get("/postback", sent)
        body = json.loads(answer.body)
        return f"{body['outcome']}/{body['reason']}"

    async def book(self) -> None:
        await asyncio.to_thread(_book_all)


def _book_all() -> None:
    """In a thread of its own, so with a connection of its own, which it gives back."""
    while book_changes():
        pass
    connections.close_all()


def tell(program: Program, story: Callable[[Teller], Awaitable[Any]]) -> Any:
    """Run the story and book what it earned."""

    async def whole(client: Client) -> Any:
        teller = Teller(program, client)
        result = await story(teller)
        await teller.book()
        return result

    return visit(whole)


def ledger(affiliate: Affiliate) -> list[tuple[str, str]]:
    """The affiliate's lines in order: kind and amount with its currency."""
    entries = LedgerEntry.objects.filter(affiliate=affiliate).order_by("sequence")
    return [(entry.kind, f"{entry.amount.normalize():f} {entry.currency}") for entry in entries]


def balance(affiliate: Affiliate, currency: str) -> Decimal:
    return sum((e.amount for e in LedgerEntry.objects.filter(affiliate=affiliate, currency=currency)), Decimal(0))
