"""A flat amount for each conversion: CPA, CPL."""

from collections.abc import Iterator

from payouts.pricing.amounts import ZERO, Share
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.inputs import HOW_MUCH, WHICH_CURRENCY, AmountInput, Currency
from payouts.pricing.kind import ALL_LIMITS, PerEvent, WithoutFormula
from payouts.pricing.limits import Tally
from payouts.pricing.words import exact
from records.money import format_money, places
from records.translation import gettext_lazy as _
from records.words import plain


class Flat(WithoutFormula, PerEvent):
    place = 10
    code = "flat"
    label = _("Flat amount (CPA, CPL)")
    earns = "its amount, in its own currency"
    example = "flat 120.00 EUR for a first deposit"
    columns = frozenset({"amount", "currency"})
    column_problem = "a flat rule has an amount and its currency, and no percent."
    inputs = {"amount": AmountInput(missing=HOW_MUCH), "currency": Currency(missing=WHICH_CURRENCY)}
    limits = ALL_LIMITS
    names_amount = True

    def share(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> Share | str:
        amount = rule.amount or ZERO
        return Share(amount, rule.currency, f"flat {exact(amount, rule.currency)} for {rule.goal_name}")

    def words(self, rule: PricingRule) -> str:
        return format_money(rule.amount or ZERO, rule.currency)

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return False

    def needs_revenue(self, rule: PricingRule) -> bool:
        return False

    def problems(self, rule: PricingRule) -> Iterator[str]:
        """It is booked unrounded, so it has no more decimals than its currency."""
        amount, most = rule.amount or ZERO, places(rule.currency)
        if amount != round(amount, most):
            yield f"{plain(amount)} has more decimals than {rule.currency} is counted in ({most})."
