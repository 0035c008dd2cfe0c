"""Every advisory lock stands in one list, and those who wait for several never block each other."""

import re
import threading

import pytest
from django.conf import settings
from django.db import connection, transaction

from records.advisory_locks import Lock, number_of, try_in_transaction, try_to_hold, wait_for, wait_for_shared

APPS = ("records", "web", "affiliates", "tracking", "conversions", "payouts", "dashboard", "config")


def test_no_other_module_asks_for_an_advisory_lock_by_itself() -> None:
    """Triggers and functions inside the database are named in the list's comment."""
    elsewhere = {
        str(path.relative_to(settings.BASE_DIR))
        for app in APPS
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if "migrations" not in path.parts and re.search(r"pg_\w*advisory", path.read_text())
    }
    assert elsewhere == {"records/advisory_locks.py", "affiliates/models/people.py"}


def test_a_name_has_always_the_same_number_and_fits_an_integer_of_postgresql() -> None:
    assert number_of("account 1 2") == number_of("account 1 2") != number_of("account 2 1")
    assert 0 <= number_of("x") < 2**31


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_held_is_free_again_after_the_block() -> None:
    with try_to_hold(Lock.RETENTION) as is_held:
        assert is_held
        assert not in_another_connection(lambda: try_in_transaction(Lock.RETENTION))
        assert in_another_connection(lambda: try_in_transaction(Lock.RETENTION, 1))
    assert in_another_connection(lambda: try_in_transaction(Lock.RETENTION))


@pytest.mark.django_db(transaction=True)
def test_a_lock_is_let_go_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), try_to_hold(Lock.RETENTION):
        raise ZeroDivisionError
    assert in_another_connection(lambda: try_in_transaction(Lock.RETENTION))


@pytest.mark.django_db(transaction=True)
def test_those_who_share_a_lock_keep_out_only_who_wants_it_alone() -> None:
    with transaction.atomic():
        wait_for_shared(Lock.PLAN_VERSIONS)
        in_another_connection(lambda: wait_for_shared(Lock.PLAN_VERSIONS))
        assert not in_another_connection(lambda: try_in_transaction(Lock.PLAN_VERSIONS))


@pytest.mark.django_db(transaction=True)
def test_several_locks_are_taken_in_one_order_whatever_the_callers_order() -> None:
    """Two that ask for the same locks in opposite orders, often: a deadlock would raise."""
    failures: list[BaseException] = []

    def take(numbers: list[int]) -> None:
        try:
            for _ in range(50):
                with transaction.atomic():
                    wait_for(Lock.PRICING_GROUPS, numbers)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    numbers = [number_of(f"account {n}") for n in range(20)]
    threads = [threading.Thread(target=take, args=(order,)) for order in (numbers, numbers[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def in_another_connection(ask):  # type: ignore[no-untyped-def]
    """What the question answers on a connection of its own."""
    answers = []

    def run() -> None:
        try:
            with transaction.atomic():
                answers.append(ask())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answers[0]
