"""What an event earns: pure arithmetic over a conversion's facts and the plans in force. No database.

Which rule applies is decided in this order, and always comes to exactly one answer:

1. **Plan.** The affiliate's own plan for the offer, once it has a version in force; else the offer's
   default plan.
2. **Version.** Of that plan the newest whose `effective_from` is not after the event's `occurred_at`.
3. **Rule.** The one for the event's goal. A version has at most one per goal; an own plan without a rule
   for the goal earns nothing for it, it does not fall back to the default plan.

Only an approved conversion earns. A flat rule earns its amount in its own currency; a percent rule earns
its share of the revenue in the currency of the conversion. Each line is rounded once, half up, to its
currency's places. Negative revenue (a refund sent as an event of its own) earns nothing under any rule:
what takes commission back is the rejection of the original conversion, which reverses it to the last unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal

from affiliates.money import MAX_AMOUNT, PLACES, round_money

APPROVED = "approved"
FLAT = "flat"

# NUMERIC(24, 8) times NUMERIC(9, 6) has up to 33 digits: exact here, so that rounding happens once.
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Event:
    """The facts of a conversion that its price depends on."""

    conversion_id: int
    affiliate_id: int
    offer_id: int
    goal_id: int
    status: str
    revenue: Decimal | None
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class PricingRule:
    """What a goal earns: `amount` in `currency` when flat, else `percent` of the revenue."""

    id: int
    goal_name: str
    kind: str
    amount: Decimal | None = None
    currency: str = ""
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VersionTerms:
    """One version of a plan; its rules by goal ID."""

    id: int
    number: int
    effective_from: datetime
    rules: Mapping[int, PricingRule]


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A plan with its versions, the newest first."""

    id: int
    name: str
    versions: tuple[VersionTerms, ...]

    def in_force(self, moment: datetime) -> VersionTerms | None:
        return next((version for version in self.versions if version.effective_from <= moment), None)


# By offer and affiliate; the offer's default plan stands under (offer, None).
PriceBook = Mapping[tuple[int, int | None], PlanTerms]


@dataclass(frozen=True, slots=True)
class Line:
    """One owed amount, rounded, positive; `arithmetic` says in words how it came about."""

    affiliate_id: int
    rule_id: int
    version_id: int
    amount: Decimal
    currency: str
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a conversion earns. Without lines, `reason` is the sentence that says why."""

    lines: tuple[Line, ...]
    reason: str = ""


def price(event: Event, book: PriceBook) -> Quote:
    """Give what the conversion earns as it stands, with the rule and version of each line."""
    if event.status != APPROVED:
        return Quote((), f"The conversion is {event.status}; only an approved one earns.")
    return estimate(event, book)


def estimate(event: Event, book: PriceBook) -> Quote:
    """Give what the conversion would earn if it were approved."""
    chosen = choose_version(event, book)
    if isinstance(chosen, str):
        return Quote((), chosen)
    plan, version = chosen
    rule = version.rules.get(event.goal_id)
    if rule is None:
        return Quote((), f"{plan.name} v{version.number} has no rule for this goal.")
    if event.revenue is not None and event.revenue < 0:
        return Quote((), f"The revenue is negative ({exact(event.revenue, event.currency)}); a refund earns nothing.")
    return _flat(event, version, rule) if rule.kind == FLAT else _percent(event, version, rule)


def choose_version(event: Event, book: PriceBook) -> tuple[PlanTerms, VersionTerms] | str:
    """Pick plan and version by the published precedence, or say in a sentence why there is none."""
    plans = [book.get((event.offer_id, event.affiliate_id)), book.get((event.offer_id, None))]
    for plan in plans:
        version = plan.in_force(event.occurred_at) if plan else None
        if plan and version:
            return plan, version
    if any(plans):
        return f"No version of a commission plan was in force at {event.occurred_at:%Y-%m-%d %H:%M %Z}."
    return "The offer has no commission plan."


def _flat(event: Event, version: VersionTerms, rule: PricingRule) -> Quote:
    amount, currency = rule.amount or Decimal(0), rule.currency
    return _quote(event, version, rule, amount, currency, f"flat {exact(amount, currency)} for {rule.goal_name}")


def _percent(event: Event, version: VersionTerms, rule: PricingRule) -> Quote:
    percent = rule.percent or Decimal(0)
    if event.revenue is None:
        return Quote((), f"{plain(percent)} % of the revenue, but the event came without revenue.")
    share = _EXACT.scaleb(_EXACT.multiply(event.revenue, percent), -2)
    words = f"{plain(percent)} % of {exact(event.revenue, event.currency)}"
    return _quote(event, version, rule, share, event.currency, words)


def _quote(event: Event, version: VersionTerms, rule: PricingRule, amount: Decimal, currency: str, words: str) -> Quote:
    """Round the exact amount, once, and finish the sentence when rounding or a percentage changed the number."""
    if currency not in PLACES:
        return Quote((), f"{currency or 'An empty currency'} is not a currency that amounts can be kept in.")
    rounded = round_money(amount, currency)
    if not rounded:
        return Quote((), f"{words} comes to {exact(rounded, currency)}; a line of zero is not booked.")
    if rounded >= MAX_AMOUNT:
        return Quote((), f"{words} is more than an amount can hold; correct the rule or the revenue.")
    if rule.kind != FLAT or rounded != amount:
        words = f"{words} = {exact(rounded, currency)}"
    return Quote((Line(event.affiliate_id, rule.id, version.id, rounded, currency, words),))


def plain(number: Decimal) -> str:
    """A number without trailing zeros or exponent: 12.500000 is 12.5, 100 stays 100."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(amount: Decimal, currency: str) -> str:
    """`80.00 EUR`: at least the currency's own places, and more when the amount has more."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(PLACES.get(currency, 0), "0")
    return f"{whole}{'.' if decimals else ''}{decimals} {currency}"
