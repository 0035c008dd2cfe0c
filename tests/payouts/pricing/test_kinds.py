"""Each kind of rule over small sets of events, worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.pricing import Family, PlanTerms, PricedConversion, PricingRule, VersionTerms, plain, price_all

START = datetime(2026, 10, 1, tzinfo=UTC)
OFFER, GOAL, ANA, BEN, CARA = 1, 10, 100, 101, 102
STEPS_PERCENT = [{"above": "0", "percent": "10"}, {"above": "1000", "percent": "20"}]


def event(number: int, revenue: str | None = "100", **facts: Any) -> PricedConversion:
    """The events of a day apart each: number 1 happens on 2026-10-02."""
    facts = {"status": "approved", "currency": "EUR", "occurred_at": START + timedelta(days=number), **facts}
    return PricedConversion(
        number, ANA, OFFER, facts.pop("goal_id", GOAL), revenue=Decimal(revenue) if revenue else None, **facts
    )


def rule(kind: str, **fields: Any) -> PricingRule:
    for name in ("amount", "percent", "minimum", "maximum", "cap_amount"):
        if name in fields:
            fields[name] = Decimal(fields[name])
    return PricingRule(fields.pop("id", 1), fields.pop("goal_id", GOAL), "Deposit", kind, **fields)


def tiers(basis: str, mode: str, steps: list[dict[str, str]], **fields: Any) -> PricingRule:
    return rule("tiered", formula={"basis": basis, "mode": mode, "period": "month", "steps": steps, **fields})


def book(*rules: PricingRule) -> Any:
    return {(OFFER, None): PlanTerms(1, "Standard plan", (VersionTerms(1, 1, START, rules),))}


def earned(events: list[PricedConversion], *rules: PricingRule, **more: Any) -> list[str]:
    """Amounts by event in the order of their numbers, several joined by +."""
    quotes = price_all(events, book(*rules), **more)
    return ["+".join(plain(line.amount) for line in quotes[number].lines) or "-" for number in sorted(quotes)]


def why(events: list[PricedConversion], *rules: PricingRule) -> str:
    return price_all(events, book(*rules))[events[-1].id].reason


def test_the_most_specific_rule_wins() -> None:
    every = rule("flat", id=1, goal_id=None, amount="1", currency="EUR")
    goal = rule("flat", id=2, amount="2", currency="EUR")
    germany = rule("flat", id=3, amount="3", currency="EUR", country="DE")
    sub = rule("flat", id=4, amount="4", currency="EUR", sub_name="sub2", sub_value="mail")
    first_sub = rule("flat", id=5, amount="5", currency="EUR", sub_name="sub1", sub_value="top")
    sale = rule("flat", id=6, amount="6", currency="EUR", valid_from=START + timedelta(days=5), country="DE")
    events = [
        event(1, goal_id=11),
        event(2),
        event(3, country="DE"),
        event(4, country="DE", subs={"sub2": "mail"}),
        event(5, subs={"sub2": "mail", "sub1": "top"}),
        event(6, country="DE"),
    ]
    assert earned(events, every, goal, germany, sub, first_sub, sale) == ["1", "2", "3", "4", "5", "6"]


def test_a_rule_ends_before_its_last_moment() -> None:
    dated = rule("flat", amount="6", currency="EUR", valid_until=START + timedelta(days=2))
    assert earned([event(1), event(2)], dated) == ["6", "-"]


def test_components_of_a_hybrid_earn_together() -> None:
    cpa = rule("flat", id=1, amount="50", currency="EUR", is_component=True)
    share = rule("percent", id=2, percent="25", is_component=True)
    assert earned([event(1, "80")], cpa, share) == ["50+20"]


def test_holds_a_share_between_minimum_and_maximum() -> None:
    share = rule("percent", percent="10", minimum="5", maximum="20", limit_currency="EUR")
    assert earned([event(1, "10"), event(2, "100"), event(3, "900")], share) == ["5", "10", "20"]
    assert "limits are in EUR" in why([event(1, currency="USD")], share)


def test_pays_per_lot() -> None:
    lots = rule("per_lot", amount="7.5", currency="USD")
    quotes = price_all([event(1, None, volume=Decimal("2.35"))], book(lots))
    [line] = quotes[1].lines
    assert (line.amount, line.currency) == (Decimal("17.63"), "USD")
    assert line.arithmetic == "7.50 USD per lot for 2.35 lots = 17.63 USD"
    assert "without volume" in why([event(1)], lots)


def test_over_a_cap_of_conversions_nothing_is_earned_until_the_next_period() -> None:
    capped = rule("flat", amount="10", currency="EUR", cap_count=2, cap_period="month")
    events = [event(1), event(2), event(3), event(40)]
    assert earned(events, capped) == ["10", "10", "-", "10"]
    assert why(events[:3], capped) == ("The cap of 2 conversions for October 2026 was reached before this one.")


def test_a_budget_pays_what_is_left_of_it() -> None:
    capped = rule("percent", percent="50", cap_amount="70", limit_currency="EUR", cap_period="total")
    assert earned([event(1), event(2), event(3)], capped) == ["50", "20", "-"]


def test_a_rejection_gives_its_place_under_the_cap_to_the_next() -> None:
    capped = rule("flat", amount="10", currency="EUR", cap_count=1, cap_period="month")
    assert earned([event(1, status="rejected"), event(2), event(3)], capped) == ["-", "10", "-"]


def test_recurring_commission_ends_after_so_many_payments_or_months() -> None:
    twice = rule("percent", percent="10", max_payments=2)
    events = [event(n, customer_id=7 if n != 3 else 8) for n in range(1, 6)]
    assert earned(events, twice) == ["10", "10", "10", "-", "-"]
    month = rule("percent", percent="10", max_months=1)
    events = [event(n, customer_id=7, customer_since=START) for n in (30, 31)]
    assert earned(events, month) == ["10", "-"]


def test_marginal_tiers_split_the_event_that_crosses() -> None:
    # 600 at 10 %; then 400 at 10 % + 200 at 20 %; then 300 at 20 %; a new month begins at 10 % again.
    events = [event(1, "600"), event(2, "600"), event(3, "300"), event(40, "100")]
    assert earned(events, tiers("revenue", "marginal", STEPS_PERCENT)) == ["60", "80", "60", "10"]


def test_whole_volume_tiers_price_the_whole_period_again() -> None:
    events = [event(1, "600"), event(2, "600"), event(40, "100")]
    whole = tiers("revenue", "whole", STEPS_PERCENT)
    assert earned(events[:1], whole) == ["60"]
    assert earned(events, whole) == ["120", "120", "10"]


def test_tiers_by_count_pay_the_next_amount_from_the_next_conversion_on() -> None:
    steps = [{"above": "0", "amount": "50"}, {"above": "2", "amount": "80"}]
    events = [event(n) for n in range(1, 5)]
    assert earned(events, tiers("count", "marginal", steps, currency="EUR")) == ["50", "50", "80", "80"]
    assert earned(events, tiers("count", "whole", steps, currency="EUR")) == ["80"] * 4


def test_tiers_count_two_currencies_apart() -> None:
    events = [event(1, "900"), event(2, "900", currency="USD")]
    assert earned(events, tiers("revenue", "marginal", STEPS_PERCENT)) == ["90", "90"]


def test_three_levels_of_parents_share_the_commission() -> None:
    cpa = rule("flat", amount="120", currency="EUR")
    parents = rule("parents", id=2, goal_id=None, formula={"of": "commission", "levels": ["10", "5", "2"]})
    family = {ANA: Family("af_ana", (BEN, CARA, 103, 104))}
    lines = price_all([event(1)], book(cpa, parents), family)[1].lines
    assert [(line.affiliate_id, line.amount) for line in lines] == [
        (ANA, 120),
        (BEN, 12),
        (CARA, 6),
        (103, Decimal("2.4")),
    ]
    assert lines[1].arithmetic == "level 1: 10 % of the commission of af_ana, 120.00 EUR = 12.00 EUR"


def net(percent: str = "30", **formula: Any) -> PricingRule:
    return rule("net_revenue", percent=percent, formula=formula)


def test_net_revenue_takes_named_deductions_off_per_customer_and_month() -> None:
    # Gross 1000 - bonus 200 sent - 15 % platform fee 150 capped at 100 - 50 fixed = 650; 30 % = 195.
    deductions = [
        {"name": "bonus"},
        {"name": "platform fee", "percent": "15", "cap": "100"},
        {"name": "licence", "amount": "50"},
    ]
    events = [event(1, "400", customer_id=7, deductions={"bonus": "200"}), event(2, "600", customer_id=7)]
    # After the first event: 400 - 200 - 60 - 50 = 90; 30 % = 27.00. The second adds 168.00.
    assert earned(events, net(deductions=deductions)) == ["27", "168"]


def test_a_later_loss_takes_back_what_the_month_no_longer_earns() -> None:
    events = [event(1, "1000", customer_id=7), event(2, "-400", customer_id=8), event(3, "-900", customer_id=8)]
    assert earned(events, net()) == ["300", "-120", "-180"]


def test_a_negative_month_is_carried_over_or_forgotten() -> None:
    # October -500; November 800: with carryover 300 x 30 % = 90, without 240.
    events = [event(1, "-500", customer_id=7), event(40, "800", customer_id=7)]
    assert earned(events, net(carryover=True)) == ["-", "90"]
    assert earned(events, net()) == ["-", "240"]


def test_a_high_roller_draws_no_one_else_down() -> None:
    # Customer 8 loses the house 5000 in October: beyond the fence of 2000 it is carried on 8 alone.
    events = [
        event(1, "1000", customer_id=7),
        event(2, "-5000", customer_id=8),
        event(40, "3000", customer_id=8),
        event(41, "500", customer_id=7),
        event(42, "2600", customer_id=8),
    ]
    # October 300. November: 8 is still 2000 behind, so only 7 earns 150; then 8 is 600 ahead: 180 more.
    assert earned(events, net(carryover=True, ring_fence="2000")) == ["300", "-", "-", "150", "180"]
    # Without the fence October ends at -4000, and November at 2100 less that is still below zero.
    assert earned(events, net(carryover=True)) == ["300", "-300", "-", "-", "630"]


def test_cpa_is_made_up_from_later_shares() -> None:
    cpa = rule("flat", id=1, goal_id=11, amount="100", currency="EUR", is_component=True)
    share = rule("net_revenue", id=2, percent="30", formula={"recoup_cpa": True})
    events = [event(1, None, goal_id=11), event(2, "200", customer_id=7), event(3, "300", customer_id=7)]
    assert earned(events, cpa, share) == ["100", "-", "50"]


CENTS = st.decimals(min_value="0.01", max_value=5000, places=2)


@given(st.lists(CENTS, min_size=1, max_size=12), st.randoms())
@pytest.mark.parametrize("mode", ["marginal", "whole"])
def test_the_order_in_which_events_come_does_not_matter(mode: str, revenues: list[Decimal], chance: Any) -> None:
    events = [event(n, f"{revenue}", customer_id=n % 3) for n, revenue in enumerate(revenues, 1)]
    mixed = events[:]
    chance.shuffle(mixed)
    for each in (tiers("revenue", mode, STEPS_PERCENT), net(carryover=True, ring_fence="10")):
        assert price_all(mixed, book(each)) == price_all(events, book(each))


@given(CENTS)
def test_marginal_tiers_are_continuous_at_their_boundaries(revenue: Decimal) -> None:
    by_tiers = tiers("revenue", "marginal", STEPS_PERCENT)
    (now,) = price_all([event(1, f"{revenue}")], book(by_tiers))[1].lines or (None,)
    (then,) = price_all([event(1, f"{revenue + Decimal('0.01')}")], book(by_tiers))[1].lines or (None,)
    before, after = (line.amount if line else Decimal(0) for line in (now, then))
    assert 0 <= after - before <= Decimal("0.01")


@given(st.lists(st.decimals(min_value=-3000, max_value=3000, places=2), min_size=1, max_size=15))
def test_the_lines_of_a_month_come_to_its_share(revenues: list[Decimal]) -> None:
    events = [
        event(1, f"{each}", customer_id=n % 4, occurred_at=START + timedelta(minutes=n))
        for n, each in enumerate(revenues)
    ]
    events = [PricedConversion(n, *list(_facts(each))[1:]) for n, each in enumerate(events)]
    lines = [line for quote in price_all(events, book(net())).values() for line in quote.lines]
    total = max(sum(revenues), Decimal(0))
    assert sum((line.amount for line in lines), Decimal(0)) == (total * 30 / 100).quantize(
        Decimal("0.01"), rounding="ROUND_HALF_UP"
    )


def _facts(row: PricedConversion) -> Any:
    return (getattr(row, name) for name in PricedConversion.__slots__)
