"""Read past events for qualification rules: a customer's other events and the counts of caps.

Times are the sender's (`occurred_at`) but for caps, which count by our clock in UTC. Amounts in another currency than
the offer's are never added.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from conversions.models import Goal, QualificationRule
from conversions.qualification_kinds.base import ZERO, EventToJudge, LooksBack, RulePast, Scope
from records.advisory_locks import Lock, wait_for
from records.periods import begins, ends
from records.prepared import prepared_cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(EventToJudge):
    """An event to be evaluated: a new one, or a stored conversion on hold (`conversion_id`)."""

    goal: Goal
    affiliate_id: int
    customer_id: int | None
    # Whether the event names a customer at all; a new customer has no row yet.
    has_customer: bool = True
    conversion_id: int | None = None


@dataclass(slots=True)
class Past:
    """The result of `gather`: by position of the subject and rule (0: the goal's own once per customer)."""

    known: dict[tuple[int, int], RulePast] = field(default_factory=dict)
    caps: dict[tuple[int, int], int] = field(default_factory=dict)
    # Of the current batch: its cap rules, and its counts so far by rule, affiliate and period.
    cap_rules: dict[int, QualificationRule] = field(default_factory=dict)
    taken: Counter[tuple[int, int | None, datetime]] = field(default_factory=Counter)

    def of(self, position: int, rule: int) -> RulePast:
        return self.known.get((position, rule)) or RulePast()

    def known_to(self, position: int, rule: QualificationRule, subject: Subject) -> RulePast:
        """The past events that the rule depends on."""
        match rule.looks_back:
            case LooksBack.NOWHERE:
                return RulePast()
            case LooksBack.CUSTOMER:
                return self.of(position, rule.pk)
            case LooksBack.PERIOD:
                return RulePast(in_period=self.caps.get((position, rule.pk), 0) + self.taken[_place(rule, subject)])
            case never:
                assert_never(never)

    def take_place(self, subject: Subject) -> None:
        """Count an event of the batch that is not rejected towards every cap that applies to it."""
        for rule in self.cap_rules.values():
            of_offer = rule.scope == Scope.OFFER and rule.goal.offer_id == subject.goal.offer_id
            if of_offer or rule.goal_id == subject.goal.pk:
                self.taken[_place(rule, subject)] += 1


_KNOWN = """
SELECT ask.position, ask.rule, row.currency, count(*), count(*) FILTER (WHERE row.reason <> 'awaits_rules'),
       count(*) FILTER (WHERE row.status = 'approved'),
       min(row.occurred_at) FILTER (WHERE row.reason <> 'awaits_rules'), coalesce(sum(row.revenue - row.refunded), 0)
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
         AS ask(position, rule, customer, goal, own, until)
CROSS JOIN LATERAL (
    SELECT * FROM conversions_conversion WHERE customer_id = ask.customer AND goal_id = ask.goal OFFSET 0
) AS row
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
    """Read the past events that the subjects' rules need: at most one query for customers and one for caps."""
    past = Past()
    asked = [ask for n, subject in enumerate(subjects) for ask in _asks(n, subject)]
    if asked:
        _read_known(past, subjects, asked)
    caps: list[tuple[Any, ...]] = []
    for n, subject in enumerate(subjects):
        for rule in subject.goal.qualification_rules:
            if subject.conversion_id is None and rule.looks_back == LooksBack.PERIOD:
                caps.append(_cap(n, rule, subject))
                past.cap_rules[rule.pk] = rule
    if caps:
        _read_caps(past, caps)
    return past


def _read_caps(past: Past, caps: list[tuple[Any, ...]]) -> None:
    """Read the counts of caps under a lock that lasts until the commit: other customers' events count as well."""
    wait_for(Lock.CAPS, {rule.goal.offer_id for rule in past.cap_rules.values()})
    with prepared_cursor() as cursor:
        cursor.execute(_CAPS, [list(column) for column in zip(*caps, strict=True)])
        past.caps = {(position, rule): number for position, rule, number in cursor.fetchall()}


def _read_known(past: Past, subjects: Sequence[Subject], asked: list[tuple[Any, ...]]) -> None:
    with prepared_cursor() as cursor:
        cursor.execute(_KNOWN, [list(column) for column in zip(*asked, strict=True)])
        rows = cursor.fetchall()
    for position, rule, currency, number, there, approved, first_at, total in rows:
        known = past.known.setdefault((position, rule), RulePast())
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
    """The lookups: position, rule, customer, goal, own conversion, and until when events count."""
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
        begins(rule.period, subject.received_at),
        ends(rule.period, subject.received_at),
        rule.number,
    )


def _place(rule: QualificationRule, subject: Subject) -> tuple[int, int | None, datetime]:
    affiliate = subject.affiliate_id if rule.scope == Scope.AFFILIATE else None
    return rule.pk, affiliate, begins(rule.period, subject.received_at)
