"""Every table of history refuses UPDATE and DELETE in the database itself, a row at a time and all at once."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from records.append_only import append_only
from tests.dashboard.panel import populate
from tests.factories import LedgerEntryFactory

pytestmark = pytest.mark.django_db
HISTORY = [
    model
    for model in apps.get_models()
    if any(trigger.name.endswith("_append_only") for trigger in getattr(model._meta, "triggers", ()))
]


def test_a_protected_model_has_a_trigger_for_its_rows_and_one_for_the_whole_table() -> None:
    assert [trigger.name for trigger in append_only("booking")] == ["booking", "booking_whole"]
    for model in HISTORY:
        names = {trigger.name for trigger in model._meta.triggers}  # type: ignore[attr-defined]
        assert {name for name in names if name.endswith("_append_only")} <= {n.removesuffix("_whole") for n in names}


def test_rows_of_history_are_neither_changed_nor_deleted() -> None:
    """All models at once: the world that they need takes longer to make than to try them."""
    populate(1)
    tried, allowed = set(), []
    for model in HISTORY:
        if not model._default_manager.exists():
            continue
        tried.add(model.__name__)
        column = connection.ops.quote_name(model._meta.pk.column)  # type: ignore[union-attr]
        for statement in (f"UPDATE {{}} SET {column} = {column}", "DELETE FROM {}"):
            if not refused(statement.format(model._meta.db_table)):
                allowed.append((model.__name__, statement))
    assert {"LedgerEntry", "Statement", "StatusChange", "Trace", "PlanVersion"} <= tried
    assert allowed == []


def refused(statement: str) -> bool:
    """Whether the trigger, and no foreign key, refused it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "pgtrigger: Cannot" in str(error)
    return False


@pytest.mark.parametrize("change", ["save", "delete"])
def test_an_entry_is_not_changed_through_django_either(change: str) -> None:
    entry = LedgerEntryFactory()
    entry.amount += 1
    with pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
        getattr(entry, change)()
    entry.refresh_from_db()
    assert entry.amount == 10
