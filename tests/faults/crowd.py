"""Six bookers and four writers at once, each a process of its own; bookers are killed at random moments.

`main` runs in a process that has imported the program and not yet spoken to the database: everybody is forked from
there, so a killed booker is replaced within milliseconds. The database holds the world of `lay_out`. The last line of
the output tells what happened, as JSON.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from affiliates.models import Affiliate, Offer
from conversions.lifecycle.refunds import RefundRefused, refund
from conversions.lifecycle.status import change_status
from conversions.models import Conversion, Goal, StatusChange
from conversions.reasons.codes import Reason
from payouts.ledger.booking import book_changes
from payouts.models import CommissionPlan, CommissionRule
from payouts.plan_changes.publish import publish_version
from tests.factories import AffiliateFactory, GoalFactory

SEED = 20261121
BOOKERS, WRITERS, EACH, LOT = 6, 4, 1250, 25
# So many kills must have met a booker at work.
LEAST_KILLS = 20
# Events lie in 40 days. A plan's version n holds for the eight days from day 8 n on, the last one for the rest.
START = datetime(2026, 7, 1, tzinfo=UTC)
DAYS, STEP, VERSIONS = 40, 8, 5
# By plan: what version 0 pays, and by how much each version differs from the one before. Percentages, but the
# casino's, which is an amount. Close to each other: what is booked twice stands out from every version.
TERMS = {
    "Shop": (Decimal(20), Decimal("0.55")),
    "Shop for Ana": (Decimal(25), Decimal("0.35")),
    "Casino": (Decimal(50), Decimal("1.5")),
    "Club": (Decimal(30), Decimal("-0.65")),
}
# Of what somebody earns by the club's plan, the parent has so many percent.
PARENTS_PERCENT = Decimal(10)
# The race pays five each for an affiliate's first ten of a month, then eight. Only one lot in 50 is of it: where a
# rule looks back, bookers queue for the account, and that queue would hide a missing lock on the rows.
RACE_FIRST, RACE_LOW, RACE_HIGH = 10, Decimal(5), Decimal(8)
RACE_LOT = 20


def lay_out() -> None:
    """Make offers, a crowd of which half has a parent, and the first version of each plan."""
    parent = AffiliateFactory(name="Parent")
    crowd = [AffiliateFactory(name="Ana", parent=parent)]
    crowd += [AffiliateFactory(parent=parent if number % 2 else None) for number in range(7)]
    for name in ("Shop", "Casino", "Club", "Race"):
        goal = GoalFactory(offer__name=name, code=name.lower())
        CommissionPlan.objects.create(offer=goal.offer, name=name)
    CommissionPlan.objects.create(offer=Offer.objects.get(name="Shop"), name="Shop for Ana", affiliate=crowd[0])
    for name in (*TERMS, "Race"):
        publish(name, 0)


def publish(name: str, version: int) -> None:
    """The plan's next terms. They begin within the events: what was booked from there on becomes due again."""
    plan = CommissionPlan.objects.get(name=name)
    since = START + timedelta(days=STEP * version)
    publish_version(plan=plan, rules=_rules(name, version), effective_from=since, actor=None, now=since)


def _rules(name: str, version: int) -> list[CommissionRule]:
    kinds = CommissionRule.Kind
    if name == "Race":
        steps = [{"above": "0", "amount": str(RACE_LOW)}, {"above": str(RACE_FIRST), "amount": str(RACE_HIGH)}]
        formula = {"basis": "count", "mode": "marginal", "period": "month", "currency": "EUR", "steps": steps}
        return [CommissionRule(kind=kinds.TIERED, formula=formula)]
    first, step = TERMS[name]
    if name == "Casino":
        return [CommissionRule(kind=kinds.FLAT, amount=first + version * step, currency="EUR")]
    rules = [CommissionRule(kind=kinds.PERCENT, percent=first + version * step)]
    if name == "Club":
        levels = {"of": "commission", "levels": [str(PARENTS_PERCENT)]}
        rules.append(CommissionRule(kind=kinds.PARENTS, formula=levels))
    return rules


