"""Random plans and random events of all kinds: what the two implementations of pricing are held against each other by.

Everything that a plan can have is in here: every kind, several versions and an affiliate's own plan, narrow rules and
components, limits and caps, parents that change; events of four currencies at the edges of months in several time
zones, refunds, losses, lots, clicks. A world is drawn from its number: the same number gives the same world.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from payouts.pricing import Family, PlanTerms, PricedConversion, PricingRule, VersionTerms

OFFER, GOALS, ANA, PARENTS, OTHERS = 1, (10, 11), 100, (201, 202, 203), (301, 302)
START = datetime(2024, 1, 1, tzinfo=UTC)
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3, "BTC": 8}
CURRENCIES = tuple(PLACES)
ZONES = (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11)), timezone(timedelta(hours=5, minutes=30)))
# The edges of a leap day, of a month, a quarter, a year and a week.
EDGES = tuple(
    datetime(*day, tzinfo=UTC)
    for day in ((2024, 2, 1), (2024, 2, 12), (2024, 2, 29), (2024, 3, 1), (2024, 3, 15), (2024, 4, 1), (2025, 1, 1))
)
OFFSETS = (timedelta(0), timedelta(microseconds=-1), timedelta(hours=3), timedelta(hours=-9), timedelta(days=2))
PERCENTS = tuple(Decimal(each) for each in ("10", "25", "33.333333", "0.5", "100", "0"))
PERIODS = ("day", "week", "month", "quarter", "total")
SUBS = ("sub1", "sub2", "sub5")

ClickDay = tuple[int, datetime, list[dict[str, Any]]]


@dataclass
class World:
    """Plans, events and parents, as the engine is given them; `click_days` are link, day and clicks by part."""

    number: int
    book: dict[tuple[int, int | None], PlanTerms]
    events: list[PricedConversion]
    family: Family
    click_days: list[ClickDay]

    @property
    def rules(self) -> list[PricingRule]:
        return [rule for plan in self.book.values() for version in plan.versions for rule in version.rules]

    def without(self, event: PricedConversion) -> "World":
        return replace(self, events=[each for each in self.events if each != event])


def world_of(number: int, goals: Sequence[int] = GOALS, kinds: Sequence[str] = ()) -> World:
    """The world of this number; of these kinds of rules alone where they are given."""
    return _Drawing(Random(number), goals, kinds).world(number)  # noqa: S311 # nothing secret


@dataclass
class _Drawing:
    random: Random
    goals: Sequence[int]
    kinds: Sequence[str]
    rules: int = 0

    def world(self, number: int) -> World:
        book: dict[tuple[int, int | None], PlanTerms] = {(OFFER, None): self.plan(1)}
        if self.random.random() < 0.3:
            book[OFFER, ANA] = self.plan(2)
        return World(number, book, self.events(), self.family(), self.click_days())

    def plan(self, number: int) -> PlanTerms:
        begins = sorted(self.random.sample([START, *EDGES[:5]], self.random.choice([1, 1, 2, 3])))
        versions = [VersionTerms(10 * number + place, place, at, self.version()) for place, at in enumerate(begins, 1)]
        return PlanTerms(number, "A plan", tuple(reversed(versions)))

    def version(self) -> tuple[PricingRule, ...]:
        found: list[PricingRule] = []
        for kinds, most in ((EARNING, self.random.choice([1, 2, 3])), (("parents",), 1), (("per_click",), 2)):
            wanted = [kind for kind in kinds if not self.kinds or kind in self.kinds]
            taken: set[object] = set()
            for _ in range(most if wanted else 0):
                group = self.group(wanted)
                selection = (*group[0].selector, group[0].valid_from is not None)
                if selection not in taken:
                    taken.add(selection)
                    found += group
        return tuple(found)

    def group(self, kinds: Sequence[str]) -> list[PricingRule]:
        """The rules of one selection: one, or components of different kinds."""
        wanted = self.random.sample(kinds, min(len(kinds), self.random.choice([1, 1, 2, 3])))
        name, value = self.random.choice([("", "")] * 4 + [("sub1", "x"), ("sub2", "y"), ("sub5", "x")])
        fields: dict[str, Any] = {"country": self.random.choice(["", "", "DE"]), "sub_name": name, "sub_value": value}
        if self.random.random() < 0.2:
            fields["valid_from"], fields["valid_until"] = sorted(self.random.sample(EDGES, 2))
        goal = None if "per_click" in wanted else self.random.choice((None, *self.goals))
        return [self.rule(kind, goal, is_component=len(wanted) > 1, **fields) for kind in wanted]

    def rule(self, kind: str, goal: int | None, **fields: Any) -> PricingRule:
        self.rules += 1
        return PricingRule(self.rules, goal, "Goal", kind, **fields, **DRAWN[kind](self))

    def amount(self, currency: str, largest: int = 900) -> Decimal:
        places = PLACES[currency]
        return Decimal(self.random.randint(0, largest * 10**places)).scaleb(-places)

    def currency(self) -> str:
        return self.random.choice(CURRENCIES)

    def limits(self, currency: str) -> dict[str, Any]:
        """None of them for the most part; those of money are in the currency."""
        found: dict[str, Any] = {}
        if self.random.random() < 0.2:
            low, high = sorted((self.amount(currency, 60), self.amount(currency, 200)))
            found |= {"minimum": low, "maximum": high, "limit_currency": currency}
        if self.random.random() < 0.25:
            found |= self.cap(currency, 4, 300)
        if self.random.random() < 0.15:
            found[self.random.choice(["max_months", "max_payments"])] = self.random.randint(1, 2)
        return found

    def cap(self, currency: str, most: int, budget: int) -> dict[str, Any]:
        found: dict[str, Any] = {"cap_period": self.random.choice(PERIODS)}
        if self.random.random() < 0.5:
            return found | {"cap_count": self.random.randint(0, most)}
        return found | {"cap_amount": self.amount(currency, budget), "limit_currency": currency}

    def flat(self) -> dict[str, Any]:
        currency = self.currency()
        return {"amount": self.amount(currency), "currency": currency, **self.limits(currency)}

    def per_lot(self) -> dict[str, Any]:
        currency = self.currency()
        price = Decimal(self.random.randint(0, 2_000_000)).scaleb(-5)
        return {"amount": price, "currency": currency, **self.limits(currency)}

    def percent(self) -> dict[str, Any]:
        return {"percent": self.random.choice(PERCENTS), **self.limits(self.currency())}

    def tiered(self) -> dict[str, Any]:
        basis, by = self.random.choice(["count", "revenue", "volume"]), self.random.choice(["percent", "amount"])
        largest = {"count": 4, "revenue": 900, "volume": 12}[basis]
        currency = self.currency()
        floors = sorted(self.random.sample(range(largest), self.random.randint(1, 3)))
        if self.random.random() < 0.5:
            floors[0] = 0
        steps = []
        for floor in floors:
            price = self.random.choice(PERCENTS) if by == "percent" else self.amount(currency, 50)
            steps.append({"above": f"{floor}", by: f"{price:f}"})
        mode, period = self.random.choice(["marginal", "whole"]), self.random.choice(PERIODS)
        formula = {"basis": basis, "mode": mode, "period": period, "steps": steps}
        return {"formula": formula | ({"currency": currency} if by == "amount" else {}), **self.limits(currency)}

    def net_revenue(self) -> dict[str, Any]:
        known = [{"name": "bonus"}, {"name": "winnings", "cap": "120.5"}, {"name": "fee", "percent": "15.5"}]
        deductions = self.random.sample([*known, {"name": "licence", "amount": "20"}], self.random.choice([0, 0, 1, 2]))
        formula: dict[str, Any] = {"deductions": deductions} if deductions else {}
        formula |= {name: True for name in ("carryover", "recoup_cpa") if self.random.random() < 0.5}
        formula |= self.random.choice([{}, {}, {"ring_fence": "0"}, {"ring_fence": "150"}])
        return {"percent": self.random.choice(PERCENTS), "formula": formula}

    def parents(self) -> dict[str, Any]:
        levels = [self.random.choice(["10", "5", "2.5", "33.333333", "0"]) for _ in range(self.random.randint(1, 4))]
        return {"formula": {"of": self.random.choice(["commission", "revenue"]), "levels": levels}}

    def per_click(self) -> dict[str, Any]:
        currency = self.currency()
        price = Decimal(self.random.randint(0, 20_000)).scaleb(-4)
        return {
            "amount": price,
            "currency": currency,
            **(self.cap(currency, 20, 30) if self.random.random() < 0.4 else {}),
        }

    def events(self) -> list[PricedConversion]:
        since = {customer: self.random.choice([None, START, *EDGES[:3]]) for customer in (1, 2, 3)}
        currencies = self.random.sample(CURRENCIES, self.random.choice([1, 1, 2]))
        return [self.event(number, currencies, since) for number in range(1, self.random.randint(2, 20))]

    def event(self, number: int, currencies: Sequence[str], since: dict[int, datetime | None]) -> PricedConversion:
        currency, customer = self.random.choice(currencies), self.random.choice([1, 1, 2, 3, None])
        revenue = self.amount(currency) if self.random.random() < 0.7 else -self.amount(currency, 500)
        sent = {name: self.random.choice(["15", "7", "300"]) for name in ("bonus", "winnings")}
        return PricedConversion(
            number,
            ANA,
            OFFER,
            self.random.choice(self.goals),
            self.random.choice(["approved"] * 6 + ["pending", "rejected"]),
            revenue if self.random.random() < 0.9 else None,
            currency,
            self.moment(),
            customer_id=customer,
            volume=Decimal(self.random.randint(0, 9000)).scaleb(-3) if self.random.random() < 0.6 else None,
            deductions=sent if self.random.random() < 0.4 else {},
            country=self.random.choice(["", "DE", "FR"]),
            subs={name: self.random.choice(["x", "y"]) for name in SUBS if self.random.random() < 0.4},
            customer_since=since[customer] if customer else None,
        )

    def moment(self) -> datetime:
        moment = self.random.choice(EDGES[:6]) + self.random.choice(OFFSETS)
        if self.random.random() < 0.5:
            moment += timedelta(minutes=self.random.randint(-9000, 9000))
        return moment.astimezone(self.random.choice(ZONES))

    def family(self) -> Family:
        """Up to three parents, and others until a moment."""
        now, before = PARENTS[: self.random.randint(0, 3)], OTHERS[: self.random.randint(0, 2)]
        earlier = ((self.random.choice(EDGES), before),) if self.random.random() < 0.5 else ()
        return Family("af_ana", now, earlier)

    def click_days(self) -> list[ClickDay]:
        keys = [(link, edge) for link in (1, 2) for edge in EDGES]
        return [(link, day, self.parts()) for link, day in self.random.sample(keys, self.random.randint(0, 6))]

    def parts(self) -> list[dict[str, Any]]:
        labels: list[dict[str, str]] = [{}, {"country": "DE"}, {"sub1": "x"}, {"country": "DE", "sub2": "y"}]
        chosen = self.random.sample(labels, self.random.randint(1, 3))
        return [{"clicks": self.random.randint(1, 25), **each} for each in chosen]


EARNING = ("flat", "percent", "per_lot", "tiered", "net_revenue")
# What each kind is drawn by: a kind that is missing here is in no world, which a test refuses.
DRAWN: dict[str, Callable[[_Drawing], dict[str, Any]]] = {
    "flat": _Drawing.flat,
    "percent": _Drawing.percent,
    "per_lot": _Drawing.per_lot,
    "per_click": _Drawing.per_click,
    "tiered": _Drawing.tiered,
    "net_revenue": _Drawing.net_revenue,
    "parents": _Drawing.parents,
}


def smallest(world: World, differs: Callable[[World], bool]) -> World:
    """The world with as few events as still make the difference, to read it by."""
    for event in world.events:
        fewer = world.without(event)
        if differs(fewer):
            return smallest(fewer, differs)
    return world
