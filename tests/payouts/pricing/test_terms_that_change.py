"""What was earned before stays when terms change, and counts go on only where they count the same thing; by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from payouts.pricing import PlanTerms, PricedConversion, PricingRule, VersionTerms, plain, price_all
from tests.payouts.pricing.test_kinds import OFFER, START, earned, event, net, rule, tiers

MIDDLE = START + timedelta(days=15)


def earned_by(events: list[PricedConversion], *versions: tuple[datetime, PricingRule]) -> list[str]:
    """Amounts by event under versions from a moment on each; "-" for nothing."""
    found = [VersionTerms(number, number, since, (one,)) for number, (since, one) in enumerate(versions, 1)]
    book = {(OFFER, None): PlanTerms(1, "Standard plan", tuple(reversed(found)))}
    quotes = price_all(events, book)
    return ["+".join(plain(line.amount) for line in quotes[number].lines) or "-" for number in sorted(quotes)]


class TestNetRevenueWithinAMonth:
    def test_a_lower_percentage_takes_back_nothing_that_was_earned_before(self) -> None:
        events = [event(1, "1000"), event(20, "10")]
        assert earned_by(events, (START, net("30")), (MIDDLE, net("10"))) == ["300", "1"]

    def test_a_higher_one_adds_nothing_to_what_was_before(self) -> None:
        events = [event(1, "1000"), event(20, "10")]
        assert earned_by(events, (START, net("10")), (MIDDLE, net("30"))) == ["100", "3"]

    def test_a_loss_takes_back_the_latest_at_the_rate_at_which_it_was_earned(self) -> None:
        """500 at 10 % and 200 at 30 %; what is left is 800 at 30 %, and the whole month taken back is nothing."""
        events = [event(1, "1000"), event(20, "500"), event(21, "-700"), event(22, "-800"), event(23, "-50")]
        assert earned_by(events, (START, net("30")), (MIDDLE, net("10"))) == ["300", "50", "-110", "-240", "-"]

    def test_a_deduction_that_begins_takes_back_nothing(self) -> None:
        fee = net("30", deductions=[{"name": "fee", "percent": "50"}])
        assert earned_by([event(1, "1000"), event(20, "100")], (START, net("30")), (MIDDLE, fee)) == ["300", "15"]

    def test_rules_of_limited_validity_are_such_terms_too(self) -> None:
        sale = rule("net_revenue", id=2, percent="50", valid_from=MIDDLE, valid_until=MIDDLE + timedelta(days=5))
        assert earned([event(1, "100"), event(16, "100"), event(25, "100")], net("30"), sale) == ["30", "50", "30"]

    def test_a_loss_is_carried_once_when_a_ring_fence_begins_with_the_month(self) -> None:
        """October ends at -5000. It is behind either for the customer alone or for all, and not twice."""
        november = START + timedelta(days=31)
        fenced = net("10", carryover=True, ring_fence="2000")
        events = [event(1, "-5000", customer_id=7), event(40, "6000", customer_id=7)]
        assert earned_by(events, (START, net("10", carryover=True)), (november, fenced)) == ["-", "100"]


class TestCpaThatIsMadeUp:
    def test_a_loss_takes_back_what_was_paid_before_what_made_up_cpa(self) -> None:
        cpa = rule("flat", id=1, goal_id=11, amount="100", currency="EUR", is_component=True)
        share = rule("net_revenue", id=2, percent="40", formula={"recoup_cpa": True})
        events = [event(1, None, goal_id=11), event(2, "150"), event(3, "225"), event(4, "-225"), event(5, "100")]
        # 60 and 40 make up the CPA, 50 are paid; the loss takes back 50 and 40; the next 40 make up what is open again.
        assert earned(events, cpa, share) == ["100", "-", "50", "-50", "-"]


class TestTiers:
    STEPS: Any = [{"above": "0", "amount": "10"}, {"above": "2", "amount": "30"}]

    @pytest.mark.parametrize("mode", ["marginal", "whole"])
    @pytest.mark.parametrize("basis", ["count", "volume"])
    def test_a_refund_that_is_an_event_of_its_own_counts_for_nothing(self, mode: str, basis: str) -> None:
        by = tiers(basis, mode, self.STEPS, currency="EUR")
        sales = [event(number, "50", volume=1) for number in (1, 2)]
        refund = event(3, "-50", volume=1)
        assert earned([*sales, refund], by) == ["10", "10", "-"]

    @pytest.mark.parametrize(("mode", "amounts"), [("marginal", ["10", "-", "30"]), ("whole", ["30", "-", "30"])])
    def test_what_a_limit_keeps_from_earning_counts_in_both_modes(self, mode: str, amounts: list[str]) -> None:
        by = rule("tiered", max_payments=1, formula=tiers("count", mode, self.STEPS, currency="EUR").formula)
        assert earned([event(1, customer_id=7), event(2, customer_id=7), event(3, customer_id=8)], by) == amounts

    def test_below_the_first_tier_there_is_no_minimum(self) -> None:
        formula = tiers("revenue", "marginal", [{"above": "500", "percent": "10"}]).formula
        by = rule("tiered", minimum="5", limit_currency="EUR", formula=formula)
        assert earned([event(1, "400"), event(2, "200")], by) == ["-", "10"]

    def test_a_new_basis_begins_at_zero(self) -> None:
        """Ten conversions are not ten lots."""
        lots = tiers(
            "volume", "marginal", [{"above": "0", "amount": "1"}, {"above": "5", "amount": "9"}], currency="EUR"
        )
        count = tiers("count", "marginal", self.STEPS, currency="EUR")
        events = [event(number, volume=1) for number in range(1, 11)] + [event(20, volume=1)]
        assert earned_by(events, (START, count), (MIDDLE, lots))[-1] == "1"


class TestCaps:
    def test_a_budget_in_another_currency_begins_at_zero(self) -> None:
        euros = rule("flat", amount="80", currency="EUR", cap_amount="100", cap_period="month", limit_currency="EUR")
        dollars = rule("flat", amount="80", currency="USD", cap_amount="100", cap_period="month", limit_currency="USD")
        assert earned_by([event(1), event(20)], (START, euros), (MIDDLE, dollars)) == ["80", "80"]

    def test_a_new_version_goes_on_with_the_same_budget(self) -> None:
        old = rule("flat", amount="80", currency="EUR", cap_amount="100", cap_period="month", limit_currency="EUR")
        new = rule("flat", amount="90", currency="EUR", cap_amount="120", cap_period="month", limit_currency="EUR")
        assert earned_by([event(1), event(20)], (START, old), (MIDDLE, new)) == ["80", "40"]
