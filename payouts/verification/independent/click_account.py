"""An affiliate's paid clicks on an offer, one link's day after the other: what each day is owed.

A day (UTC) goes by the version that was in force as it began. Give the days in order, and a day's links by the numbers
of their rows. All clicks of a link and day that the same rules price are one amount, rounded once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from payouts.verification.independent.account import Answer, booked_as, shares_of_parents
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
from payouts.verification.independent.kinds import kind_of
from payouts.verification.independent.limits import within_cap
from payouts.verification.independent.money import ZERO
from payouts.verification.independent.past import Past
from payouts.verification.independent.terms import rules_for, terms_for


@dataclass(slots=True)
class ClickAccount:
    """One affiliate on one offer; `past` is what the caps of its rules have counted so far."""

    plans: Plans
    parentage: Parentage
    past: Past = field(default_factory=Past)

    def owed(self, parts: Iterable[Event]) -> Answer:
        """What the clicks of one link and day are owed; `parts` are its clicks by country and sub IDs."""
        answer = Answer()
        for event, plan, version in self._together(parts):
            rules = rules_for(event, version.clicks)
            if not rules:
                answer.reasons.append("no rule is for clicks")
            for rule in rules:
                try:
                    own = self._line(event, rule, plan, version)
                except EarnsNothing as nothing:
                    answer.reasons.append(str(nothing))
                    continue
                answer.lines += [own, *shares_of_parents(event, version, [own], self.parentage)]
        return answer

    def _together(self, parts: Iterable[Event]) -> list[tuple[Event, Plan, Version]]:
        """One event for all parts that the same rules price."""
        groups: dict[tuple[int, ...], tuple[Event, Plan, Version]] = {}
        for part in parts:
            found = terms_for(part, self.plans)
            if found is None:
                continue
            plan, version = found
            rules = (*rules_for(part, version.clicks), *rules_for(part, version.parents))
            key = tuple(rule.id for rule in rules)
            if key in groups:
                known = groups[key][0]
                part = replace(known, volume=(known.volume or ZERO) + (part.volume or ZERO))
            groups[key] = (part, plan, version)
        return list(groups.values())

    def _line(self, event: Event, rule: Rule, plan: Plan, version: Version) -> Owed:
        counter = (plan.id, rule.counter)
        try:
            clicks = kind_of(rule).clicks_paid(event, rule, counter, self.past)
            price = rule.amount or ZERO
        except UNREADABLE as error:
            raise CannotPrice.by(rule, error) from error
        line = booked_as(
            event,
            rule,
            version,
            Figure(clicks * price, rule.currency, lambda: f"{clicks} clicks at {float(price):.15g} {rule.currency}"),
        )
        return within_cap(line, event, rule, counter, self.past, clicks)
