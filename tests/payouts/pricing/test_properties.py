"""What must hold of prices whatever the events: nothing is lost in sharing, nothing is taken back twice, no currency
touches another."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payouts.ledger.booking import Due, differences
from payouts.ledger.owed import Slot
from payouts.pricing import CommissionLine, Family, PlanTerms, PricedConversion, PricingRule, VersionTerms, price_all
from records.money import places
from tests.examples import examples

START = datetime(2026, 10, 1, tzinfo=UTC)
OFFER, GOAL, ANA = 1, 10, 100
PARENTS = (201, 202, 203, 204, 205)
FAMILY = {ANA: Family("af_ana", PARENTS)}
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "BTC"])
PERCENTS = st.decimals(min_value=0, max_value=100, places=6)
CENTS = st.decimals(min_value="0.01", max_value=10**7, places=2)


def event(number: int, revenue: Decimal | None, currency: str = "EUR", **facts: Any) -> PricedConversion:
    when = START + timedelta(hours=facts.pop("hour", number))
    return PricedConversion(number, ANA, OFFER, GOAL, "approved", revenue, currency, when, **facts)


def rule(kind: str, **fields: Any) -> PricingRule:
    return PricingRule(fields.pop("id", 1), fields.pop("goal_id", GOAL), "Deposit", kind, **fields)


def book(*rules: PricingRule) -> Any:
    return {(OFFER, None): PlanTerms(1, "Standard plan", (VersionTerms(1, 1, START - timedelta(days=1), rules),))}


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places(currency)), rounding=ROUND_HALF_UP)


@st.composite
def levels_of_parents(draw: st.DrawFn) -> list[Decimal]:
    """Percentages of up to six levels, not above 100 together."""
    found: list[Decimal] = []
    for _ in range(draw(st.integers(1, 6))):
        found.append(draw(st.decimals(min_value=0, max_value=100 - sum(found, Decimal(0)), places=6)))
    return found


@given(CENTS, CURRENCIES, levels_of_parents(), st.sampled_from(["commission", "revenue"]), st.integers(0, 5))
def test_the_shares_of_parents_come_to_the_whole_that_is_shared(
    revenue: Decimal, currency: str, levels: list[Decimal], of: str, generations: int
) -> None:
    revenue = rounded(revenue, currency)
    sharing = rule("parents", id=2, goal_id=None, formula={"of": of, "levels": [f"{each}" for each in levels]})
    family = {ANA: Family("af_ana", PARENTS[:generations])}
    terms = book(rule("percent", percent=Decimal("37.5")), sharing)
    lines = price_all([event(1, revenue, currency)], terms, family)[1].lines
    own = [line.amount for line in lines if line.affiliate_id == ANA]
    shares = {line.affiliate_id: line.amount for line in lines if line.affiliate_id != ANA}
    base = sum(own, Decimal(0)) if of == "commission" else revenue if own else Decimal(0)
    taken = levels[:generations]
    assert sum(shares.values(), Decimal(0)) == rounded(base * sum(taken, Decimal(0)) / 100, currency)
    unit = Decimal(1).scaleb(-places(currency))
    for parent, percent in zip(PARENTS, taken, strict=False):
        assert abs(shares.get(parent, Decimal(0)) - base * percent / 100) < unit


STEPS = [
    {"above": "0", "percent": "10"},
    {"above": "250", "percent": "17.5"},
    {"above": "1000", "percent": "33.333333"},
]


@given(st.lists(st.decimals(min_value="0.01", max_value=900, places=2), min_size=1, max_size=8))
def test_marginal_tiers_pay_each_part_once_however_the_period_is_cut(revenues: list[Decimal]) -> None:
    """Each event's line is rounded once, so the sum is off by less than half a cent for each."""
    tiers = rule("tiered", formula={"basis": "revenue", "mode": "marginal", "period": "month", "steps": STEPS})
    quotes = price_all([event(n, revenue) for n, revenue in enumerate(revenues, 1)], book(tiers))
    paid = sum((line.amount for quote in quotes.values() for line in quote.lines), Decimal(0))
    total, whole = sum(revenues), Decimal(0)
    for step, top in zip(STEPS, (Decimal(250), Decimal(1000), max(total, Decimal(1000))), strict=True):
        part = min(total, top) - Decimal(step["above"])
        whole += max(part, Decimal(0)) * Decimal(step["percent"]) / 100
    assert abs(paid - whole) <= Decimal("0.005") * len(revenues)
    if len(revenues) == 1:
        assert paid == rounded(whole, "EUR")


@st.composite
def refunds(draw: st.DrawFn) -> tuple[Decimal, list[tuple[Decimal, Decimal]]]:
    """A sale, then after each refund what is left of it and the percentage that holds then; all of it in the end."""
    revenue = draw(st.decimals(min_value="0.01", max_value=10**6, places=2))
    parts = draw(st.lists(st.integers(1, 10**4), min_size=1, max_size=6))
    left, steps = revenue, []
    for part in parts:
        left = max(Decimal(0), left - rounded(revenue * part / sum(parts), "EUR"))
        steps.append((left, draw(PERCENTS)))
    return revenue, [*steps, (Decimal(0), draw(PERCENTS))]


