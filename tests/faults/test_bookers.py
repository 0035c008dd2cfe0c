"""Bookers killed with `kill -9` while writers change everything: each conversion is booked once, all sums are right.

What is owed is worked out here a second time, from the terms as `crowd` states them and the rows as they ended:
nothing of `payouts.pricing` is used.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from payouts.queries import balances_of
from tests.faults import crowd
from tests.servers import ROOT, database_url

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]

CONVERSIONS = """
SELECT row.id, row.affiliate_id, affiliate.parent_id, affiliate.name, offer.name, row.status, row.revenue,
       row.revenue - row.refunded, row.occurred_at
FROM conversions_conversion row
JOIN conversions_goal goal ON goal.id = row.goal_id JOIN affiliates_offer offer ON offer.id = goal.offer_id
JOIN affiliates_affiliate affiliate ON affiliate.id = row.affiliate_id
ORDER BY row.occurred_at, row.id
"""
ENTRIES = (
    "SELECT conversion_id, affiliate_id, amount, currency FROM payouts_ledgerentry ORDER BY affiliate_id, sequence"
)
NUMBERS = """
SELECT affiliate_id FROM payouts_ledgerentry JOIN payouts_ledgerhead head USING (affiliate_id)
GROUP BY affiliate_id, head.sequence
HAVING count(*) <> max(payouts_ledgerentry.sequence) OR min(payouts_ledgerentry.sequence) <> 1
    OR count(*) <> head.sequence
"""
CENT = Decimal("0.01")
# What an event belongs to in the ledger: its conversion, and who earns by it.
Share = tuple[int, int]


def ask(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def what_is_owed() -> tuple[dict[Share, Decimal], dict[Share, Decimal]]:
    """What each conversion earns for whom as it ended, and the most that it could have earned at any time."""
    owed: dict[Share, Decimal] = defaultdict(Decimal)
    most: dict[Share, Decimal] = defaultdict(Decimal)
    raced: dict[tuple[int, int], int] = defaultdict(int)
    for pk, affiliate, parent, name, offer, status, revenue, kept, occurred_at in ask(CONVERSIONS):
        approved = status == "approved"
        if offer == "Race":
            most[pk, affiliate] = crowd.RACE_HIGH
            if approved:
                raced[affiliate, occurred_at.month] += 1
                low = raced[affiliate, occurred_at.month] <= crowd.RACE_FIRST
                owed[pk, affiliate] = crowd.RACE_LOW if low else crowd.RACE_HIGH
            continue
        first, step = crowd.TERMS["Shop for Ana" if (offer, name) == ("Shop", "Ana") else offer]
        version = min((occurred_at - crowd.START).days // crowd.STEP, crowd.VERSIONS - 1)
        highest = max(first, first + (crowd.VERSIONS - 1) * step)
        if offer == "Casino":
            earned, most[pk, affiliate] = first + version * step, highest
        else:
            earned = rounded(kept * (first + version * step) / 100)
            most[pk, affiliate] = rounded(revenue * highest / 100)
        if approved:
            owed[pk, affiliate] = earned
        if offer == "Club" and parent:
            most[pk, parent] = rounded(most[pk, affiliate] * crowd.PARENTS_PERCENT / 100)
            if approved:
                owed[pk, parent] = rounded(earned * crowd.PARENTS_PERCENT / 100)
    return {share: amount for share, amount in owed.items() if amount}, most


def test_six_bookers_killed_at_random_book_everything_once() -> None:
    crowd.lay_out()
    ran = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", "from tests.faults import crowd; raise SystemExit(crowd.main())"],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url()},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert answer["in_the_middle"] >= crowd.LEAST_KILLS, answer
    assert ask("SELECT count(*), count(booked_at) FROM conversions_conversion") == [(5_000, 5_000)]

    owed, most = what_is_owed()
    booked: dict[Share, Decimal] = defaultdict(Decimal)
    for pk, affiliate, amount, currency in ask(ENTRIES):
        assert currency == "EUR"
        booked[pk, affiliate] += amount
        # What was booked twice and taken back since would end right, but stand here.
        assert 0 <= booked[pk, affiliate] <= most[pk, affiliate], f"conversion {pk}: {booked[pk, affiliate]} at once"
    assert {share: amount for share, amount in booked.items() if amount} == owed

    balances: dict[int, Decimal] = defaultdict(Decimal)
    for (_, affiliate), amount in owed.items():
        balances[affiliate] += amount
    shown = {pk: [tuple(row) for row in rows] for pk, rows in balances_of(list(balances)).items()}
    assert shown == {pk: [("EUR", amount)] for pk, amount in balances.items()}
    assert len(balances) == 9
    assert ask(NUMBERS) == []
    call_command("verify_ledger")
