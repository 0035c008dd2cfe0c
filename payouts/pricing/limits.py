"""Limits of a rule's share: minimum, maximum, caps and the end of recurring commission."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from payouts.pricing.amounts import Share
from payouts.pricing.facts import CommissionLine, PricedConversion, PricedEvent, PricingRule
from payouts.pricing.words import exact
from records.money import MAX_AMOUNT, PLACES, round_money
from records.periods import begins, in_words, months_after
from records.words import counted

Key = tuple[object, ...]
State = TypeVar("State")


@dataclass(slots=True)
class Used:
    """The count and, by currency, the amount used of a cap in its period."""

    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(slots=True)
class Tally:
    """The counters of one run of pricing, by the account of the rule (`account_of`).

    `to_recoup` is the CPA of components that a share of net revenue may make up first. `sums` up to an
    event, `totals` of all of them (`CountsAhead`) and `states` are other values that a kind has to remember.
    """

    caps: dict[Key, Used] = field(default_factory=lambda: defaultdict(Used))
    payments: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    to_recoup: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    sums: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    totals: dict[Key, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    states: dict[Key, Any] = field(default_factory=dict)

    def state(self, key: Key, make: Callable[[], State]) -> State:
        found: State | None = self.states.get(key)
        if found is None:
            found = self.states[key] = make()
        return found


def account_of(event: PricedEvent, rule: PricingRule, plan_id: int) -> Key:
    """The key of a rule's counters: the affiliate on the offer, the plan, and the rule across versions."""
    return (event.affiliate_id, event.offer_id, plan_id, *rule.account)


def used_of_cap(event: PricedEvent, rule: PricingRule, plan_id: int, tally: Tally) -> Used:
    """What is used in the event's period. A new version with a cap by another period begins at zero."""
    period = rule.cap_period
    return tally.caps[(*account_of(event, rule, plan_id), period, begins(period, event.occurred_at))]


def run_out(event: PricedConversion, rule: PricingRule, plan_id: int, tally: Tally) -> str:
    """Why a commission that is paid for a limited time or number of payments has run out, if it has."""
    if event.customer_id is None:
        return "The rule pays for a limited time per customer, but the event names no customer."
    since = event.customer_since or event.occurred_at
    if rule.max_months is not None and event.occurred_at >= months_after(since, rule.max_months):
        months = counted(rule.max_months, "month")
        return f"The customer came on {since:%Y-%m-%d}; the rule pays for {months} from then."
    if rule.max_payments is not None:
        paid = tally.payments[account_of(event, rule, plan_id), event.customer_id]
        if paid >= rule.max_payments:
            return f"The rule pays {counted(rule.max_payments, 'time')} per customer, and has done so."
    return ""


def within_bounds(rule: PricingRule, share: Share) -> Share | str:
    """The share within the rule's minimum and maximum, or why they do not apply to it."""
    amount, currency, words = share
    if rule.limit_currency and currency != rule.limit_currency:
        return f"The rule's limits are in {rule.limit_currency}; {words} is in {currency or 'no currency'}."
    if rule.minimum is not None and amount < rule.minimum:
        amount, words = rule.minimum, f"{words}, at least {exact(rule.minimum, currency)}"
    if rule.maximum is not None and amount > rule.maximum:
        amount, words = rule.maximum, f"{words}, at most {exact(rule.maximum, currency)}"
    return Share(amount, currency, words)


def line_of(
    event: PricedEvent, rule: PricingRule, version_id: int, share: Share, names_amount: bool = False
) -> CommissionLine | str:
    """Round the exact amount, once, and finish the sentence unless it names the amount already."""
    amount, currency, words = share
    if currency not in PLACES:
        return f"{currency or 'An empty currency'} is not a supported currency."
    rounded = round_money(amount, currency)
    if not rounded:
        return f"{words} comes to {exact(rounded, currency)}; a line of zero is not booked."
    if abs(rounded) >= MAX_AMOUNT:
        return f"{words} is more than an amount can hold; correct the rule or the revenue."
    if not names_amount or rounded != amount:
        words = f"{words} = {exact(rounded, currency)}"
    return CommissionLine(event.affiliate_id, rule.id, version_id, rounded, currency, words)


def capped(
    event: PricedEvent, rule: PricingRule, plan_id: int, tally: Tally, line: CommissionLine, count: int = 1
) -> CommissionLine | str:
    """The line as far as the rule's cap lets it through, counted in its period."""
    used = used_of_cap(event, rule, plan_id, tally)
    period = in_words(rule.cap_period, event.occurred_at)
    if rule.cap_count is not None and used.count >= rule.cap_count:
        return f"The cap of {counted(rule.cap_count, 'conversion')} for {period} was reached before this one."
    spent = used.amounts[line.currency]
    if rule.cap_amount is not None and spent + line.amount > rule.cap_amount:
        left, budget = rule.cap_amount - spent, exact(rule.cap_amount, line.currency)
        if left <= 0:
            return f"The budget of {budget} for {period} was spent before this one."
        words = f"{line.arithmetic}; {exact(left, line.currency)} is left of {budget} for {period}"
        line = replace(line, amount=left, arithmetic=words)
    used.count += count
    used.amounts[line.currency] += line.amount
    return line
