"""A share of the net revenue of each customer and month.

A customer's net revenue in a month is the sum of its events' gross revenue less the deductions that the formula
names: those that the sender sent, a percentage of the gross (where that is positive), or an amount per customer and
month; each with a cap per customer and month if it has one. Customers add up to the month of the affiliate on the
offer, the losses of some against the gains of others. A month that ends below zero is carried into the next month or
dropped. A customer whose monthly loss exceeds the ring fence does not reduce the others' total: its loss stays with it
and is offset by its own later gains.

The share is booked as it grows: each event's line is the month's share with the event less the share before it. So the
lines of a month add up exactly to its share, and a later loss takes back what the month no longer earns. If CPA is
recouped, shares earned after it are first set against it; a loss takes back the latest shares first.

Terms that begin within a month do not affect the events before them: the net above zero lies in layers, each with the
percentage that was in force when it was added, and a loss is taken from the upper ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.pricing.amounts import ZERO, percent_of
from payouts.pricing.facts import PricedConversion, PricingRule
from payouts.pricing.words import exact
from records.money import round_money
from records.periods import MONTH, begins, in_words
from records.words import plain


@dataclass(slots=True)
class CustomerMonth:
    """One customer's month; `loss` is the ring-fenced loss carried over, zero or negative."""

    has_events: bool = False
    gross: Decimal = ZERO
    sent: dict[str, Decimal] = field(default_factory=dict)
    counted: Decimal = ZERO
    net: Decimal = ZERO
    loss: Decimal = ZERO


@dataclass(slots=True)
class NetRevenueMonth:
    """The running month of one affiliate on one offer, in one currency.

    `layers` are the net above zero by percentage, `gains` the parts of the share that made up CPA and that were paid;
    both the latest last.
    """

    formula: Mapping[str, Any]
    percent: Decimal
    currency: str
    begins_at: datetime | None = None
    customers: dict[int | None, CustomerMonth] = field(default_factory=dict)
    total: Decimal = ZERO
    carried: Decimal = ZERO
    share: Decimal = ZERO
    layers: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    gains: list[tuple[Decimal, Decimal]] = field(default_factory=list)

    def add(self, event: PricedConversion, rule: PricingRule, to_recoup: Decimal) -> tuple[Decimal, str, Decimal]:
        """Add the next event; return the amount of its line, its arithmetic in words, and how much CPA it recoups.

        The last is negative if a loss takes back a share that had recouped CPA.
        """
        self._turn_month(event.occurred_at, keeps=bool(rule.formula.get("carryover")))
        self._follow(rule)
        customer = self.customers.setdefault(event.customer_id, CustomerMonth())
        customer.gross += event.revenue or ZERO
        for name, amount in event.deductions.items():
            customer.sent[name] = customer.sent.get(name, ZERO) + Decimal(amount)
        before, net_before, self.total = customer.counted, self.total + self.carried, self.total - customer.counted
        self._count(customer)
        self.total += customer.counted
        net = self.total + self.carried
        self._stack(max(net, ZERO) - max(net_before, ZERO))
        earlier, self.share = self.share, self._worth()
        change = self.share - earlier
        made_up = self._made_up(change, to_recoup)
        words = self._words(event, customer.counted - before, net, earlier, made_up)
        return change - made_up, words, made_up

    def _turn_month(self, moment: datetime, *, keeps: bool) -> None:
        """Begin the moment's month; what is carried into it is added up by the terms of the one before."""
        start = begins(MONTH, moment)
        if self.begins_at == start:
            return
        self.carried = min(self.total + self.carried, ZERO) if keeps else ZERO
        losses = {key: self._kept_loss(row) for key, row in self.customers.items()} if keeps else {}
        self.customers = {key: CustomerMonth(loss=loss) for key, loss in losses.items() if loss}
        self.total, self.share, self.begins_at = ZERO, ZERO, start
        self.layers, self.gains = [], []

    def _follow(self, rule: PricingRule) -> None:
        """Go on by the event's terms; where they are new, add the month up by them."""
        self.percent = rule.percent or ZERO
        if rule.formula == self.formula:
            return
        self.formula = rule.formula
        for customer in self.customers.values():
            if customer.has_events:
                self._count(customer)
        self.total = sum((customer.counted for customer in self.customers.values()), ZERO)

    def _count(self, customer: CustomerMonth) -> None:
        customer.has_events = True
        customer.net = customer.gross - self._deductions(customer)
        customer.counted = self._counted(customer)

    def _stack(self, height: Decimal) -> None:
        """Lay the height on top with the percentage in force, or take it off the top."""
        while self.layers and (height < 0 or (height > 0 and self.layers[-1][1] == self.percent)):
            top, percent = self.layers.pop()
            height += top
            if height > 0:
                self.layers.append((height, percent))
                return
        if height > 0:
            self.layers.append((height, self.percent))

    def _worth(self) -> Decimal:
        return round_money(sum((percent_of(height, percent) for height, percent in self.layers), ZERO), self.currency)

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
        """What CPA gains make up of it; below zero what a loss takes away from that again."""
        if change > 0:
            made_up = min(change, to_recoup)
            self.gains.append((made_up, change - made_up))
            return made_up
        left, taken = -change, ZERO
        while left:
            made_up, paid = self.gains.pop()
            from_paid = min(paid, left)
            from_made_up = min(made_up, left - from_paid)
            left -= from_paid + from_made_up
            taken += from_made_up
            if made_up > from_made_up or paid > from_paid:
                self.gains.append((made_up - from_made_up, paid - from_paid))
        return -taken

    def _words(self, event: PricedConversion, moved: Decimal, net: Decimal, earlier: Decimal, made_up: Decimal) -> str:
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
