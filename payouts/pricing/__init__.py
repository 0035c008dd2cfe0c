"""Commission of events: pure functions over facts, plans and rates, the same for booking, what-if and verification.

`precedence` selects the rules that apply, `kinds` compute the amount of one (each kind of commission is one file),
`engine` prices a set of events. Only an approved conversion earns. Each line is rounded once, half up, to its
currency's places; two currencies are never added. Negative revenue (a refund sent as an event of its own) earns nothing
except under a share of net revenue: commission is reversed, to the last unit, by rejecting the original conversion.
"""

from payouts.pricing.engine import estimate, estimate_all, price, price_all
from payouts.pricing.facts import (
    APPROVED,
    CommissionLine,
    Family,
    Lineage,
    PricedClicks,
    PricedConversion,
    PricedEvent,
    PricingRule,
    Quote,
)
from payouts.pricing.precedence import choose_rules, choose_version
from payouts.pricing.terms import PlanTerms, PriceBook, VersionTerms
from payouts.pricing.words import exact
from records.words import counted, plain

__all__ = [
    "APPROVED",
    "PricedClicks",
    "PricedConversion",
    "PricedEvent",
    "Family",
    "CommissionLine",
    "Lineage",
    "PlanTerms",
    "PriceBook",
    "PricingRule",
    "Quote",
    "VersionTerms",
    "choose_rules",
    "choose_version",
    "counted",
    "estimate",
    "estimate_all",
    "exact",
    "plain",
    "price",
    "price_all",
]
