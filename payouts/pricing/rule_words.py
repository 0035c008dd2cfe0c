"""A rule's commission in words, and a description of each kind of rule for the documentation."""

from payouts.pricing.facts import PricingRule
from payouts.pricing.kinds import KINDS, kind_of
from payouts.pricing.words import exact
from records.words import counted

TABLE_HEAD = "| rule | in the panel | earns | example |\n| --- | --- | --- | --- |\n"


def with_table_of_kinds(page: str) -> str:
    """The page with its table of kinds, which ends at an empty line, as the kinds have it."""
    before, _, rest = page.partition(TABLE_HEAD)
    _, _, after = rest.partition("\n\n")
    rows = [f"| `{code}` | {kind.label} | {kind.earns} | {kind.example} |\n" for code, kind in KINDS.items()]
    return f"{before}{TABLE_HEAD}{''.join(rows)}\n{after}"


def pays_words(rule: PricingRule) -> str:
    """`120.00 EUR`, `25 % of revenue, DE only, at most 50.00 EUR`."""
    return ", ".join([kind_of(rule).words(rule), *_narrowing(rule), *_limits(rule)])


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
    found += [f"{counted(rule.cap_count, kind_of(rule).prices.unit)} {per}"] if rule.cap_count is not None else []
    found += [f"for {counted(rule.max_months, 'month')} per customer"] if rule.max_months else []
    return found + ([f"{counted(rule.max_payments, 'payment')} per customer"] if rule.max_payments else [])