def main() -> int:
    """Run them all, killing bookers until the writers are done; 0 when nobody failed but those who were killed."""
    fork = multiprocessing.get_context("fork")
    at_work, over, dice = fork.Array("b", BOOKERS, lock=False), fork.Event(), random.Random(SEED)
    writers = [fork.Process(target=write, args=(number,)) for number in range(WRITERS)]
    bookers = [fork.Process(target=book, args=(number, SEED + number, at_work, over)) for number in range(BOOKERS)]
    for process in (*writers, *bookers):
        process.start()
    kills = in_the_middle = 0
    while any(writer.is_alive() for writer in writers):
        time.sleep(dice.uniform(0.01, 0.06))
        number = dice.randrange(BOOKERS)
        os.kill(bookers[number].pid or 0, signal.SIGKILL)
        bookers[number].join()
        kills, in_the_middle = kills + 1, in_the_middle + at_work[number]
        bookers[number] = fork.Process(target=book, args=(number, dice.random(), at_work, over))
        bookers[number].start()
    over.set()
    for process in (*writers, *bookers):
        process.join()
    failed = [process.exitcode for process in (*writers, *bookers) if process.exitcode]
    print(json.dumps({"kills": kills, "in_the_middle": in_the_middle, "failed": failed}))
    return 1 if failed else 0


def book(number: int, seed: float, at_work: Any, over: Any) -> None:
    """Book small batches, until the writers are done and nothing is left."""
    dice = random.Random(seed)
    at_work[number] = 0
    while True:
        last = over.is_set()
        at_work[number] = 1
        found = book_changes(limit=dice.randint(10, 100))
        at_work[number] = 0
        if last and not found:
            return
        time.sleep(dice.uniform(0, 0.02))


def write(number: int) -> None:
    """Make conversions lot by lot and change earlier ones, whoever made them; now and then publish a version."""
    dice, mine = random.Random(SEED - number), list[Conversion]()
    lots = EACH // LOT
    pause = lots // VERSIONS
    for lot in range(lots):
        mine += make(number, lot, dice)
        change(mine, dice)
        change(mine, dice)
        give_back(mine, dice)
        if lot and lot % pause == 0 and lot // pause < VERSIONS:
            publish(list(TERMS)[number], lot // pause)


def make(number: int, lot: int, dice: random.Random) -> list[Conversion]:
    """A lot of conversions on one offer, most of them approved, all due for booking."""
    offer = "Race" if lot == RACE_LOT else dice.choice(("Shop", "Shop", "Casino", "Club"))
    goal = Goal.objects.select_related("offer").get(offer__name=offer)
    crowd = Affiliate.objects.exclude(name="Parent").order_by("pk")
    # On the race, two of them only.
    crowd = crowd[:2] if offer == "Race" else crowd
    affiliates, statuses = list(crowd), ("approved", "approved", "pending")
    return Conversion.objects.bulk_create(
        Conversion(
            goal=goal,
            advertiser_id=goal.offer.advertiser_id,
            affiliate=dice.choice(affiliates),
            evidence=Conversion.Evidence.ROW,
            dedupe_key=f"{number}-{lot}-{each}",
            revenue=Decimal(dice.randint(100, 20_000)) / 100,
            currency="EUR",
            status=dice.choice(statuses),
            reason=Reason.OK,
            occurred_at=START + timedelta(seconds=dice.randrange(DAYS * 86_400)),
            received_at=START,
        )
        for each in range(LOT)
    )


def change(mine: Sequence[Conversion], dice: random.Random) -> None:
    """Approve or reject four: one of this writer's, three of anybody's who wrote at the same time."""
    approved = dice.random() < 0.5
    change_status(
        conversion_ids=[dice.choice(mine).pk, *(dice.randint(mine[0].pk, mine[-1].pk) for _ in range(3))],
        to=Conversion.Status.APPROVED if approved else Conversion.Status.REJECTED,
        reason=Reason.OPERATOR_APPROVED if approved else Reason.OPERATOR_REJECTED,
        source=StatusChange.Source.OPERATOR,
        now=START,
    )


def give_back(mine: Sequence[Conversion], dice: random.Random) -> None:
    """Refund a part of one, sometimes all of it."""
    row = Conversion.objects.get(pk=dice.choice(mine).pk)
    part = (row.revenue or Decimal(0)) * dice.choice((10, 35, 60, 100)) / 100
    try:
        refund(
            conversion=row,
            amount=part.quantize(Decimal("0.01")),
            occurred_at=START,
            now=START,
            source=StatusChange.Source.OPERATOR,
        )
    except RefundRefused:
        return  # So much is no longer left of it.
