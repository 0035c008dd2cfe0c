"""A shop, a casino and a prop firm with two affiliates: the world that the cases of this folder are sent to."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from affiliates.models import Advertiser, Affiliate, Offer
from conversions.models import Goal, SenderMapping
from tests.factories import (
    AdvertiserFactory,
    AdvertiserSecretFactory,
    AffiliateFactory,
    ClickFactory,
    CouponCodeFactory,
    EnrollmentFactory,
    GoalFactory,
    OfferFactory,
    TrackingLinkFactory,
)
from tracking.click_id import codec
from tracking.models import TrackingLink

TOKENS = {"": "aft_the_token_of_the_shop", "casino": "aft_the_token_of_the_casino", "prop": "aft_the_token_of_the_firm"}
WINDOW = timedelta(days=30)


class FieldWorld:
    """The rows, and the values that a case may name in «angle quotes»."""

    def __init__(self) -> None:
        self.ana, self.rival = AffiliateFactory(name="Ana"), AffiliateFactory(name="Bea")
        shop = self._advertiser("", name="Casa Verbena", default_goal="purchase")
        casino, firm = self._advertiser("casino"), self._advertiser("prop", sender_networks=["192.0.2.0/24"])
        garden = self._offer(
            shop,
            destination_url="https://casaverbena.example/?click_id={click_id}&utm_source={sub1}",
            deep_link_hosts=["casaverbena.example"],
            pass_through=Offer.PassThrough.ALL,
            attribution_window=WINDOW,
        )
        games = self._offer(
            casino,
            destination_url="https://luckyfox.example/welcome?btag={click_id}&src={sub1}",
            deep_link_hosts=["luckyfox.example"],
        )
        challenge = self._offer(firm, currency="USD")
        GoalFactory(offer=garden, code="purchase", name="Purchase")
        GoalFactory(
            offer=games,
            code="ftd",
            kind=Goal.Kind.FTD,
            needs_customer_id=True,
            needs_revenue=True,
            once_per_customer=True,
        )
        GoalFactory(offer=games, code="deposit", kind=Goal.Kind.DEPOSIT, needs_customer_id=True, needs_revenue=True)
        GoalFactory(offer=challenge, code="challenge_purchase", name="Challenge", needs_revenue=True)
        self.links = {
            "click": self._link("ana-shop", garden, self.ana),
            "rival click": self._link("bee-shop", garden, self.rival),
            "player": self._link("ana-casino", games, self.ana),
            "rival player": self._link("bee-casino", games, self.rival),
            "trader": self._link("ana-challenge", challenge, self.ana),
        }
        CouponCodeFactory(code="VERBENA10", enrollment=self.links["click"].enrollment)
        SenderMapping.objects.create(slug="shop-hooks", name="Shop hooks", advertiser=shop, **SHOP_HOOKS)

    def _advertiser(self, key: str, **fields: Any) -> Advertiser:
        advertiser: Advertiser = AdvertiserFactory(**fields)
        AdvertiserSecretFactory(advertiser=advertiser, text=TOKENS[key])
        return advertiser

    def _offer(self, advertiser: Advertiser, **fields: Any) -> Offer:
        offer: Offer = OfferFactory(advertiser=advertiser, **fields)
        return offer

    def _link(self, code: str, offer: Offer, affiliate: Affiliate) -> TrackingLink:
        enrollment = EnrollmentFactory(offer=offer, affiliate=affiliate)
        link: TrackingLink = TrackingLinkFactory(code=code, enrollment=enrollment)
        return link


# A webhook in the form of Stripe's, read by paths.
SHOP_HOOKS: dict[str, Any] = {
    "names": {
        "click_id": ["data.object.client_reference_id"],
        "txid": ["data.object.id"],
        "revenue": ["data.object.amount_total"],
        "currency": ["data.object.currency"],
    },
    "defaults": {"event_type": "purchase"},
    "minor_units": True,
}

_numbers = itertools.count(1)


class Values:
    """What the names in «angle quotes» mean in one case: clicks are made when they are first named."""

    def __init__(self, world: FieldWorld) -> None:
        self._world = world
        self._clicked_at = datetime.now(UTC) - timedelta(hours=3)
        self._old_click_at = (datetime.now(UTC) - timedelta(days=50)).replace(
            hour=12, minute=0, second=0, microsecond=0
        )
        happened = self._clicked_at + timedelta(minutes=30)
        self._known = {
            "new": f"x-{next(_numbers)}",
            "day": f"{happened:%Y-%m-%d}",
            "slash day": f"{happened:%Y/%m/%d}",
            "time": f"{happened:%H:%M:%S}",
            "click day": f"{self._clicked_at:%Y-%m-%d}",
            "five hours before": f"{self._clicked_at - timedelta(hours=5):%Y-%m-%d %H:%M:%S}",
            "seconds": str(int(happened.timestamp())),
            "old click last day": f"{self._old_click_at + WINDOW:%Y-%m-%d}",
            "old click day": f"{self._old_click_at:%Y-%m-%d}",
            "old click day before": f"{self._old_click_at - timedelta(days=1):%Y-%m-%d}",
            "old click window+1": self._after_old_click(WINDOW + timedelta(seconds=1)),
            "old click 3600": self._after_old_click(timedelta(hours=1)),
            "old click -240": self._after_old_click(timedelta(minutes=-4)),
            **{f"{key} token".strip(): text for key, text in TOKENS.items()},
        }

    def _after_old_click(self, later: timedelta) -> str:
        return f"{self._old_click_at + later:%Y-%m-%dT%H:%M:%SZ}"

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            link = self._world.links["click" if name == "old click" else name]
            at = self._old_click_at if name == "old click" else self._clicked_at
            self._known[name] = codec.text_of(ClickFactory(link=link, clicked_at=at).id)
        return self._known[name]
