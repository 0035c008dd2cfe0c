"""A percentage of each conversion's revenue."""

from collections.abc import Iterator

from payouts.pricing.amounts import ZERO, Share, percent_share
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.inputs import HOW_MANY_PERCENT
from payouts.pricing.inputs import PercentInput as PercentInput
from payouts.pricing.kind import ALL_LIMITS, PerEvent, WithoutFormula
from payouts.pricing.limits import Tally
from records.translation import gettext_lazy as _
from records.words import plain


class Percent(WithoutFormula, PerEvent):
    place = 20
    code = "percent"
    label = _("Percent of revenue")
    earns = "its share of the revenue, in the conversion's currency"
    example = "25 % of 19.99 EUR = 4.9975, booked as 5.00 EUR"
    columns = frozenset({"percent"})
    column_problem = "a percent rule has a percent, and neither amount nor currency."
    inputs = {"percent": PercentInput(missing=HOW_MANY_PERCENT)}
    limits = ALL_LIMITS
    names_amount = False

    def share(self, event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> Share | str:
        return percent_share(event, rule.percent or ZERO)

    def words(self, rule: PricingRule) -> str:
        return f"{plain(rule.percent or ZERO)} % of revenue"

    def is_share_of_revenue(self, rule: PricingRule) -> bool:
        return True

    def needs_revenue(self, rule: PricingRule) -> bool:
        return True

    def problems(self, rule: PricingRule) -> Iterator[str]:
        yield from ()
