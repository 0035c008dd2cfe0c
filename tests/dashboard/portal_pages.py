"""What the portal's tests share: a member signed in, an affiliate's little world, and reading pages."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from affiliates.models import Affiliate, Enrollment, Offer, User
from conversions.models import Conversion, Goal
from payouts.models import CommissionPlan
from tests.factories import (
    AffiliateMemberFactory,
    ClickFactory,
    CommissionPlanFactory,
    CommissionRuleFactory,
    ConversionFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    PlanVersionFactory,
    TrackingLinkFactory,
)
from tracking.models import Click, TrackingLink


def signed_in(affiliate: Affiliate, **user: Any) -> Client:
    """A browser in which a member of this affiliate is signed in."""
    membership = AffiliateMemberFactory(affiliate=affiliate, **{f"user__{name}": value for name, value in user.items()})
    return as_user(membership.user)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user, "affiliates.roles.backend.RoleBackend")
    return client


@dataclass
class World:
    """An affiliate on an offer: a goal that pays, a link."""

    affiliate: Affiliate
    enrollment: Enrollment
    link: TrackingLink
    goal: Goal

    @property
    def offer(self) -> Offer:
        return self.enrollment.offer

    def click(self, *, ago: timedelta = timedelta(0), **fields: Any) -> Click:
        return ClickFactory(link=self.link, clicked_at=datetime.now(UTC) - ago, **fields)

    def conversion(self, *, ago: timedelta = timedelta(0), **fields: Any) -> Conversion:
        happened = datetime.now(UTC) - ago
        given = {"goal": self.goal, "affiliate": self.affiliate, "link": self.link, "occurred_at": happened, **fields}
        return ConversionFactory(**given)


def world_of(affiliate: Affiliate, *, rule: type[CommissionRuleFactory] = CommissionRuleFactory, **offer: Any) -> World:
    enrollment = EnrollmentFactory(affiliate=affiliate, offer=OfferFactory(**offer))
    goal = GoalFactory(offer=enrollment.offer)
    plan: CommissionPlan = CommissionPlanFactory(offer=enrollment.offer)
    rule(version=PlanVersionFactory(plan=plan), goal=goal)
    return World(affiliate, enrollment, TrackingLinkFactory(enrollment=enrollment, name="Front page"), goal)


def words(response: HttpResponse) -> str:
    """The page as a reader sees it: no tags, single spaces."""
    text = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rows_of(response: Any) -> list[dict[str, str]]:
    """A CSV download as dictionaries."""
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def main_rows(response: HttpResponse) -> int:
    """How many rows the listing's table has."""
    body = re.search(r"(?s)<tbody>(.*?)</tbody>", response.content.decode())
    return body.group(1).count("<tr") if body else 0
