"""What a goal asks of an event, judged from what is known of its customer: rules as data, results as findings.

Nothing here writes. `gather` reads the past of any number of events in a constant number of queries, `judge`
says for one event what came of each rule. Times are the sender's (`occurred_at`) but for caps, which count by
our clock in UTC. Amounts in another currency than the offer's are never added.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db import connection

from affiliates.money import format_money
from conversions.models import Goal, QualificationRule
from conversions.reasons import Reason

Kind, Period, Scope = QualificationRule.Kind, QualificationRule.Period, QualificationRule.Scope
ZERO = Decimal(0)


class Result(StrEnum):
    MET = "passed"
    WAITING = "waiting"
    REJECTED = "rejected"
    UNSURE = "unsure"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Subject:
    """An event to be judged: a new one, or a stored conversion that waits (`conversion_id`)."""

    goal: Goal
    affiliate_id: int
    customer_id: int | None
    revenue: Decimal | None
    currency: str
    occurred_at: datetime
    received_at: datetime
    clicked_at: datetime | None
    country: str = ""
    # Whether the event names a customer at all; a new customer has no row yet.
    has_customer: bool = True
    conversion_id: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule: the rule in words, why, from what, and until when it may still be met."""

    result: Result
    rule: str
    note: str
    reason: Reason = Reason.OK
    inputs: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(slots=True)
class Known:
    """A customer's other events of one goal that are not rejected, as far as they count for a rule."""

    number: int = 0
    # Of them, those that wait for no rule, and those that are approved.
    there: int = 0
    approved: int = 0
    first_at: datetime | None = None
    total: Decimal = ZERO
    # In currencies that are not the offer's: not counted, but said.
    elsewhere: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Past:
    """What `gather` found: by position of the subject and rule (0: the goal's own once per customer)."""

    known: dict[tuple[int, int], Known] = field(default_factory=dict)
    caps: dict[tuple[int, int], int] = field(default_factory=dict)
    # The batch's own: its cap rules, and what of it took a place by rule, affiliate and period so far.
    cap_rules: dict[int, QualificationRule] = field(default_factory=dict)
    taken: Counter[tuple[int, int | None, datetime | None]] = field(default_factory=Counter)

    def of(self, position: int, rule: int) -> Known:
        return self.known.get((position, rule)) or Known()

    def counted(self, position: int, rule: QualificationRule, subject: Subject) -> int:
        return self.caps.get((position, rule.pk), 0) + self.taken[_place(rule, subject)]

    def take_place(self, subject: Subject) -> None:
        """Count an event of the batch that is not rejected towards every cap that it falls under."""
        for rule in self.cap_rules.values():
            of_offer = rule.scope == Scope.OFFER and rule.goal.offer_id == subject.goal.offer_id
            if of_offer or rule.goal_id == subject.goal.pk:
                self.taken[_place(rule, subject)] += 1


# Judged when the event arrives and never again: a later look would count what came after it.
AT_ARRIVAL = frozenset({Kind.CAP, Kind.COUNTRY})

_KNOWN = """
SELECT ask.position, ask.rule, row.currency, count(*), count(*) FILTER (WHERE row.reason <> 'awaits_rules'),
       count(*) FILTER (WHERE row.status = 'approved'),
       min(row.occurred_at) FILTER (WHERE row.reason <> 'awaits_rules'), coalesce(sum(row.revenue - row.refunded), 0)
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
         AS ask(position, rule, customer, goal, own, until)
JOIN conversions_conversion row ON row.customer_id = ask.customer AND row.goal_id = ask.goal
WHERE row.status <> 'rejected' AND NOT row.is_test AND row.id IS DISTINCT FROM ask.own
  AND (ask.until IS NULL OR row.occurred_at <= ask.until)
GROUP BY 1, 2, 3
"""
_CAPS = """
SELECT ask.position, ask.rule, (
    SELECT count(*) FROM (
        SELECT FROM conversions_conversion row
        WHERE row.goal_id IN (SELECT id FROM conversions_goal WHERE id = ask.goal OR offer_id = ask.offer)
          AND (ask.affiliate IS NULL OR row.affiliate_id = ask.affiliate)
          AND (ask.since IS NULL OR row.received_at >= ask.since) AND (ask.until IS NULL OR row.received_at < ask.until)
          AND row.status <> 'rejected'
          AND NOT row.is_test
        LIMIT ask.number
    ) AS counted
)
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],
            %s::int[]) AS ask(position, rule, goal, offer, affiliate, since, until, number)
"""


def gather(subjects: Sequence[Subject]) -> Past:
    """Read what the subjects' rules need to know: at most one query for customers and one for caps."""
    past = Past()
    asked = [ask for n, subject in enumerate(subjects) for ask in _asks(n, subject)]
    if asked:
        _read_known(past, subjects, asked)
    caps: list[tuple[Any, ...]] = []
    for n, subject in enumerate(subjects):
        for rule in subject.goal.qualification_rules:
            if subject.conversion_id is None and rule.kind == Kind.CAP:
                caps.append(_cap(n, rule, subject))
                past.cap_rules[rule.pk] = rule
    if caps:
        _read_caps(past, caps)
    return past


def _read_caps(past: Past, caps: list[tuple[Any, ...]]) -> None:
    """Events of other customers count as well, so a cap is decided by one batch at a time: locked until it commits."""
    offers = sorted({rule.goal.offer_id % 2**31 for rule in past.cap_rules.values()})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(20518, n) FROM unnest(%s::int[]) AS n", [offers])
        cursor.execute(_CAPS, [list(column) for column in zip(*caps, strict=True)])
        past.caps = {(position, rule): number for position, rule, number in cursor.fetchall()}


