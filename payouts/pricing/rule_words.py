"""What a rule pays, as one reads it aloud."""

from payouts.pricing.facts import FLAT, NET_REVENUE, PARENTS, PER_CLICK, PER_LOT, PERCENT, PricingRule
from payouts.pricing.kinds import COUNT, ZERO, Step, steps_of
from payouts.pricing.words import exact
from records.money import format_money
from records.words import counted, plain

UNITS = {"count": "conversions", "revenue": "of revenue", "volume": "lots"}


def pays_words(rule: PricingRule) -> str:
    """`120.00 EUR`, `25 % of revenue, DE only, at most 50.00 EUR`."""
    return ", ".join([_price(rule), *_narrowing(rule), *_limits(rule)])


def _price(rule: PricingRule) -> str:
    if rule.kind == FLAT:
        return format_money(rule.amount or ZERO, rule.currency)
    if rule.kind == PERCENT:
        return f"{plain(rule.percent or ZERO)} % of revenue"
    if rule.kind == PER_LOT:
        return f"{exact(rule.amount or ZERO, rule.currency)} per lot"
    if rule.kind == PER_CLICK:
        return f"{exact(rule.amount or ZERO, rule.currency)} per click"
    if rule.kind == NET_REVENUE:
        return f"{plain(rule.percent or ZERO)} % of net revenue by month{_net_words(rule)}"
    if rule.kind == PARENTS:
        levels = ", ".join(f"{each} %" for each in rule.formula["levels"])
        return f"parents by level: {levels} of the {rule.formula['of']}"
    return _tiers(rule)


def _tiers(rule: PricingRule) -> str:
    basis, period = rule.formula["basis"], rule.formula["period"]
    steps = "; ".join(_step(step, rule.formula.get("currency", ""), basis) for step in steps_of(rule.formula))
    how = (
        "the whole period at the tier that it reaches" if rule.formula["mode"] == "whole" else "each tier for its part"
    )
    return f"tiers by {'all time' if period == 'total' else period} ({steps}; {how})"


def _step(step: Step, currency: str, basis: str) -> str:
    price = f"{plain(step.percent)} %" if step.percent is not None else exact(step.amount or ZERO, currency)
    above = f"{plain(step.above)} {UNITS[basis]}"
    return f"{price} above {above}" if step.above or basis != COUNT else f"{price} from the first"


def _net_words(rule: PricingRule) -> str:
    formula = rule.formula
    names = [each["name"] for each in formula.get("deductions", ())]
    words = f" less {', '.join(names)}" if names else ""
    if formula.get("carryover"):
        words += ", losses carried over"
    if formula.get("ring_fence") is not None:
        words += f", ring fence {formula['ring_fence']}"
    return words + (", CPA made up first" if formula.get("recoup_cpa") else "")


def _narrowing(rule: PricingRule) -> list[str]:
    found = [f"{rule.country} only"] if rule.country else []
    found += [f"{rule.sub_name} = {rule.sub_value} only"] if rule.sub_name else []
    found += [f"from {rule.valid_from:%Y-%m-%d}"] if rule.valid_from else []
    return found + ([f"until {rule.valid_until:%Y-%m-%d}"] if rule.valid_until else [])


def _limits(rule: PricingRule) -> list[str]:
    found = [f"at least {exact(rule.minimum, rule.limit_currency)}"] if rule.minimum is not None else []
    found += [f"at most {exact(rule.maximum, rule.limit_currency)}"] if rule.maximum is not None else []
    per = "in all" if rule.cap_period == "total" else f"a {rule.cap_period}"
    found += [f"budget {exact(rule.cap_amount, rule.limit_currency)} {per}"] if rule.cap_amount is not None else []
    unit = "click" if rule.kind == PER_CLICK else "conversion"
    found += [f"{counted(rule.cap_count, unit)} {per}"] if rule.cap_count is not None else []
    found += [f"for {counted(rule.max_months, 'month')} per customer"] if rule.max_months else []
    return found + ([f"{counted(rule.max_payments, 'payment')} per customer"] if rule.max_payments else [])
