from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.pricing import (
    PlanTerms,
    PriceBook,
    PricedConversion,
    PricingRule,
    Quote,
    VersionTerms,
    estimate,
    exact,
    plain,
    price,
)
from records.money import PLACES, round_money

START = datetime(2026, 1, 1, tzinfo=UTC)
OFFER, GOAL, OTHER_GOAL, ANA, BEN = 1, 10, 11, 100, 101


def an_event(**facts: object) -> PricedConversion:
    defaults: dict[str, object] = {
        "id": 1,
        "affiliate_id": ANA,
        "offer_id": OFFER,
        "goal_id": GOAL,
        "status": "approved",
        "revenue": Decimal("80"),
        "currency": "EUR",
        "occurred_at": START + timedelta(days=1),
    }
    return PricedConversion(**{**defaults, **facts})  # type: ignore[arg-type]


def a_flat(amount: str, currency: str = "EUR", rule_id: int = 1) -> PricingRule:
    return PricingRule(rule_id, GOAL, "First deposit (FTD)", "flat", amount=Decimal(amount), currency=currency)


def a_percent(percent: str, rule_id: int = 1) -> PricingRule:
    return PricingRule(rule_id, GOAL, "Deposit", "percent", percent=Decimal(percent))


def version(number: int, rule: PricingRule | None, since: datetime = START) -> VersionTerms:
    return VersionTerms(number, number, since, (rule,) if rule else ())


def book(*versions: VersionTerms) -> PriceBook:
    return {(OFFER, None): PlanTerms(1, "Standard plan", versions)}


def amounts(quote: Quote) -> list[tuple[Decimal, str]]:
    return [(line.amount, line.currency) for line in quote.lines]


def test_a_flat_rule_earns_its_amount_in_its_own_currency() -> None:
    [line] = price(an_event(currency="USD"), book(version(3, a_flat("120")))).lines
    assert (line.amount, line.currency, line.rule_id, line.version_id) == (Decimal("120"), "EUR", 1, 3)
    assert line.arithmetic == "flat 120.00 EUR for First deposit (FTD)"


def test_a_percent_rule_earns_its_share_of_the_revenue() -> None:
    [line] = price(an_event(), book(version(1, a_percent("25.000000")))).lines
    assert (line.amount, line.currency) == (Decimal("20.00"), "EUR")
    assert line.arithmetic == "25 % of 80.00 EUR = 20.00 EUR"


@pytest.mark.parametrize(
    ("percent", "revenue", "currency", "arithmetic"),
    [
        ("12.5", "1001", "JPY", "12.5 % of 1001 JPY = 125 JPY"),
        ("12.5", "1004", "JPY", "12.5 % of 1004 JPY = 126 JPY"),
        ("33.333333", "10.000", "KWD", "33.333333 % of 10.000 KWD = 3.333 KWD"),
        ("50", "0.0010", "KWD", "50 % of 0.001 KWD = 0.001 KWD"),
        ("30", "0.00000005", "BTC", "30 % of 0.00000005 BTC = 0.00000002 BTC"),
        ("10", "0.05", "EUR", "10 % of 0.05 EUR = 0.01 EUR"),
        ("25", "80.125", "EUR", "25 % of 80.125 EUR = 20.03 EUR"),
    ],
)
def test_rounds_once_half_up_to_the_currency(percent: str, revenue: str, currency: str, arithmetic: str) -> None:
    quote = price(an_event(revenue=Decimal(revenue), currency=currency), book(version(1, a_percent(percent))))
    assert [line.arithmetic for line in quote.lines] == [arithmetic]


def test_a_product_longer_than_28_digits_is_rounded_once() -> None:
    # The exact share ends in .4999999999999999; cut to 28 digits first it would end in .5 and round up.
    event = an_event(revenue=Decimal("9999999950000001.00000001"), currency="JPY")
    [line] = price(event, book(version(1, a_percent("99.999999")))).lines
    assert line.amount == Decimal("9999999850000001")


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_only_an_approved_conversion_earns(status: str) -> None:
    quote = price(an_event(status=status), book(version(1, a_flat("120"))))
    assert quote == Quote((), f"The conversion is {status}; only an approved one earns.")


def test_a_pending_conversion_has_an_estimate() -> None:
    assert amounts(estimate(an_event(status="pending"), book(version(1, a_flat("120"))))) == [
        (Decimal("120.00"), "EUR")
    ]


