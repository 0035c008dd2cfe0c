"""The hot path's data of a link: whether it is open now, and where a visitor goes."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from affiliates.destination_kinds import KINDS, DestinationKind
from affiliates.models import Affiliate, Enrollment, Offer, OfferDestination
from tracking.capture.app_destinations import compile_destination
from tracking.capture.destination import CLICK_PAIRS, Template, click_pairs, compile_template
from tracking.models import TrackingLink

ENDLESS = 2**63


@dataclass(frozen=True, slots=True)
class Visitor:
    """The facts for targeting; empty if unknown."""

    country: str = ""
    device: str = ""
    system: str = ""
    is_in_app: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One of an offer's other destinations; an empty set matches every visitor."""

    template: Template
    countries: frozenset[str]
    devices: frozenset[str]
    systems: frozenset[str]
    weight: int
    goes_first: int = 1
    in_app_browsers: bool = True
    by_page: bool = False

    def fits(self, visitor: Visitor) -> bool:
        return (
            (not self.countries or visitor.country in self.countries)
            and (not self.devices or visitor.device in self.devices)
            and (not self.systems or visitor.system in self.systems)
            and (self.in_app_browsers or not visitor.is_in_app)
        )


@dataclass(frozen=True, slots=True)
class Route:
    """A link as a click needs it. Moments are milliseconds since 1970."""

    number: int
    code: str
    affiliate_id: str
    offer_id: str
    advertiser_id: str
    is_open: bool
    template: Template
    fallback_url: str
    deep_link_hosts: list[str] = field(default_factory=list)
    opens_at: int = 0
    closes_at: int = ENDLESS
    capped_until: int = 0
    countries: frozenset[str] = frozenset()
    targets: tuple[Target, ...] = ()
    # The parameters that carry the click ID in a deep link.
    click_pairs: tuple[str, ...] = CLICK_PAIRS
    # Names of parameters that are passed on to the destination; None passes all of them.
    passes: frozenset[str] | None = frozenset()

    def is_open_at(self, milliseconds: int) -> bool:
        return self.is_open and max(self.opens_at, self.capped_until) <= milliseconds < self.closes_at

    @property
    def is_targeted(self) -> bool:
        return bool(self.targets or self.countries)

    def admits(self, visitor: Visitor) -> bool:
        """Whether the offer accepts this visitor; a visitor of unknown country is accepted."""
        return not self.countries or not visitor.country or visitor.country in self.countries

    def target_for(self, visitor: Visitor) -> Target | None:
        """One of the matching destinations: apps before pages, then at random by weight; None if none matches."""
        fitting = [target for target in self.targets if target.fits(visitor)]
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        first = min(target.goes_first for target in fitting)
        fitting = [target for target in fitting if target.goes_first == first]
        return random.choices(fitting, [target.weight for target in fitting])[0]  # noqa: S311 - a share


def _is_open(link: TrackingLink) -> bool:
    enrollment = link.enrollment
    return (
        link.is_active
        and enrollment.status == Enrollment.Status.APPROVED
        and enrollment.affiliate.status == Affiliate.Status.ACTIVE
        and enrollment.offer.status == Offer.Status.ACTIVE
        and enrollment.offer.advertiser.is_active
    )


def _milliseconds(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else int(moment.timestamp() * 1000)


def _targets(offer: Offer, pairs: tuple[str, ...]) -> tuple[Target, ...]:
    return tuple(_target(row, KINDS[row.kind], pairs) for row in offer.destinations.all() if row.weight)


def _target(row: OfferDestination, kind: DestinationKind, pairs: tuple[str, ...]) -> Target:
    return Target(
        template=compile_destination(row.destination_url, kind, pairs),
        countries=frozenset(row.countries),
        devices=frozenset(row.devices),
        systems=frozenset([kind.system] if kind.system else row.systems),
        weight=row.weight,
        goes_first=kind.goes_first,
        in_app_browsers=kind.in_app_browsers,
        by_page=kind.by_page,
    )


def _passes(offer: Offer) -> frozenset[str] | None:
    if offer.pass_through == Offer.PassThrough.ALL:
        return None
    return frozenset(offer.pass_through_names if offer.pass_through == Offer.PassThrough.LISTED else ())


def route_of(link: TrackingLink) -> Route:
    """The route of a link whose enrollment, affiliate, offer, advertiser and destinations are loaded."""
    offer = link.enrollment.offer
    pairs = click_pairs(offer.destination_url)
    return Route(
        number=link.pk,
        code=link.code,
        affiliate_id=link.enrollment.affiliate.public_id,
        offer_id=offer.public_id,
        advertiser_id=offer.advertiser.public_id,
        is_open=_is_open(link),
        template=compile_template(link.destination_url or offer.destination_url, pairs),
        click_pairs=pairs,
        fallback_url=offer.fallback_url,
        deep_link_hosts=offer.deep_link_hosts,
        opens_at=_milliseconds(offer.starts_at, 0),
        closes_at=_milliseconds(offer.ends_at, ENDLESS),
        capped_until=_milliseconds(offer.capped_until, 0),
        countries=frozenset(offer.countries),
        # A link with a destination of its own leads there, for every visitor.
        targets=() if link.destination_url else _targets(offer, pairs),
        passes=_passes(offer),
    )


def read_routes(codes: Iterable[str]) -> dict[str, Route | None]:
    """Routes of the codes from the database, in two queries; None for a code that no link has."""
    wanted = list(codes)
    links = (
        TrackingLink.objects.filter(code__in=wanted)
        .select_related("enrollment__affiliate", "enrollment__offer__advertiser")
        .prefetch_related("enrollment__offer__destinations")
    )
    found = {link.code: route_of(link) for link in links}
    return {code: found.get(code) for code in wanted}
