"""The database itself refuses to change what was booked, stated or agreed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from affiliates.models import Affiliate
from payouts.ledger.booking import book_changes
from payouts.models import CommissionRule, LedgerEntry, PlanVersion, Statement
from payouts.statements.statements import close_period
from tests.factories import ConversionFactory, GoalFactory
from tests.payouts.deals import deal, flat

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _history(ana: Affiliate) -> None:
    goal = GoalFactory()
    deal(flat(goal, "120"))
    ConversionFactory(goal=goal, affiliate=ana, occurred_at=OCTOBER)
    book_changes(now=OCTOBER)
    close_period(ends_at=NOVEMBER, now=NOVEMBER)


APPEND_ONLY: list[Any] = [LedgerEntry, Statement, PlanVersion, CommissionRule]


@pytest.mark.parametrize("model", APPEND_ONLY)
def test_refuses_to_delete(model: Any) -> None:
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        connection.cursor().execute(f"DELETE FROM {model._meta.db_table}")
    assert model.objects.count() == 1


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        (LedgerEntry, "amount", 1000),
        (LedgerEntry, "arithmetic", "because"),
        (Statement, "closed_at", NOVEMBER),
        (PlanVersion, "effective_from", OCTOBER),
        (CommissionRule, "amount", 1),
    ],
)
def test_refuses_to_change(model: Any, column: str, value: object) -> None:
    before = model.objects.values().get()
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        model.objects.update(**{column: value})
    assert model.objects.values().get() == before


def test_refuses_a_second_entry_with_the_same_number() -> None:
    entry = LedgerEntry.objects.get()
    entry.pk = None
    with pytest.raises(DatabaseError, match="ledger_gap_free_number"), transaction.atomic():
        entry.save(force_insert=True)


def test_refuses_a_statement_that_does_not_add_up() -> None:
    statement = Statement.objects.get()
    statement.pk, statement.number, statement.ends_at, statement.closing = None, "other", NOVEMBER.replace(day=2), 1
    with pytest.raises(DatabaseError, match="statement_adds_up"), transaction.atomic():
        statement.save(force_insert=True)