@given(refunds(), PERCENTS, st.booleans())
def test_no_sequence_of_refunds_and_rates_takes_back_more_than_was_earned(
    sale: tuple[Decimal, list[tuple[Decimal, Decimal]]], percent: Decimal, tiered: bool
) -> None:
    """Of the affiliate and of its parents, at every step; in the end nothing is left, and nothing is owed."""
    revenue, steps = sale
    booked: dict[Slot, Decimal] = defaultdict(Decimal)
    given_out: dict[int, Decimal] = defaultdict(Decimal)
    taken_back: dict[int, Decimal] = defaultdict(Decimal)
    for left, rate in [(revenue, percent), *steps]:
        kind = (
            rule("tiered", formula={"basis": "revenue", "mode": "marginal", "period": "month", "steps": STEPS})
            if tiered
            else rule("percent", percent=rate)
        )
        sharing = rule("parents", id=2, goal_id=None, formula={"of": "commission", "levels": ["12.5", "7.5", "2"]})
        quotes = price_all([event(1, left)], book(kind, sharing), FAMILY)
        for draft in differences([Due(event(1, left), "cv_x")], quotes, {1: dict(booked)}):
            slot = Slot(draft.affiliate_id, draft.plan_version_id, draft.rule_id, draft.currency)
            booked[slot] += draft.amount
            (given_out if draft.amount > 0 else taken_back)[draft.affiliate_id] += abs(draft.amount)
            assert taken_back[draft.affiliate_id] <= given_out[draft.affiliate_id]
        owed = {line.affiliate_id: line.amount for line in quotes[1].lines}
        assert {slot.affiliate_id: amount for slot, amount in booked.items() if amount} == owed
        assert owed.get(ANA, Decimal(0)) <= left
    assert taken_back == given_out


RULES = {
    "percent": rule("percent", percent=Decimal("12.5")),
    "tiers": rule("tiered", formula={"basis": "revenue", "mode": "marginal", "period": "month", "steps": STEPS}),
    "whole tiers": rule("tiered", formula={"basis": "revenue", "mode": "whole", "period": "month", "steps": STEPS}),
    "net revenue": rule("net_revenue", percent=Decimal(30), formula={"carryover": True, "ring_fence": "50"}),
    "budget": rule("percent", percent=Decimal(40), cap_amount=Decimal(90), limit_currency="EUR", cap_period="month"),
}
SHARING = rule("parents", id=2, goal_id=None, formula={"of": "commission", "levels": ["10", "5"]})
SALES = st.lists(
    st.tuples(st.decimals(min_value=-500, max_value=900, places=0), st.sampled_from(["EUR", "USD", "JPY"])), max_size=12
)


@settings(max_examples=examples(60))
@given(SALES, st.sampled_from(sorted(RULES)))
def test_what_one_currency_earns_does_not_depend_on_others(sales: list[tuple[Decimal, str]], kind: str) -> None:
    events = [
        event(n, revenue, currency, customer_id=n % 3, hour=100 * n) for n, (revenue, currency) in enumerate(sales, 1)
    ]
    terms = book(RULES[kind], SHARING)
    together = price_all(events, terms, FAMILY)
    for currency in ("EUR", "USD", "JPY"):
        mine = [each for each in events if each.currency == currency]
        assert price_all(mine, terms, FAMILY) == {each.id: together[each.id] for each in mine}
        lines = [line for each in mine for line in together[each.id].lines]
        assert {line.currency for line in lines} <= {currency}


@given(CENTS, CURRENCIES)
def test_a_hybrid_of_two_currencies_shares_each_by_itself(revenue: Decimal, currency: str) -> None:
    revenue = rounded(revenue, currency)
    cpa = rule("flat", id=3, amount=Decimal(50), currency="USD", is_component=True)
    share = replace(RULES["percent"], is_component=True)
    lines = price_all([event(1, revenue, currency)], book(cpa, share, SHARING), FAMILY)[1].lines
    assert sums(lines, ANA) == {"USD": Decimal(50)} | kept(currency, rounded(revenue * Decimal("0.125"), currency))
    earned = sums(lines, ANA).get(currency, Decimal(0))
    for parent, percent in ((PARENTS[0], 10), (PARENTS[1], 5)):
        assert sums(lines, parent)["USD"] == Decimal(50) * percent / 100
        unit = Decimal(1).scaleb(-places(currency))
        assert abs(sums(lines, parent).get(currency, Decimal(0)) - earned * percent / 100) < unit


def kept(currency: str, amount: Decimal) -> dict[str, Decimal]:
    return {currency: amount} if amount else {}


def sums(lines: tuple[CommissionLine, ...], affiliate_id: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.affiliate_id == affiliate_id:
            found[line.currency] += line.amount
    return dict(found)