@pytest.mark.parametrize(
    ("facts", "rule", "reason"),
    [
        ({"revenue": None}, a_percent("25"), "25 % of the revenue, but the event came without revenue."),
        ({"revenue": Decimal(0)}, a_percent("25"), "25 % of 0.00 EUR comes to 0.00 EUR; a line of zero is not booked."),
        (
            {"revenue": Decimal("0.01")},
            a_percent("25"),
            "25 % of 0.01 EUR comes to 0.00 EUR; a line of zero is not booked.",
        ),
        ({"revenue": Decimal("-5")}, a_percent("25"), "The revenue is negative (-5.00 EUR); a refund earns nothing."),
        ({"revenue": Decimal("-5")}, a_flat("120"), "The revenue is negative (-5.00 EUR); a refund earns nothing."),
        ({"currency": "XXX"}, a_percent("25"), "XXX is not a supported currency."),
        ({"goal_id": OTHER_GOAL}, a_flat("120"), "Standard plan v1 has no rule for this goal."),
        ({"offer_id": 2}, a_flat("120"), "The offer has no commission plan."),
        (
            {"occurred_at": START - timedelta(seconds=1)},
            a_flat("120"),
            "No version of a commission plan was in force at 2025-12-31 23:59 UTC.",
        ),
        ({}, a_flat("0"), "flat 0.00 EUR for First deposit (FTD) comes to 0.00 EUR; a line of zero is not booked."),
    ],
)
def test_says_why_nothing_is_owed(facts: dict[str, object], rule: PricingRule, reason: str) -> None:
    assert price(an_event(**facts), book(version(1, rule))) == Quote((), reason)


def test_the_newest_version_in_force_at_the_event_applies() -> None:
    second_day = START + timedelta(days=1)
    both = book(version(2, a_flat("90"), second_day), version(1, a_flat("50")))
    assert amounts(price(an_event(occurred_at=second_day - timedelta(microseconds=1)), both)) == [(Decimal(50), "EUR")]
    assert amounts(price(an_event(occurred_at=second_day), both)) == [(Decimal(90), "EUR")]


def test_an_own_plan_goes_before_the_default() -> None:
    plans = {
        (OFFER, None): PlanTerms(1, "Standard plan", (version(1, a_flat("50")),)),
        (OFFER, ANA): PlanTerms(2, "Ana's deal", (version(2, a_flat("80")),)),
    }
    assert amounts(price(an_event(), plans)) == [(Decimal(80), "EUR")]
    assert amounts(price(an_event(affiliate_id=BEN), plans)) == [(Decimal(50), "EUR")]


def test_an_own_plan_counts_from_its_first_version_on() -> None:
    tomorrow = START + timedelta(days=2)
    plans = {
        (OFFER, None): PlanTerms(1, "Standard plan", (version(1, a_flat("50")),)),
        (OFFER, ANA): PlanTerms(2, "Ana's deal", (version(2, a_flat("80"), tomorrow),)),
    }
    assert amounts(price(an_event(), plans)) == [(Decimal(50), "EUR")]
    assert amounts(price(an_event(occurred_at=tomorrow), plans)) == [(Decimal(80), "EUR")]


def test_an_own_plan_without_a_rule_for_the_goal_does_not_fall_back() -> None:
    plans = {
        (OFFER, None): PlanTerms(1, "Standard plan", (version(1, a_flat("50")),)),
        (OFFER, ANA): PlanTerms(2, "Ana's deal", (version(2, None),)),
    }
    assert price(an_event(), plans) == Quote((), "Ana's deal v2 has no rule for this goal.")


REVENUES = st.decimals(min_value=-(10**9), max_value=Decimal("9999999999999999.99999999"), places=8)


@given(REVENUES, st.decimals(min_value=0, max_value=100, places=6), st.sampled_from(sorted(PLACES)))
def test_a_share_is_a_rounded_positive_part_of_the_revenue(revenue: Decimal, share: Decimal, currency: str) -> None:
    quote = price(an_event(revenue=revenue, currency=currency), book(version(1, a_percent(str(share)))))
    assert bool(quote.lines) != bool(quote.reason)
    for line in quote.lines:
        assert 0 < line.amount <= round_money(revenue, currency)
        assert line.amount == round_money(line.amount, currency)


@pytest.mark.parametrize(("number", "text"), [("25.000000", "25"), ("100", "100"), ("0.50", "0.5"), ("1E+2", "100")])
def test_writes_a_number_plainly(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_writes_an_amount_with_all_its_decimals() -> None:
    assert exact(Decimal("-20.00000000"), "EUR") == "-20.00 EUR"
    assert exact(Decimal("20.00500000"), "EUR") == "20.005 EUR"
    assert exact(Decimal("20.00000000"), "JPY") == "20 JPY"
