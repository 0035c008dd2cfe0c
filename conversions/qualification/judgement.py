"""Evaluate a goal's qualification rules for an event.

Nothing here writes. `gather` (in `past.py`) reads the past of any number of events in a constant number of queries;
`judge` returns the result of each rule for one event. `conversions/qualification_kinds/` defines how each kind is
evaluated.
"""

from collections.abc import Iterable
from datetime import datetime

from conversions.models import QualificationRule
from conversions.qualification.past import Past, Subject
from conversions.qualification_kinds.base import RulePast, RuleResult, Verdict
from conversions.qualification_kinds.table import kind_of
from conversions.reasons.codes import Reason
from records.money import format_money


def judge(subject: Subject, position: int, past: Past, *, now: datetime) -> list[RuleResult]:
    """The result of each rule of the event's goal; for an event on hold only of the rules that can cause a hold."""
    arrives = subject.conversion_id is None
    findings = [_minimum(subject), _first(subject, past.of(position, 0))] if arrives else []
    for rule in subject.goal.qualification_rules:
        if arrives or kind_of(rule.kind).waits:
            findings.append(_judge(rule, subject, past.known_to(position, rule, subject), now))
    return [finding for finding in findings if finding]


def _judge(rule: QualificationRule, subject: Subject, known: RulePast, now: datetime) -> RuleResult:
    kind = kind_of(rule.kind)
    if rule.looks_at_customer and not subject.has_customer:
        note = "The event names no customer, and this rule looks at the customer's other events: an operator decides."
        return kind.ask_operator(rule, note)
    return kind.judge(rule, subject, known, now)


def _minimum(subject: Subject) -> RuleResult | None:
    goal, revenue, currency = subject.goal, subject.revenue, subject.goal.offer.currency
    if goal.minimum_revenue is None or revenue is None:
        return None
    rule, inputs = f"minimum revenue {format_money(goal.minimum_revenue, currency)}", {"revenue": revenue}
    if subject.currency != currency:
        note = f"The minimum is in {currency}, the event in {subject.currency}: an operator decides."
        return RuleResult(Verdict.UNSURE, rule, note, Reason.AWAITS_APPROVAL, inputs)
    sent = format_money(revenue, currency)
    if revenue < goal.minimum_revenue:
        note = f"{sent} is below the minimum of {goal.name}."
        return RuleResult(Verdict.REJECTED, rule, note, Reason.BELOW_MINIMUM, inputs)
    return RuleResult(Verdict.MET, rule, f"{sent} meets the minimum.", inputs=inputs)


def _first(subject: Subject, known: RulePast) -> RuleResult | None:
    goal = subject.goal
    if not goal.once_per_customer or not subject.has_customer:
        return None
    if known.number:
        note = f"The customer has a {goal.name} already."
        return RuleResult(
            Verdict.REJECTED, "once per customer", note, Reason.NOT_FIRST, {"earlier_events": known.number}
        )
    return RuleResult(Verdict.MET, "once per customer", f"The customer's first {goal.name}.")


def outcome(findings: Iterable[RuleResult]) -> RuleResult | None:
    """The deciding result: a rejection first, then a doubt, then an unmet rule; None when all are met."""
    order = (Verdict.REJECTED, Verdict.HELD, Verdict.UNSURE, Verdict.WAITING)
    listed = list(findings)
    return next((finding for result in order for finding in listed if finding.result == result), None)
