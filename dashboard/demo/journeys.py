"""Plays the steps of journeys.toml and stories.toml: what follows from a visit, as advertisers' systems report it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from math import log
from random import Random
from typing import Any

from dashboard.demo.clicks import DemoVisit, Traffic
from dashboard.demo.clock import DAYS, DemoSpan, length, poisson
from dashboard.demo.data import JOURNEYS, LINK, OFFER, PROGRAM, STORIES, Spec

Steps = Sequence[Spec]


@dataclass(slots=True)
class DemoRequest:
    """A request of an advertiser's system: an event at a moment, in the words of `offer`'s system.

    `token` replaces the advertiser's own; an empty one is left out.
    """

    at: datetime
    offer: str
    fields: dict[str, str]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose steps are played: the customer of an offer, who came by a click or by a coupon code."""

    offer: str
    customer: str
    click: str = ""
    coupon: str = ""


@dataclass
class Reports:
    """All requests, and by transaction the names of the operator's decisions."""

    sent: list[DemoRequest] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)


class Journeys:
    """Plays steps. Numbers of customers and transactions are counted, so they never meet."""

    def __init__(self, rng: Random, span: DemoSpan) -> None:
        self._rng, self._span, self._numbers = rng, span, count(1)
        self.reports = Reports()

    def tell(self, traffic: Traffic) -> list[DemoVisit]:
        """Play all stories; return the clicks that they need."""
        visits = [visit for story in STORIES["stories"] for visit in story["visits"]]
        return [click for visit in visits for click in self._visited(visit, traffic)]

    def _visited(self, spec: Spec, traffic: Traffic) -> list[DemoVisit]:
        moments = [spec["at"]] if isinstance(spec["at"], str) else spec["at"]
        if "link" not in spec:
            for moment in moments:
                self._play(spec["steps"], self._actor(spec["offer"]), self._span.at(moment))
            return []
        robot, link = spec.get("robot", False), spec["link"]
        clicks = [traffic.visit(link, self._span.at(moment), robot=robot) for moment in moments]
        for click in clicks:
            self._play(spec["steps"], self._actor(LINK[link][1]["offer"], click=click.click_text), click.at)
        return [] if spec.get("expired") else clicks

    def follow(self, visits: Sequence[DemoVisit], *, scale: float) -> None:
        """Play what comes of these visits, and the orders with a coupon code and no click."""
        for visit in visits:
            affiliate, link = LINK[visit.link]
            journey = JOURNEYS[link["offer"]]
            steps, chance = journey["steps"], journey["chance"] * affiliate.get("worth", 1)
            if visit.visitor.is_bot:
                steps, chance = journey.get("robots", ()), affiliate.get("robots", 0)
            if not visit.is_duplicate and self._happens(chance):
                self._play(steps, self._actor(link["offer"], click=visit.click_text), visit.at)
        for affiliate in PROGRAM["affiliates"]:
            for access in affiliate["access"]:
                self._coupons(access, scale)
        # The same request once more, from a system that did not wait for the answer.
        again = [sent for sent in self.reports.sent if self._happens(JOURNEYS["sent_again"])]
        self.reports.sent += [replace(sent, at=sent.at + self._about(timedelta(hours=1), 1)) for sent in again]

    def _coupons(self, access: Spec, scale: float) -> None:
        """Orders of readers who typed a code in."""
        for code, orders in access.get("coupons", {}).items():
            for days_ago in range(DAYS, -1, -1):
                for _ in range(poisson(self._rng, orders * scale)):
                    at = self._span.midnight(days_ago) + timedelta(hours=self._rng.triangular(6, 23.5, 19))
                    self._play(JOURNEYS[access["offer"]]["steps"], self._actor(access["offer"], coupon=code), at)

    def _actor(self, offer: str, **came_by: str) -> Actor:
        prefix = OFFER[offer]["customers"]
        return Actor(offer, f"{prefix}-{100_000 + 37 * next(self._numbers)}" if prefix else "", **came_by)

    def _play(self, steps: Steps, actor: Actor, at: datetime, before: Spec | None = None) -> None:
        """Play steps that follow from a moment, and from the event that was sent then."""
        before = before or {}
        for step in steps:
            moment = at
            while self._is_taken(step, before):
                taken = {**step, **self._one_of(step)}
                moment += self._wait(taken)
                sent = self._send(taken, actor, moment, before)
                self._play(taken.get("then", ()), actor, moment, sent)
                if not step.get("repeats"):
                    break

    def _is_taken(self, step: Spec, before: Spec) -> bool:
        return self._happens(step.get("chance", 1)) and float(before.get("revenue", 0)) >= step.get("minimum", 0)

    def _send(self, step: Spec, actor: Actor, at: datetime, before: Spec) -> Spec:
        """Send the step's event, or another status of the one before; return its fields."""
        if "update" in step:
            sent = {name: before.get(name, "") for name in ("event_type", "txid", "customer_id")}
            fields = {**sent, "status": step["update"]}
        else:
            fields = self._event(step, actor, at, before)
        fields = {name: value for name, value in fields.items() if value}
        self.reports.sent.append(DemoRequest(at, actor.offer, fields))
        if "verdict" in step:
            self.reports.verdicts[fields["txid"]] = step["verdict"]
        return fields

    def _event(self, step: Spec, actor: Actor, at: datetime, before: Spec) -> dict[str, str]:
        offer, code = OFFER[actor.offer], step["event"]
        txid = f"{offer['transactions']}-{code[:4]}-{700_000 + 13 * next(self._numbers)}"
        revenue = self._revenue(step["revenue"]) if "revenue" in step else before.get("revenue", "")
        if not any(goal["code"] == code and goal.get("needs_revenue") for goal in offer["goals"]):
            revenue = ""
        return {
            "event_type": code,
            "click_id": actor.click if step.get("click", True) else "",
            "txid": step.get("txid", txid),
            "customer_id": step.get("customer", actor.customer),
            "coupon": step.get("coupon", actor.coupon),
            "revenue": revenue,
            "currency": offer["currency"] if revenue else "",
            "status": step.get("status", ""),
            "timestamp": str(int(at.timestamp())),
        }

    def _revenue(self, spec: Any) -> str:
        if isinstance(spec, str):
            return spec
        if isinstance(spec, list):
            return str(self._rng.choice(spec))
        step, drawn = spec.get("step", 0.01), self._rng.lognormvariate(log(spec["typical"]), spec["spread"])
        return f"{max(min(step * round(drawn / step), spec['most']), spec.get('least', 1)):.2f}"

    def _one_of(self, step: Spec) -> Spec:
        forms = step.get("one_of", [{"share": 1}])
        form: Spec = self._rng.choices(forms, weights=[each["share"] for each in forms])[0]
        return form

    def _wait(self, step: Spec) -> timedelta:
        if self._happens(step.get("late", 0)):
            return timedelta(days=self._rng.uniform(1, 40))
        return self._about(length(step.get("after", "")), step.get("spread", 0))

    def _about(self, middle: timedelta, spread: float) -> timedelta:
        """A waiting time around its median (log-normal)."""
        return middle * self._rng.lognormvariate(0, spread)

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share
