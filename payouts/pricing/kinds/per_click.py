"""An amount for each valid click of a day: CPC."""

from decimal import Decimal

from payouts.pricing.amounts import EXACT, ZERO, Share
from payouts.pricing.facts import CommissionLine, PricedClicks, PricingRule
from payouts.pricing.inputs import HOW_MUCH, WHICH_CURRENCY, AmountInput, Currency
from payouts.pricing.kind import CAP, ClickKind, Limits, WithoutFormula
from payouts.pricing.limits import Tally, capped, line_of, used_of_cap
from payouts.pricing.words import exact
from records.periods import in_words
from records.translation import gettext_lazy as _
from records.words import counted


class PerClick(ClickKind, WithoutFormula):
    place = 40
    code = "per_click"
    label = _("Amount per click (CPC)")
    earns = "its amount for each valid click of a day"
    example = "0.035 EUR per click for 7 clicks = 0.25 EUR"
    columns = frozenset({"amount", "currency"})
    column_problem = "a rule per click has an amount and its currency, and no percent."
    inputs = {"amount": AmountInput(missing=HOW_MUCH), "currency": Currency(missing=WHICH_CURRENCY)}
    limits = Limits(
        CAP,
        problem="a price per click has a cap at most: no limits per conversion or customer.",
        component_problem="a price per click stands beside the others anyway; it is no component.",
    )

    def line(
        self, event: PricedClicks, rule: PricingRule, plan_id: int, version_id: int, tally: Tally
    ) -> CommissionLine | str:
        """So many clicks at the rule's price, as far as its cap lets them through."""
        clicks, price = event.count, exact(rule.amount or ZERO, rule.currency)
        paid, words = clicks, f"{price} per click for {counted(clicks, 'valid click')}"
        if rule.cap_count is not None:
            used = used_of_cap(event, rule, plan_id, tally)
            paid = min(clicks, rule.cap_count - used.count)
            period, cap = in_words(rule.cap_period, event.occurred_at), counted(rule.cap_count, "click")
            if paid <= 0:
                return f"The cap of {cap} for {period} was reached before these."
            if paid < clicks:
                words = f"{price} per click for {paid} of {counted(clicks, 'valid click')} (cap of {cap} for {period})"
        amount = EXACT.multiply(rule.amount or ZERO, Decimal(paid))
        line = line_of(event, rule, version_id, Share(amount, rule.currency, words))
        if isinstance(line, str) or not rule.cap_period:
            return line
        return capped(event, rule, plan_id, tally, line, paid)

    def words(self, rule: PricingRule) -> str:
        return f"{exact(rule.amount or ZERO, rule.currency)} per click"

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return False

    def needs_revenue(self, rule: PricingRule) -> bool:
        return False