def _read_known(past: Past, subjects: Sequence[Subject], asked: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(column) for column in zip(*asked, strict=True)])
        rows = cursor.fetchall()
    for position, rule, currency, number, there, approved, first_at, total in rows:
        known = past.known.setdefault((position, rule), Known())
        known.number, known.there, known.approved = (
            known.number + number,
            known.there + there,
            known.approved + approved,
        )
        known.first_at = min((at for at in (known.first_at, first_at) if at), default=None)
        if currency == subjects[position].goal.offer.currency:
            known.total += total
        elif total:
            known.elsewhere[currency] = known.elsewhere.get(currency, ZERO) + total


def _asks(position: int, subject: Subject) -> Iterator[tuple[Any, ...]]:
    """What to look up: position, rule, customer, goal, own conversion, and until when events count."""
    if subject.customer_id is None:
        return
    own, goal = subject.conversion_id, subject.goal
    if own is None and goal.once_per_customer:
        yield position, 0, subject.customer_id, goal.pk, own, None
    for rule in goal.qualification_rules:
        if not rule.looks_at_customer:
            continue
        until = subject.occurred_at + rule.within if rule.within else None
        yield position, rule.pk, subject.customer_id, rule.other_goal_id or goal.pk, own, until


def _cap(position: int, rule: QualificationRule, subject: Subject) -> tuple[Any, ...]:
    of_offer = rule.scope == Scope.OFFER
    return (
        position,
        rule.pk,
        None if of_offer else subject.goal.pk,
        subject.goal.offer_id if of_offer else None,
        subject.affiliate_id if rule.scope == Scope.AFFILIATE else None,
        period_start(rule.period, subject.received_at),
        period_end(rule.period, subject.received_at),
        rule.number,
    )


def _place(rule: QualificationRule, subject: Subject) -> tuple[int, int | None, datetime | None]:
    affiliate = subject.affiliate_id if rule.scope == Scope.AFFILIATE else None
    return rule.pk, affiliate, period_start(rule.period, subject.received_at)


def period_start(period: str, at: datetime) -> datetime | None:
    """When the period began that a moment lies in, in UTC; None where it has no beginning."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == Period.WEEK:
        return day - timedelta(days=day.weekday())
    if period == Period.MONTH:
        return day.replace(day=1)
    return day if period == Period.DAY else None


def period_end(period: str, at: datetime) -> datetime | None:
    """When the next period begins; what is corrected or replayed later counts in the one that it came in."""
    start = period_start(period, at)
    if start is None:
        return None
    longest = {Period.WEEK: timedelta(days=7), Period.MONTH: timedelta(days=31)}.get(Period(period), timedelta(days=1))
    return period_start(period, start + longest)


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


def words(rule: QualificationRule) -> str:
    """The rule as people read it, on every page and in every trace."""
    within = f", within {span(rule.within)}" if rule.within else ""
    other = rule.other_goal.name if rule.other_goal else ""
    match rule.kind:
        case Kind.ACCUMULATED:
            amount = format_money(rule.amount or ZERO, rule.goal.offer.currency)
            return f"{other or rule.goal.name} amounts add up to {amount}{within}"
        case Kind.WAGERING:
            need = f"{plain(rule.factor)} times the amount" if rule.factor is not None else plain(rule.amount or ZERO)
            return f"volume of {need} by {other}{within}"
        case Kind.KYC:
            return f"identity checked and approved{within}"
        case Kind.REQUIRES:
            return f"{other} comes first{within}"
        case Kind.COUNTRY:
            return f"customers from {', '.join(rule.countries)}"
        case Kind.TIME:
            return f"{_bounds(rule)} after {other or 'the click'}{within}"
    whom = {Scope.AFFILIATE: "for each affiliate", Scope.GOAL: "in all", Scope.OFFER: "for the whole offer"}
    period = "ever" if rule.period == Period.TOTAL else f"a {rule.period}"
    return f"at most {rule.number} {period} {whom[Scope(rule.scope)]}"


def _bounds(rule: QualificationRule) -> str:
    least, most = rule.at_least, rule.at_most
    if least is not None and most is not None:
        return f"{span(least)} to {span(most)}"
    return f"at least {span(least)}" if least is not None else f"at most {span(most or timedelta(0))}"


def all_words(goal: Goal) -> list[str]:
    """Everything that the goal asks, the goal's own rules first."""
    own = ["once per customer"] if goal.once_per_customer else []
    if goal.minimum_revenue:
        own.append(f"from {format_money(goal.minimum_revenue, goal.offer.currency)}")
    return own + [words(rule) for rule in goal.qualification_rules]


def plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def span(length: timedelta) -> str:
    """`30 days`, `90 min`, `12 s`: the largest unit in which it is short."""
    seconds = length.total_seconds()
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and (seconds % unit == 0 or seconds >= 3 * unit):
            number = f"{seconds / unit:.4g}"
            return f"{number} {name}{'' if number == '1' else 's'}"
    return f"{seconds:g} s"


def outcome(findings: Iterable[Finding]) -> Finding | None:
    """The finding that decides: a rejection before a hold, a doubt, and what is waited for; None when all are met."""
    order = (Result.REJECTED, Result.HELD, Result.UNSURE, Result.WAITING)
    listed = list(findings)
    return next((finding for result in order for finding in listed if finding.result == result), None)
