"""What a goal asks of an event, judged from what is known of its customer: rules as data, results as findings.

Nothing here writes. `gather` (in `qualification_past`) reads the past of any number of events in a constant number of
queries, `judge` says for one event what came of each rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from conversions.models import QualificationRule
from conversions.qualification.past import ZERO, Known, Past, Subject
from conversions.qualification.words import plain, span, words
from conversions.reasons.codes import Reason
from records.money import format_money

Kind = QualificationRule.Kind


class Result(StrEnum):
    MET = "passed"
    WAITING = "waiting"
    REJECTED = "rejected"
    UNSURE = "unsure"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule: the rule in words, why, from what, and until when it may still be met."""

    result: Result
    rule: str
    note: str
    reason: Reason = Reason.OK
    inputs: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None


# Judged when the event arrives and never again: a later look would count what came after it.
AT_ARRIVAL = frozenset({Kind.CAP, Kind.COUNTRY})


def judge(subject: Subject, position: int, past: Past, *, now: datetime) -> list[Finding]:
    """What comes of each rule of the event's goal; an event that waits is asked only what may have changed."""
    arrives = subject.conversion_id is None
    findings = [_minimum(subject), _first(subject, past.of(position, 0))] if arrives else []
    for rule in subject.goal.qualification_rules:
        if arrives or rule.kind not in AT_ARRIVAL:
            findings.append(_judge(rule, subject, position, past, now))
    return [finding for finding in findings if finding]


def _judge(rule: QualificationRule, subject: Subject, position: int, past: Past, now: datetime) -> Finding:
    if rule.looks_at_customer and not subject.has_customer:
        note = "The event names no customer, and this rule looks at the customer's other events: an operator decides."
        return Finding(Result.UNSURE, words(rule), note, Reason.AWAITS_APPROVAL)
    known = past.of(position, rule.pk)
    match rule.kind:
        case Kind.CAP:
            return _judge_cap(rule, past.counted(position, rule, subject))
        case Kind.COUNTRY:
            return _judge_country(rule, subject)
        case Kind.TIME:
            return _judge_time(rule, subject, known, now)
        case Kind.ACCUMULATED:
            return _judge_sum(rule, subject, known, now)
        case Kind.WAGERING:
            return _judge_volume(rule, subject, known, now)
        case _:
            return _judge_earlier(rule, subject, known, now)


def _minimum(subject: Subject) -> Finding | None:
    goal, revenue, currency = subject.goal, subject.revenue, subject.goal.offer.currency
    if goal.minimum_revenue is None or revenue is None:
        return None
    rule, inputs = f"minimum revenue {format_money(goal.minimum_revenue, currency)}", {"revenue": revenue}
    if subject.currency != currency:
        note = f"The minimum is in {currency}, the event in {subject.currency}: an operator decides."
        return Finding(Result.UNSURE, rule, note, Reason.AWAITS_APPROVAL, inputs)
    sent = format_money(revenue, currency)
    if revenue < goal.minimum_revenue:
        note = f"{sent} is below the minimum of {goal.name}."
        return Finding(Result.REJECTED, rule, note, Reason.BELOW_MINIMUM, inputs)
    return Finding(Result.MET, rule, f"{sent} meets the minimum.", inputs=inputs)


def _first(subject: Subject, known: Known) -> Finding | None:
    goal = subject.goal
    if not goal.once_per_customer or not subject.has_customer:
        return None
    if known.number:
        note = f"The customer has a {goal.name} already."
        return Finding(Result.REJECTED, "once per customer", note, Reason.NOT_FIRST, {"earlier_events": known.number})
    return Finding(Result.MET, "once per customer", f"The customer's first {goal.name}.")


def _judge_cap(rule: QualificationRule, counted: int) -> Finding:
    inputs = {"counted": counted, "cap": rule.number}
    if counted < (rule.number or 0):
        return Finding(Result.MET, words(rule), f"{counted} of {rule.number} counted before.", inputs=inputs)
    note = f"The cap is reached: {words(rule)}."
    if rule.over_cap == QualificationRule.OverCap.HOLD:
        return Finding(Result.HELD, words(rule), note, Reason.OVER_CAP_HELD, inputs)
    return Finding(Result.REJECTED, words(rule), note, Reason.OVER_CAP, inputs)


def _judge_country(rule: QualificationRule, subject: Subject) -> Finding:
    inputs = {"country": subject.country or "not known"}
    if not subject.country:
        note = "Neither the click nor the request tells the country: an operator decides."
        return Finding(Result.UNSURE, words(rule), note, Reason.AWAITS_APPROVAL, inputs)
    if subject.country in rule.countries:
        return Finding(Result.MET, words(rule), f"From {subject.country}.", inputs=inputs)
    note = f"From {subject.country}, which is not one of {', '.join(rule.countries)}."
    return Finding(Result.REJECTED, words(rule), note, Reason.COUNTRY_NOT_ALLOWED, inputs)


