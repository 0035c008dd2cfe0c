"""PostgreSQL's advisory locks: this list has every family of keys, so no two uses share one by accident.

A key is a family and a number within it (0 if the family has one lock only). Numbers that are hashes may collide: then
one transaction waits longer than it needs to.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

from django.db import DatabaseError, InterfaceError, connection


class Lock(IntEnum):
    """The families; the comment names the number within each."""

    EVENTS = 20517  # intake: hash of an event's or a customer's identity, 4,096 locks in all
    CAPS = 20518  # qualification caps: the offer's ID
    PLAN_VERSIONS = 20519  # pricing (shared) against publishing
    PRICING_GROUPS = 20520  # hash of an affiliate and an offer that are priced together
    CLICK_COUNTS = 20521
    WHAT_IFS = 20522  # the what-if's ID
    PERIOD_CLOSES = 20523  # the period's end, in seconds of Unix time
    RETENTION = 20524
    DEMO_DATA = 20525
    PARENTS = 20526  # a trigger of affiliates: two changes at once could make a circle of parents
    ANCHORS = 20528
    # The lowest ID that a transaction's events may get; taken by the database function that gives IDs, shared.
    EVENT_WRITERS = 20529
    EVENT_PARTITIONS = 20530  # the database function that makes partitions
    CLICK_PARTITIONS = 20527  # the database function that makes partitions; its migration repeats the number


# For a statement that takes locks beside other work: the function's arguments are a family and a number.
WAIT = "pg_advisory_xact_lock"


def number_of(name: str) -> int:
    """The number of a lock with a name: 31 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") >> 1


def wait_for(lock: Lock, numbers: Iterable[int] = (0,)) -> None:
    """Take these locks until the transaction ends. They are taken in order, so two callers never deadlock."""
    _take(WAIT, lock, numbers)


def wait_for_shared(lock: Lock) -> None:
    """Take the lock in shared mode until the transaction ends."""
    _take("pg_advisory_xact_lock_shared", lock, (0,))


def try_in_transaction(lock: Lock, number: int = 0) -> bool:
    """Take the lock until the transaction ends if it is free; return whether it was."""
    return _try("pg_try_advisory_xact_lock", lock, number)


@contextmanager
def try_to_hold(lock: Lock, number: int = 0) -> Iterator[bool]:
    """Take the lock for the block if it is free, across transactions; yield whether it was.

    The lock ends with the connection, so a killed process leaves none behind.
    """
    if not _try("pg_try_advisory_lock", lock, number):
        yield False
        return
    try:
        yield True
    finally:
        # If the connection is gone, so is the lock.
        with suppress(DatabaseError, InterfaceError):
            _try("pg_advisory_unlock", lock, number)


def _take(function: str, lock: Lock, numbers: Iterable[int]) -> None:
    ordered = sorted({number % 2**31 for number in numbers})
    if ordered:
        with connection.cursor() as cursor:
            # The function is one of two that this module names.
            query = f"SELECT {function}(%s, n) FROM unnest(%s::int[]) AS n"  # noqa: S608
            cursor.execute(query, [lock, ordered])


def _try(function: str, lock: Lock, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [lock, number % 2**31])
        return bool(cursor.fetchone()[0])
