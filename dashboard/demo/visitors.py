"""Made-up visitors and bots, with addresses from the ranges reserved for documentation, and when they come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from dashboard.demo.clock import DAYS, DemoSpan, poisson
from dashboard.demo.data import OFFER, VISITORS, Spec

AGENTS = VISITORS["agents"]
_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")


@dataclass(frozen=True, slots=True)
class DemoVisitor:
    ip: str
    country: str
    device: str
    user_agent: str
    referrer: str
    # In the order of the click's columns: aff_click_id, source, sub1 to sub10.
    labels: tuple[str, ...]
    cookie: UUID
    is_bot: bool


def visitor(rng: Random, affiliate: Spec, link: Spec) -> DemoVisitor:
    """A visitor who may come through the link."""
    channel, audience = VISITORS["channels"][link["channel"]], affiliate["audience"]
    is_bot = rng.random() < channel.get("bots", 0.02)
    country = rng.choices(tuple(audience), weights=tuple(audience.values()))[0]
    device = "" if is_bot else _device(rng, channel)
    return DemoVisitor(
        ip=_address(rng, country),
        country=country,
        device=device,
        user_agent=rng.choice(AGENTS[f"{device or 'robot'}s"]),
        referrer="" if is_bot else rng.choice(channel["referrers"]).format(site=affiliate["website"]),
        labels=_labels(rng, channel),
        cookie=UUID(int=rng.getrandbits(128), version=4),
        is_bot=is_bot,
    )


def _device(rng: Random, channel: Spec) -> str:
    if rng.random() < channel["mobile"]:
        return "phone"
    return "tablet" if rng.random() < 0.09 else "desktop"


def _labels(rng: Random, channel: Spec) -> tuple[str, ...]:
    tracked = f"{rng.getrandbits(96):024x}" if channel.get("tracker") else ""
    subs = [rng.choice(values) for values in channel["labels"]]
    return (tracked, channel["source"], *subs, *[""] * (10 - len(subs)))


def _address(rng: Random, country: str) -> str:
    """An address of the documentation ranges; a country has its own network where there is room (IPv6)."""
    if rng.random() < 0.45:
        network = f"2001:db8:{ord(country[0]):02x}{ord(country[1]):02x}:{rng.getrandbits(16):x}"
        return f"{network}::{rng.randrange(1, 65536):x}"
    return f"{rng.choice(_NETWORKS)}{rng.randrange(1, 255)}"


def moments(rng: Random, link: Spec, *, days_ago: int, span: DemoSpan, scale: float) -> list[datetime]:
    """When a day's visitors come through a link."""
    midnight, offer = span.midnight(days_ago), OFFER[link["offer"]]
    passed = (DAYS - days_ago) / DAYS
    trend = 1 + (link.get("growth", 1) - 1) * (passed - 0.5)
    weather = rng.lognormvariate(0, 0.11)
    peak = link.get("peaks", {}).get(str(days_ago), 1)
    expected = link.get("daily", 0) * offer["weekdays"][midnight.weekday()] * trend * weather * peak
    hours = rng.choices(range(24), weights=offer["hours"], k=poisson(rng, expected * scale))
    return [midnight + timedelta(hours=hour, milliseconds=rng.randrange(3_600_000)) for hour in hours]
