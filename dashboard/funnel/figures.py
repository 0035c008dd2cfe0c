"""The funnel: from the clicks of a period, goal by goal, where visitors dropped off until now.

A cohort is everyone who clicked in the period, independent of the time of later events. Click IDs are in order of time,
so the conversions of a cohort are one range of an index, however many others there are. People are counted, not events:
a customer once for each goal, or a click where no customer is named. Rejected conversions, tests and conversions
without a click do not count.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from affiliates.models import Affiliate, Offer
from conversions.models import Goal
from tracking.click_id.codec import lowest_uuid
from tracking.counts import reading
from tracking.models import TrackingLink


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A goal, and how many got there. Rates are shares from 0 to 1; None where there is nothing to divide by."""

    code: str
    name: str
    number: int
    # Of them, those who had done the step before as well.
    followed: int
    before: int
    clicks: int
    median: timedelta | None

    @property
    def rate(self) -> float | None:
        return self.followed / self.before if self.before else None

    @property
    def overall(self) -> float | None:
        return min(self.number / self.clicks, 1.0) if self.clicks else None

    @property
    def dropped(self) -> int:
        return max(self.before - self.followed, 0)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who clicked in one week, from its Monday (UTC): how many reached each step."""

    on: date
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Clicks are those that are neither bots' nor repeats."""

    clicks: int
    steps: list[FunnelStep] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)


_REACHED = """
WITH step AS (
    SELECT goal, number FROM unnest(%(goals)s::bigint[]) WITH ORDINALITY AS step(goal, number)
), reached AS (
    SELECT coalesce(row.customer_id::text, row.click_id::text) AS person, step.number, min(row.occurred_at) AS at,
           to_timestamp(
               ('x' || left(replace(min(row.click_id::text), '-', ''), 12))::bit(48)::bigint / 1000.0) AS clicked
    FROM conversions_conversion row JOIN step ON step.goal = row.goal_id
    {click}
    WHERE row.click_id >= %(low)s AND row.click_id < %(high)s AND row.status <> 'rejected'
        AND NOT row.is_test {affiliate}
    GROUP BY 1, 2
)
"""
_STEPS = """
SELECT here.number, count(*), count(*) FILTER (WHERE here.number = 1 OR before.person IS NOT NULL),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM here.at - coalesce(before.at, here.clicked)))
           FILTER (WHERE here.number = 1 OR here.at >= before.at)
FROM reached here LEFT JOIN reached before ON before.person = here.person AND before.number = here.number - 1
GROUP BY 1
"""
_COHORTS = """
SELECT date_trunc('week', clicked AT TIME ZONE 'UTC')::date, number, count(*) FROM reached GROUP BY 1, 2 ORDER BY 1
"""


def funnel(
    *, offer: Offer, since: datetime, until: datetime, affiliate: Affiliate | None = None, country: str = ""
) -> Funnel:
    """The funnel of clicks from `since` up to, not including, `until`: five queries, however many conversions."""
    goals = list(Goal.objects.filter(offer=offer, is_active=True).order_by("position", "pk"))
    clicks = _clicks(offer, since, until, affiliate, country)
    asked: dict[str, Any] = {
        "goals": [goal.pk for goal in goals],
        "low": lowest_uuid(since),
        "high": lowest_uuid(until),
        "affiliate": affiliate.pk if affiliate else None,
        "country": country,
    }
    reached = _REACHED.format(
        click="JOIN tracking_click click ON click.id = row.click_id AND click.country = %(country)s" if country else "",
        affiliate="AND row.affiliate_id = %(affiliate)s" if affiliate else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(reached + _STEPS, asked)
        found = {number: rest for number, *rest in cursor.fetchall()}
        cursor.execute(reached + _COHORTS, asked)
        weeks: dict[date, dict[int, int]] = {}
        for on, number, people in cursor.fetchall():
            weeks.setdefault(on, {})[number] = people
    cohorts = [Cohort(on, [week.get(n, 0) for n in range(1, len(goals) + 1)]) for on, week in weeks.items()]
    return Funnel(clicks, _steps(goals, found, clicks), cohorts)


def _steps(goals: Collection[Goal], found: dict[int, list[Any]], clicks: int) -> list[FunnelStep]:
    steps: list[FunnelStep] = []
    for number, goal in enumerate(goals, start=1):
        people, followed, seconds = found.get(number, (0, 0, None))
        before = steps[-1].number if steps else clicks
        median = None if seconds is None else timedelta(seconds=max(float(seconds), 0))
        steps.append(FunnelStep(goal.code, goal.name, people, min(followed, before), before, clicks, median))
    return steps


def _clicks(offer: Offer, since: datetime, until: datetime, affiliate: Affiliate | None, country: str) -> int:
    links = TrackingLink.objects.filter(enrollment__offer=offer)
    if affiliate:
        links = links.filter(enrollment__affiliate=affiliate)
    numbers = list(links.values_list("pk", flat=True))
    if country:
        return reading.by_country(since=since, until=until, links=numbers).get(country, reading.ClickCounts()).unique
    return reading.total(since=since, until=until, links=numbers).unique
