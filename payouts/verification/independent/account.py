"""An affiliate's approved conversions on an offer, one after the other: what each is owed.

Give the events in the order of `occurred_at`, and of their numbers within a moment.
"""

from collections import defaultdict
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from payouts.verification.independent.facts import (
    UNREADABLE,
    CannotPrice,
    EarnsNothing,
    Event,
    Figure,
    Owed,
    Parentage,
    Plan,
    Plans,
    Rule,
    Version,
)
from payouts.verification.independent.families import parents_at
from payouts.verification.independent.kinds import KINDS, kind_of, parents
from payouts.verification.independent.limits import check_not_run_out, within_bounds, within_cap
from payouts.verification.independent.money import LARGEST, ZERO, rounded
from payouts.verification.independent.past import Counter, Past
from payouts.verification.independent.terms import rules_for, terms_for


@dataclass(slots=True)
class Answer:
    """What an event is owed, or why it is owed nothing."""

    lines: list[Owed] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """One affiliate on one offer; `past` is what it has counted so far."""

    plans: Plans
    parentage: Parentage
    past: Past = field(default_factory=Past)

    def owed(self, event: Event) -> Answer:
        """Raise `CannotPrice` where a rule of the event cannot be computed here."""
        found = terms_for(event, self.plans)
        if found is None:
            return Answer(reasons=["no plan was in force"])
        plan, version = found
        answer = Answer()
        for rule in rules_for(event, version.conversions):
            try:
                answer.lines.append(self._line(event, rule, plan, version))
            except EarnsNothing as nothing:
                answer.reasons.append(str(nothing))
            except CannotPrice:
                self.past.is_cpa_known = self.past.is_cpa_known and not rule.is_component
                raise
        if not answer.lines and not answer.reasons:
            answer.reasons.append("no rule is for it")
        answer.lines += shares_of_parents(event, version, answer.lines, self.parentage)
        return answer

    def _line(self, event: Event, rule: Rule, plan: Plan, version: Version) -> Owed:
        counter = (plan.id, rule.counter)
        with_own_arithmetic = getattr(kind_of(rule), "line", None)
        try:
            if rule.formula.get("recoup_cpa") and not self.past.is_cpa_known:
                raise CannotPrice(rule, "the CPA that it makes up cannot be computed")
            if with_own_arithmetic:
                return booked_as(event, rule, version, with_own_arithmetic(event, rule, counter, self.past))
            return self._limited(event, rule, plan, version, counter)
        except UNREADABLE as error:
            raise CannotPrice.by(rule, error) from error

    def _limited(self, event: Event, rule: Rule, plan: Plan, version: Version, counter: Counter) -> Owed:
        """A kind that prices each conversion, within the limits of its rule."""
        if event.revenue is not None and event.revenue < 0:
            raise EarnsNothing("a refund earns nothing")
        kind = kind_of(rule)
        if hasattr(kind, "count"):
            kind.count(event, rule, counter, self.past.sums)
        check_not_run_out(event, rule, counter, self.past)
        figure = within_bounds(kind.figure(event, rule, counter, self.past), rule)
        line = within_cap(booked_as(event, rule, version, figure), event, rule, counter, self.past)
        if rule.max_payments is not None:
            self.past.payments[counter, event.customer_id] += 1
        if rule.is_component:
            self.past.cpa[plan.id, line.currency] += line.amount
        return line


def booked_as(event: Event, rule: Rule, version: Version, figure: Figure) -> Owed:
    """The figure rounded once. Nothing is booked of zero, without a currency, or beyond what the ledger can hold."""
    if not figure.currency:
        raise EarnsNothing("it has no currency")
    amount = rounded(figure.amount, figure.currency)
    if not amount:
        raise EarnsNothing("it is less than the smallest unit")
    if abs(amount) >= LARGEST:
        raise EarnsNothing("it is more than an amount can hold")
    return Owed(event.affiliate_id, version.id, rule.id, figure.currency, amount, figure.words)


def shares_of_parents(event: Event, version: Version, own: list[Owed], parentage: Parentage) -> list[Owed]:
    """What the parents of the event's time have of it; nothing where the affiliate itself earns nothing."""
    rules = rules_for(event, version.parents)[:1] if own else []
    above = parents_at(event.affiliate_id, event.occurred_at, parentage) if rules else []
    if not above:
        return []
    [rule] = rules
    try:
        shares = {
            currency: parents.shares(base, currency, rule, len(above))
            for currency, base in _shared(event, rule, own).items()
        }
    except UNREADABLE as error:
        raise CannotPrice.by(rule, error) from error
    return [
        Owed(parent, version.id, rule.id, currency, amount, lambda: "a parent's share")
        for currency, amounts in shares.items()
        for parent, amount in zip(above, amounts, strict=False)
        if amount
    ]


def _shared(event: Event, rule: Rule, own: list[Owed]) -> dict[str, Fraction]:
    """What is shared, by currency: two are never added."""
    if parents.is_of_revenue(rule):
        return {} if event.revenue is None else {event.currency: event.revenue}
    found: dict[str, Fraction] = defaultdict(lambda: ZERO)
    for line in own:
        found[line.currency] += line.amount
    return found


def count_ahead(event: Event, plans: Plans, totals: MutableMapping[Any, Fraction]) -> None:
    """Count the event in its whole periods, for tiers that pay by what the period reaches in the end."""
    found = terms_for(event, plans)
    if found is None or (event.revenue is not None and event.revenue < 0):
        return
    plan, version = found
    for rule in rules_for(event, version.conversions):
        if is_counted_ahead(rule):
            # Terms that cannot be read are reported when the event is priced.
            with suppress(*UNREADABLE):
                kind_of(rule).count(event, rule, (plan.id, rule.counter), totals)


def is_counted_ahead(rule: Rule) -> bool:
    asks = getattr(KINDS.get(rule.kind), "needs_whole_periods", None)
    with suppress(*UNREADABLE):
        return asks is not None and bool(asks(rule))
    return False
