"""One pipeline behind every door: a batch of requests in, a decision for each out.

A single postback is a batch of one. The order of the steps is the order of the files' names in
`STEPS`; each adds lines to the trace and may stop a case with a reason from the closed list.
"""

from collections.abc import Iterator
from datetime import datetime

import structlog
from django.db import transaction

from conversions.intake import attribute, deduplicate, find_click, parse, qualify, risk
from conversions.intake.answer import answer, answer_kept, keep
from conversions.intake.authenticate import authenticate
from conversions.intake.case import Case, Decision, Received
from conversions.intake.decide import decide
from conversions.intake.receive import receive, reopen
from conversions.models import Postback

__all__ = ["Decision", "Received", "decide_left_over", "intake"]

log = structlog.get_logger(__name__)

STEPS = (
    deduplicate.find_known,
    find_click.find_click,
    attribute.attribute,
    deduplicate.deduplicate,
    qualify.qualify,
    risk.weigh,
)


def intake(batch: list[Received], *, now: datetime) -> list[Decision]:
    """Store the requests, then decide them; the decisions come in the order of the batch.

    Two transactions: what was received stays, whatever happens to the decision. A request whose
    decision fails is left undecided and `decide_left_over` takes it up again. Raise what the database
    raises when nothing could be stored.
    """
    with transaction.atomic():
        cases = receive(batch)
    return decide_cases(cases, now=now)


def decide_cases(cases: list[Case], *, now: datetime) -> list[Decision]:
    """Decide stored requests in one transaction; a postback decided meanwhile keeps its answer."""
    with transaction.atomic():
        pks = [case.postback.pk for case in cases]
        undecided = Postback.objects.select_for_update().filter(pk__in=pks, decided_at=None).order_by("pk")
        due = set(undecided.values_list("pk", flat=True))
        fresh = [case for case in cases if case.postback.pk in due]
        authenticate(fresh)
        parse.parse(fresh)
        deduplicate.set_keys(fresh)
        deduplicate.lock(fresh)
        for group in _rounds(fresh):
            for step in STEPS:
                step(group)
            decide(group, now=now)
            risk.follow_up(group, now=now)
            qualify.follow_up(group, now=now)
            keep(group, now=now)
    return [answer(case) if case.postback.pk in due else _kept(case) for case in cases]


def _kept(case: Case) -> Decision:
    return answer_kept(Postback.objects.select_related("conversion").get(pk=case.postback.pk))


def _rounds(cases: list[Case]) -> Iterator[list[Case]]:
    """Split the batch so that no round has two cases about one event or one customer; their order holds."""
    last: dict[tuple[object, ...], int] = {}
    rounds: list[list[Case]] = []
    for case in cases:
        keys = deduplicate.conflict_keys(case)
        number = max((last[key] + 1 for key in keys if key in last), default=0)
        last.update(dict.fromkeys(keys, number))
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(case)
    yield from rounds


def decide_left_over(*, received_before: datetime, now: datetime, limit: int = 200) -> int:
    """Decide requests that were stored but, through a crash, never judged. Return how many were looked at."""
    left = Postback.objects.filter(decided_at=None, received_at__lt=received_before).order_by("pk")[:limit]
    cases = [reopen(row) for row in left]
    if cases:
        log.warning("postbacks_left_over", postbacks=len(cases))
        decide_cases(cases, now=now)
    return len(cases)
