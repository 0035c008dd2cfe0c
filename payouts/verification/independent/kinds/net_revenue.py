"""A share of each month's net revenue.

A customer's net is its revenue of the month less the deductions. A month is the sum of the customers' nets and of the
loss that the month before left. A customer whose loss is greater than the ring fence is left out of the sum; its loss
is its own. Whether a loss is carried into a month is up to the terms of the month's first event.

An event raises or lowers the month, by the terms of its own time. What it adds above zero is a layer that earns the
percentage of that time; what it takes off is taken off the upper layers. The event is owed the change of all layers'
worth. Gains make up earlier CPA first, where the rule says so; a loss takes back the latest gains first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from payouts.verification.independent.calendar import first_day
from payouts.verification.independent.facts import EarnsNothing, Event, Figure, Rule
from payouts.verification.independent.money import ZERO, rounded, shown
from payouts.verification.independent.past import Counter, Past

CODE, PRICES = "net_revenue", "conversions"


@dataclass(slots=True)
class Customer:
    """One customer's month. `behind` is its own loss of earlier months, at most zero; `part` is what it counts for."""

    behind: Fraction = ZERO
    part: Fraction = ZERO
    has_events: bool = False
    revenue: Fraction = ZERO
    sent: dict[str, Fraction] = field(default_factory=dict)

    def net(self, terms: Mapping[str, Any]) -> Fraction:
        if not self.has_events:
            return ZERO
        return self.revenue - sum((self._deducted(each) for each in terms.get("deductions", ())), ZERO)

    def _deducted(self, deduction: Mapping[str, str]) -> Fraction:
        if "percent" in deduction:
            amount = max(self.revenue, ZERO) * Fraction(deduction["percent"]) / 100
        elif "amount" in deduction:
            amount = Fraction(deduction["amount"])
        else:
            amount = self.sent.get(deduction["name"], ZERO)
        return min(amount, Fraction(deduction["cap"])) if deduction.get("cap") is not None else amount

    def is_apart(self, terms: Mapping[str, Any]) -> bool:
        """Whether its loss is its own."""
        fence = terms.get("ring_fence")
        return self.behind < 0 or (fence is not None and self.net(terms) < -Fraction(fence))

    def count(self, terms: Mapping[str, Any]) -> None:
        net = self.net(terms)
        self.part = max(net + self.behind, ZERO) if self.is_apart(terms) else net


@dataclass(slots=True)
class Month:
    """A month of an affiliate on an offer, in one currency, by the terms of its last event.

    `layers` are the net above zero, the lowest first, each with its percentage; `share` is their worth, rounded.
    `gains` are what events added to the share: how much of it made up CPA, and how much was owed.
    """

    starts: date = date.min
    terms: Mapping[str, Any] = field(default_factory=dict)
    brought_forward: Fraction = ZERO
    customers: dict[int | None, Customer] = field(default_factory=dict)
    total: Fraction = ZERO
    layers: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    share: Fraction = ZERO
    gains: list[tuple[Fraction, Fraction]] = field(default_factory=list)

    @property
    def net(self) -> Fraction:
        return self.total + self.brought_forward

    def next(self, starts: date, carries: bool) -> "Month":
        """The month that follows."""
        if not carries:
            return Month(starts)
        behind = {
            pk: min(row.net(self.terms) + row.behind, ZERO)
            for pk, row in self.customers.items()
            if row.is_apart(self.terms)
        }
        customers = {pk: Customer(loss) for pk, loss in behind.items() if loss}
        return Month(starts, {}, min(self.net, ZERO), customers)

    def apply(self, terms: Mapping[str, Any]) -> None:
        """Add the month up by other terms."""
        if terms != self.terms:
            self.terms = terms
            for customer in self.customers.values():
                customer.count(terms)
            self.total = sum((customer.part for customer in self.customers.values()), ZERO)

    def add(self, event: Event) -> Fraction:
        """Count the event; return how far it moves the net above zero."""
        before = max(self.net, ZERO)
        customer = self.customers.setdefault(event.customer_id, Customer())
        self.total -= customer.part
        customer.has_events = True
        customer.revenue += event.revenue or ZERO
        for name, amount in event.sent.items():
            customer.sent[name] = customer.sent.get(name, ZERO) + Fraction(amount)
        customer.count(self.terms)
        self.total += customer.part
        return max(self.net, ZERO) - before

    def stack(self, height: Fraction, percent: Fraction) -> None:
        """Put a layer on top, or take so much off the top."""
        while height < 0 and self.layers:
            top, its_percent = self.layers.pop()
            height += top
            if height > 0:
                self.layers.append((height, its_percent))
                return
        if height > 0:
            same = bool(self.layers) and self.layers[-1][1] == percent
            self.layers.append((self.layers.pop()[0] + height if same else height, percent))

    def worth(self, currency: str) -> Fraction:
        return rounded(sum((height * percent for height, percent in self.layers), ZERO) / 100, currency)


def line(event: Event, rule: Rule, counter: Counter, past: Past) -> Figure:
    """The rounded amount that the event is owed; below zero where it lowers the month."""
    currency = event.currency
    if event.revenue is None:
        raise EarnsNothing("it came without revenue")
    starts, key = first_day("month", event.occurred_at), (counter, currency)
    month = past.months.get(key) or Month()
    if month.starts != starts:
        month = month.next(starts, bool(rule.formula.get("carryover")))
    past.months[key] = month
    month.apply(rule.formula)
    before, pot = month.share, (counter[0], currency)
    month.stack(month.add(event), rule.percent or ZERO)
    month.share = after = month.worth(currency)
    if after >= before:
        owed = _gain(month, after - before, past.cpa, pot if rule.formula.get("recoup_cpa") else None)
    else:
        owed = -_given_back(month, before - after, past.cpa, pot)
    net = month.net
    return Figure(owed, currency, lambda: _words(net, before, after, currency))


def _words(net: Fraction, before: Fraction, after: Fraction, currency: str) -> str:
    of_month = f"the month's net is {shown(net, currency)}, its share {shown(after, currency)}"
    return f"{of_month} after {shown(before, currency)}"


def _gain(month: Month, gain: Fraction, cpa: dict[Any, Fraction], pot: Any) -> Fraction:
    """What the affiliate is owed of it; the rest makes up CPA."""
    made_up = min(gain, cpa.get(pot, ZERO)) if pot else ZERO
    if made_up:
        cpa[pot] -= made_up
    month.gains.append((made_up, gain - made_up))
    return gain - made_up


def _given_back(month: Month, loss: Fraction, cpa: dict[Any, Fraction], pot: Any) -> Fraction:
    """What the affiliate gives back of it; the rest is CPA that has to be made up again."""
    given_back = ZERO
    while loss:
        made_up, owed = month.gains.pop()
        from_owed = min(owed, loss)
        from_cpa = min(made_up, loss - from_owed)
        loss -= from_owed + from_cpa
        given_back += from_owed
        cpa[pot] += from_cpa
        if made_up > from_cpa or owed > from_owed:
            month.gains.append((made_up - from_cpa, owed - from_owed))
    return given_back
