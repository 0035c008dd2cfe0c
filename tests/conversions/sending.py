"""Postbacks straight into intake, as an endpoint hands them over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from affiliates.models import Advertiser, Affiliate, Offer
from conversions.intake import Decision, Received, intake
from conversions.models import Goal, Postback
from tests.factories import (
    AdvertiserFactory,
    AdvertiserSecretFactory,
    AffiliateFactory,
    ClickFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tracking.click_id import codec
from tracking.models import Click, TrackingLink

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)
TOKEN = "aft_the_token_of_lucky_fox"


class World:
    """Lucky Fox, a casino with Ana's and Ben's links and the usual goals."""

    def __init__(self) -> None:
        self.advertiser: Advertiser = AdvertiserFactory(name="Lucky Fox")
        AdvertiserSecretFactory(advertiser=self.advertiser, text=TOKEN)
        self.offer: Offer = OfferFactory(advertiser=self.advertiser, name="Lucky Fox Casino")
        self.ana, self.ana_link = self.enroll("Ana")
        self.ben, self.ben_link = self.enroll("Ben")
        self.registration = self.goal("registration", needs_customer_id=True, once_per_customer=True)
        self.ftd = self.goal("ftd", needs_customer_id=True, once_per_customer=True, minimum_revenue=Decimal(20))
        self.deposit = self.goal("deposit", needs_customer_id=True, needs_revenue=True)
        self.purchase = self.goal("purchase")

    def enroll(self, name: str) -> tuple[Affiliate, TrackingLink]:
        affiliate = AffiliateFactory(name=name)
        return affiliate, TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=affiliate, offer=self.offer))

    def goal(self, code: str, **fields: Any) -> Goal:
        given: dict[str, Any] = {"offer": self.offer, "code": code, "name": code.capitalize(), **fields}
        return GoalFactory(**given)

    def click(self, link: TrackingLink | None = None, *, ago: timedelta = timedelta(hours=1), **fields: Any) -> str:
        """The text of a stored click through Ana's link, unless another is named."""
        stored: Click = ClickFactory(link=link or self.ana_link, clicked_at=NOW - ago, **fields)
        return codec.text_of(stored.id)


def received(fields: dict[str, Any], *, at: datetime = NOW, **kwargs: Any) -> Received:
    pairs = [(name, str(value)) for name, value in {"token": TOKEN, **fields}.items() if value is not None]
    given: dict[str, Any] = {
        "endpoint": Postback.Endpoint.NATIVE,
        "method": "GET",
        "path": "/postback",
        "parameters": pairs,
        "headers": {},
        "ip": "198.51.100.20",
        "is_secure": True,
        "received_at": at,
        **kwargs,
    }
    return Received(**given)


def send_all(batch: list[dict[str, Any]], *, at: datetime = NOW) -> list[Decision]:
    return intake([received(fields, at=at) for fields in batch], now=at)


def send(*, at: datetime = NOW, **fields: Any) -> Decision:
    return send_all([fields], at=at)[0]


def outcome(decision: Decision) -> tuple[int, str, str]:
    return decision.http_status, decision.body["outcome"], decision.body["reason"]
