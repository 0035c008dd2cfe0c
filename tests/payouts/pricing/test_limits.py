"""Limits of a rule: minimum, maximum, caps by count and money, and the end of recurring commission."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payouts.pricing.test_kinds import START, earned, event, rule, why

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
AMOUNTS = st.decimals(min_value="0.01", max_value=1000, places=2)


class TestBounds:
    SHARE: Any = {"percent": "10", "minimum": "5", "maximum": "20", "limit_currency": "EUR"}

    @pytest.mark.parametrize(
        ("revenue", "amount"), [("10", "5"), ("50", "5"), ("50.10", "5.01"), ("200", "20"), ("200.10", "20")]
    )
    def test_a_share_is_at_least_and_at_most(self, revenue: str, amount: str) -> None:
        assert earned([event(1, revenue)], rule("percent", **self.SHARE)) == [amount]

    def test_limits_in_another_currency_are_not_compared_and_say_so(self) -> None:
        events = [event(1, "10", currency="USD")]
        assert earned(events, rule("percent", **self.SHARE)) == ["-"]
        assert why(events, rule("percent", **self.SHARE)).startswith("The rule's limits are in EUR; ")

    def test_a_line_of_nothing_is_not_booked(self) -> None:
        small = rule("percent", percent="1")
        assert earned([event(1, "0.49")], small) == ["-"]
        assert "comes to 0.00 EUR; a line of zero is not booked" in why([event(1, "0.49")], small)
        assert earned([event(1, "0.50")], small) == ["0.01"]

    def test_more_than_an_amount_can_hold_is_refused_in_words(self) -> None:
        found = why([event(1, "9999999999999999")], rule("percent", percent="200"))
        assert "more than an amount can hold; correct the rule or the revenue" in found


class TestCaps:
    def test_of_so_many_conversions_begin_anew_with_the_period(self) -> None:
        capped = rule("flat", amount="10", currency="EUR", cap_count=2, cap_period="month")
        days = [event(number) for number in (1, 2, 3)] + [event(4, occurred_at=NOVEMBER)]
        assert earned(days, capped) == ["10", "10", "-", "10"]
        assert why(days[:3], capped) == "The cap of 2 conversions for October 2026 was reached before this one."

    def test_of_money_pay_what_is_left_and_then_nothing(self) -> None:
        capped = rule("flat", amount="10", currency="EUR", cap_amount="25", cap_period="month")
        days = [event(number) for number in (1, 2, 3, 4)]
        assert earned(days, capped) == ["10", "10", "5", "-"]
        assert why(days, capped) == "The budget of 25.00 EUR for October 2026 was spent before this one."

    def test_the_first_moment_of_the_next_period_is_in_the_next(self) -> None:
        capped = rule("flat", amount="10", currency="EUR", cap_count=1, cap_period="month")
        last = event(1, occurred_at=NOVEMBER - timedelta(microseconds=1))
        assert earned([last, event(2, occurred_at=NOVEMBER)], capped) == ["10", "10"]

    def test_of_a_rule_do_not_use_up_those_of_another(self) -> None:
        first = rule("flat", id=1, amount="10", currency="EUR", cap_count=1, cap_period="month", country="DE")
        second = rule("flat", id=2, amount="7", currency="EUR", cap_count=1, cap_period="month")
        days = [event(1, country="DE"), event(2), event(3, country="DE"), event(4)]
        assert earned(days, first, second)[:2] == ["10", "7"]

    def test_are_not_used_up_by_what_was_rejected(self) -> None:
        capped = rule("flat", amount="10", currency="EUR", cap_count=1, cap_period="month")
        assert earned([event(1, status="rejected"), event(2)], capped) == ["-", "10"]

    @given(st.lists(AMOUNTS, min_size=1, max_size=12), AMOUNTS)
    def test_of_money_are_never_exceeded_and_always_used_as_far_as_they_go(
        self, revenues: list[Decimal], cap: Decimal
    ) -> None:
        capped = rule("percent", percent="100", cap_amount=str(cap), cap_period="month", limit_currency="EUR")
        days = [
            event(number, str(revenue), occurred_at=START + timedelta(hours=number))
            for number, revenue in enumerate(revenues)
        ]
        paid = sum(Decimal(amount) for amount in earned(days, capped) if amount != "-")
        assert paid == min(sum(revenues), cap)


class TestEnd:
    def test_after_so_many_months_of_a_customer_nothing_more_is_paid(self) -> None:
        limited = rule("percent", percent="10", max_months=1)
        since = datetime(2026, 10, 31, tzinfo=UTC)
        days = [
            event(1, occurred_at=datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), customer_id=7, customer_since=since),
            event(2, occurred_at=datetime(2026, 11, 30, tzinfo=UTC), customer_id=7, customer_since=since),
        ]
        assert earned(days, limited) == ["10", "-"]
        assert why(days, limited) == "The customer came on 2026-10-31; the rule pays for 1 month from then."

    def test_after_so_many_payments_of_a_customer_nothing_more_is_paid(self) -> None:
        limited = rule("percent", percent="10", max_payments=2)
        days = [event(number, customer_id=7) for number in (1, 2, 3)] + [event(4, customer_id=8)]
        assert earned(days, limited) == ["10", "10", "-", "10"]
        assert why(days[:3], limited) == "The rule pays 2 times per customer, and has done so."

    def test_an_event_without_a_customer_is_paid_by_no_rule_that_counts_by_customer(self) -> None:
        limited = rule("percent", percent="10", max_payments=2)
        assert why([event(1)], limited).endswith("but the event names no customer.")
