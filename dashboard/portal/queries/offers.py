"""Offers as an affiliate sees them: open ones and its own, with the commission of each goal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import (
    Case,
    Count,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce

from affiliates.models import Affiliate, Enrollment, Offer
from conversions.models import Goal
from conversions.qualification.waits import RULES
from conversions.qualification.words import all_words
from dashboard.portal.queries.objects import visible_offers
from dashboard.portal.queries.terms import pays_words, rules_by_goal

# What an affiliate works with comes first, then what it could apply for.
ACCESS_ORDER = ("approved", "", "pending", "rejected", "blocked")


@dataclass(frozen=True, slots=True)
class GoalTerms:
    """One goal as the affiliate reads it."""

    goal: Goal
    pays: str
    window: timedelta
    # What counts, in words.
    rules: list[str]


@dataclass(frozen=True, slots=True)
class OfferCard:
    offer: Offer
    enrollment: Enrollment | None
    goals: list[GoalTerms]
    links: int

    @property
    def is_approved(self) -> bool:
        return self.enrollment is not None and self.enrollment.status == Enrollment.Status.APPROVED


def offers_of(affiliate: Affiliate) -> QuerySet[Offer]:
    """Visible offers with the status of the affiliate's enrollment (empty for none), for filters."""
    own = Enrollment.objects.filter(affiliate=affiliate, offer=OuterRef("pk"))
    listed = visible_offers(affiliate).annotate(enrolled=Coalesce(Subquery(own.values("status")), Value("")))
    order = [When(enrolled=status, then=place) for place, status in enumerate(ACCESS_ORDER)]
    return listed.annotate(access=Case(*order, default=len(ACCESS_ORDER), output_field=IntegerField()))


def cards(affiliate: Affiliate, offers: Iterable[Offer], *, now: datetime) -> list[OfferCard]:
    """Offers with everything their cards say, in a fixed number of queries."""
    listed = list(offers)
    ids = [offer.pk for offer in listed]
    prefetch_related_objects(listed, Prefetch("goals", Goal.objects.filter(is_active=True).prefetch_related(RULES)))
    with_links = Enrollment.objects.annotate(link_count=Count("links", filter=Q(links__is_active=True)))
    own = {each.offer_id: each for each in with_links.filter(affiliate=affiliate, offer__in=ids)}
    rules = rules_by_goal(affiliate, [goal for offer in listed for goal in offer.goals.all()], at=now)
    return [
        OfferCard(
            offer=offer,
            enrollment=own.get(offer.pk),
            goals=[
                GoalTerms(
                    goal,
                    pays_words(rules.get(goal.pk)),
                    goal.attribution_window or offer.attribution_window,
                    all_words(goal),
                )
                for goal in offer.goals.all()
            ],
            links=getattr(own.get(offer.pk), "link_count", 0),
        )
        for offer in listed
    ]
