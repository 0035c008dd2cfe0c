"""The shape of days and weeks, and the time that the demo data cover."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from random import Random

from dashboard.demo.program.chance import poisson
from dashboard.demo.program.offers import CASINO, CHALLENGE, SHOP
from dashboard.demo.program.partners import LinkSpec

DAYS = 60

# Clicks by hour in UTC: evenings for play, the American session for trading, lunch and sofa for shopping.
HOURS = {
    CASINO: (30, 19, 12, 8, 7, 9, 15, 22, 27, 31, 34, 38, 44, 43, 42, 45, 52, 62, 76, 92, 100, 96, 76, 50),
    CHALLENGE: (26, 20, 16, 14, 15, 20, 31, 46, 58, 62, 63, 66, 75, 92, 100, 98, 88, 76, 66, 62, 60, 54, 44, 34),
    SHOP: (13, 8, 5, 4, 5, 10, 24, 42, 55, 62, 68, 77, 82, 70, 62, 62, 66, 76, 88, 98, 100, 82, 50, 26),
}
# Monday to Sunday, around 1.
WEEKDAYS = {
    CASINO: (0.84, 0.82, 0.86, 0.94, 1.14, 1.26, 1.14),
    CHALLENGE: (1.16, 1.18, 1.15, 1.10, 1.00, 0.66, 0.75),
    SHOP: (1.02, 0.95, 0.94, 0.98, 0.92, 0.99, 1.20),
}
_CUMULATED = {offer: tuple(accumulate(hours)) for offer, hours in HOURS.items()}


@dataclass(frozen=True, slots=True)
class DemoSpan:
    """The time shown: from the midnight 60 days ago up to now."""

    now: datetime

    @property
    def since(self) -> datetime:
        return self.midnight(DAYS)

    def midnight(self, days_ago: int) -> datetime:
        day = self.now.astimezone(UTC).date() - timedelta(days=days_ago)
        return datetime.combine(day, time.min, UTC)

    def at(self, days_ago: int, clock: str) -> datetime:
        """A moment by days ago and the time in UTC: `at(3, "14:20")`."""
        return datetime.combine(self.midnight(days_ago), time.fromisoformat(clock), UTC)


def moments(rng: Random, *, link: LinkSpec, days_ago: int, span: DemoSpan, scale: float) -> list[datetime]:
    """When a day's visitors come through a link."""
    midnight = span.midnight(days_ago)
    passed = (DAYS - days_ago) / DAYS
    trend = 1 + (link.growth - 1) * (passed - 0.5)
    weather = rng.lognormvariate(0, 0.11)
    expected = link.daily * WEEKDAYS[link.offer][midnight.weekday()] * trend * weather * link.peaks.get(days_ago, 1)
    hours = rng.choices(range(24), cum_weights=_CUMULATED[link.offer], k=poisson(rng, expected * scale))
    return [midnight + timedelta(hours=hour, milliseconds=rng.randrange(3_600_000)) for hour in hours]