def _judge_time(rule: QualificationRule, subject: Subject, known: Known, now: datetime) -> Finding:
    since = known.first_at if rule.other_goal_id else subject.clicked_at
    start = f"the customer's {rule.other_goal.name}" if rule.other_goal else "the click"
    if since is None and rule.other_goal_id:
        return _wait(rule, subject, f"{start}, from which the time is counted", {}, now)
    if since is None:
        return Finding(Result.MET, words(rule), "There is no click to count from: the time is not judged.")
    elapsed = subject.occurred_at - since
    inputs = {"since": since.isoformat(), "occurred_at": subject.occurred_at.isoformat()}
    note = f"{span(max(elapsed, timedelta(0)))} after {start}."
    if rule.at_least is not None and elapsed < rule.at_least:
        return Finding(Result.REJECTED, words(rule), f"Too soon: {note}", Reason.TOO_SOON, inputs)
    if rule.at_most is not None and elapsed > rule.at_most:
        return Finding(Result.REJECTED, words(rule), f"Too late: {note}", Reason.TOO_LATE, inputs)
    return Finding(Result.MET, words(rule), note, inputs=inputs)


def _judge_sum(rule: QualificationRule, subject: Subject, known: Known, now: datetime) -> Finding:
    assert rule.amount
    currency = subject.goal.offer.currency
    own = (subject.revenue or ZERO) if subject.currency == currency else ZERO
    total, left_out = known.total + own, dict(known.elsewhere)
    if subject.currency != currency and subject.revenue:
        left_out[subject.currency] = left_out.get(subject.currency, ZERO) + subject.revenue
    inputs: dict[str, Any] = {"total": total, "minimum": rule.amount, "currency": currency}
    if left_out:
        inputs["not_counted"] = ", ".join(format_money(left_out[code], code) for code in sorted(left_out))
    have = f"{format_money(total, currency)} of {format_money(rule.amount, currency)}"
    if total >= rule.amount:
        return Finding(Result.MET, words(rule), f"{have} reached.", inputs=inputs)
    other = f" ({inputs['not_counted']} in other currencies not counted)" if left_out else ""
    return _wait(rule, subject, f"{have}{other}", inputs, now)


def _judge_volume(rule: QualificationRule, subject: Subject, known: Known, now: datetime) -> Finding:
    assert rule.other_goal
    currency = subject.goal.offer.currency
    if rule.factor is not None and (subject.revenue is None or subject.currency != currency):
        note = f"The volume is {plain(rule.factor)} times the event's own amount, which is not given in {currency}: "
        return Finding(Result.UNSURE, words(rule), f"{note}an operator decides.", Reason.AWAITS_APPROVAL)
    need = rule.amount if rule.factor is None else rule.factor * (subject.revenue or ZERO)
    assert need is not None
    inputs = {"volume": known.total, "needed": need}
    have = f"{plain(known.total)} of {plain(need)} by {rule.other_goal.name}"
    if known.total >= need:
        return Finding(Result.MET, words(rule), f"{have} reached.", inputs=inputs)
    return _wait(rule, subject, have, inputs, now)


def _judge_earlier(rule: QualificationRule, subject: Subject, known: Known, now: datetime) -> Finding:
    """KYC needs an approval; a goal that comes first needs to be there and to wait for no rule itself."""
    is_kyc = rule.kind == Kind.KYC
    name = rule.other_goal.name if rule.other_goal else "identity check"
    inputs = {"events": known.number, "approved": known.approved}
    if known.approved if is_kyc else known.there:
        return Finding(Result.MET, words(rule), f"The customer has {name}.", inputs=inputs)
    return _wait(rule, subject, f"{name}, approved" if is_kyc else name, inputs, now)


def _wait(rule: QualificationRule, subject: Subject, what: str, inputs: dict[str, Any], now: datetime) -> Finding:
    """Not met yet; not met for good once the time for it has passed."""
    until = subject.occurred_at + rule.within if rule.within else None
    if until and now > until:
        note = f"Not met within {span(rule.within or timedelta(0))}: {what}."
        given = {**inputs, "until": until.isoformat()}
        return Finding(Result.REJECTED, words(rule), note, Reason.NOT_QUALIFIED, given, until)
    return Finding(Result.WAITING, words(rule), f"Waiting for {what}.", Reason.AWAITS_RULES, inputs, until)


def outcome(findings: Iterable[Finding]) -> Finding | None:
    """The finding that decides: a rejection before a hold, a doubt, and what is waited for; None when all are met."""
    order = (Result.REJECTED, Result.HELD, Result.UNSURE, Result.WAITING)
    listed = list(findings)
    return next((finding for result in order for finding in listed if finding.result == result), None)
