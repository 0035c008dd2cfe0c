"""A share of the net revenue of each customer and month.

A customer's net revenue in a month is the sum of its events' gross revenue less the deductions that the formula
names: those that the sender sent, a percentage of the gross (where that is positive), or an amount per customer and
month; each with a cap per customer and month if it has one. Customers add up to the month of the affiliate on the
offer, the losses of some against the gains of others. A month that ends below zero is carried into the next month or
dropped. A customer whose monthly loss exceeds the ring fence does not reduce the others' total: its loss stays with it
and is offset by its own later gains.

The share is booked as it grows: each event's line is the month's share with the event less the share before it. So the
lines of a month add up exactly to its share, and a later loss takes back what the month no longer earns. If CPA is
recouped, shares earned after it are first set against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.pricing.amounts import ZERO, percent_of
from payouts.pricing.facts import PricedEvent, PricingRule
from payouts.pricing.words import exact
from records.money import round_money
from records.periods import MONTH, begins, in_words
from records.words import plain


@dataclass(slots=True)
class CustomerMonth:
    """One customer's month; `loss` is the ring-fenced loss carried over, zero or negative."""

    gross: Decimal = ZERO
    sent: dict[str, Decimal] = field(default_factory=dict)
    counted: Decimal = ZERO
    net: Decimal = ZERO
    loss: Decimal = ZERO


@dataclass(slots=True)
class NetRevenueMonth:
    """The running month of one affiliate on one offer, in one currency."""

    formula: Mapping[str, Any]
    percent: Decimal
    currency: str
    begins_at: datetime | None = None
    customers: dict[int | None, CustomerMonth] = field(default_factory=dict)
    total: Decimal = ZERO
    carried: Decimal = ZERO
    share: Decimal = ZERO
    recouped: Decimal = ZERO

    def add(self, event: PricedEvent, rule: PricingRule, to_recoup: Decimal) -> tuple[Decimal, str, Decimal]:
        """Add the next event; return the amount of its line, its arithmetic in words, and how much CPA it recoups.

        The last is negative if a loss takes back a share that had recouped CPA.
        """
        self.formula, self.percent = rule.formula, rule.percent or ZERO
        self._turn_month(event.occurred_at)
        customer = self.customers.setdefault(event.customer_id, CustomerMonth())
        customer.gross += event.revenue or ZERO
        for name, amount in event.deductions.items():
            customer.sent[name] = customer.sent.get(name, ZERO) + Decimal(amount)
        before, self.total = customer.counted, self.total - customer.counted
        customer.net = customer.gross - self._deductions(customer)
        customer.counted = self._counted(customer)
        self.total += customer.counted
        net = self.total + self.carried
        share = round_money(percent_of(max(net, ZERO), self.percent), self.currency)
        change, earlier, self.share = share - self.share, self.share, share
        made_up = self._made_up(change, to_recoup)
        self.recouped += made_up
        words = self._words(event, customer.counted - before, net, earlier, made_up)
        return change - made_up, words, made_up

    def _turn_month(self, moment: datetime) -> None:
        start = begins(MONTH, moment)
        if self.begins_at == start:
            return
        keeps = bool(self.formula.get("carryover"))
        self.carried = min(self.total + self.carried, ZERO) if keeps else ZERO
        losses = {key: self._kept_loss(row) for key, row in self.customers.items()} if keeps else {}
        self.customers = {key: CustomerMonth(loss=loss) for key, loss in losses.items() if loss}
        self.total, self.share, self.recouped, self.begins_at = ZERO, ZERO, ZERO, start

    def _kept_loss(self, customer: CustomerMonth) -> Decimal:
        """The customer's own loss that it carries into the next month."""
        return min(customer.net + customer.loss, ZERO) if customer.loss or self._is_fenced(customer) else ZERO

    def _is_fenced(self, customer: CustomerMonth) -> bool:
        fence = self.formula.get("ring_fence")
        return fence is not None and customer.net < -Decimal(fence)

    def _counted(self, customer: CustomerMonth) -> Decimal:
        """The customer's contribution to the month's total."""
        if customer.loss or self._is_fenced(customer):
            return max(customer.net + customer.loss, ZERO)
        return customer.net

    def _deductions(self, customer: CustomerMonth) -> Decimal:
        total = ZERO
        for each in self.formula.get("deductions", ()):
            if "percent" in each:
                amount = percent_of(max(customer.gross, ZERO), Decimal(each["percent"]))
            elif "amount" in each:
                amount = Decimal(each["amount"])
            else:
                amount = customer.sent.get(each["name"], ZERO)
            total += min(amount, Decimal(each["cap"])) if each.get("cap") is not None else amount
        return total

    def _made_up(self, change: Decimal, to_recoup: Decimal) -> Decimal:
        if change > 0:
            return min(change, to_recoup)
        return -min(-change, self.recouped)

    def _words(self, event: PricedEvent, moved: Decimal, net: Decimal, earlier: Decimal, made_up: Decimal) -> str:
        """`30 % of net 900.00 EUR in October 2026 = 270.00 EUR, less 150.00 EUR for earlier events`."""
        month = in_words(MONTH, event.occurred_at)
        net_words = exact(round_money(net, self.currency), self.currency)
        words = f"{plain(self.percent)} % of net {net_words} in {month} = {exact(self.share, self.currency)}"
        if self.carried:
            words += f" ({exact(round_money(self.carried, self.currency), self.currency)} carried over)"
        if earlier:
            words += f", less {exact(earlier, self.currency)} for earlier events"
        if made_up:
            words += f", {exact(made_up, self.currency)} made up for CPA"
        if not moved and net <= 0:
            words += "; the event does not change the month"
        return words
