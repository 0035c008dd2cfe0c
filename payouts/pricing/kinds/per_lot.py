"""An amount for each lot that an event's volume counts."""

from collections.abc import Iterator

from payouts.pricing.amounts import EXACT, ZERO, Share
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.inputs import HOW_MUCH, WHICH_CURRENCY, AmountInput, Currency
from payouts.pricing.kind import ALL_LIMITS, PerEvent, WithoutFormula
from payouts.pricing.limits import Tally
from payouts.pricing.words import exact
from records.translation import gettext_lazy as _
from records.words import plain


class PerLot(WithoutFormula, PerEvent):
    place = 30
    code = "per_lot"
    label = _("Amount per lot")
    earns = "its amount for each lot of the event's `volume` (or `lots`)"
    example = "7.50 USD per lot for 2.35 lots = 17.63 USD"
    columns = frozenset({"amount", "currency"})
    column_problem = "a rule per lot has an amount and its currency, and no percent."
    inputs = {"amount": AmountInput(missing=HOW_MUCH), "currency": Currency(missing=WHICH_CURRENCY)}
    limits = ALL_LIMITS
    names_amount = False

    def share(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> Share | str:
        amount = rule.amount or ZERO
        if event.volume is None:
            return f"{exact(amount, rule.currency)} per lot, but the event came without volume."
        words = f"{exact(amount, rule.currency)} per lot for {plain(event.volume)} lots"
        return Share(EXACT.multiply(amount, event.volume), rule.currency, words)

    def words(self, rule: PricingRule) -> str:
        return f"{exact(rule.amount or ZERO, rule.currency)} per lot"

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return False

    def needs_revenue(self, rule: PricingRule) -> bool:
        return False

    def problems(self, rule: PricingRule) -> Iterator[str]:
        yield from ()
