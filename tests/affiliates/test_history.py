"""Every table that is only appended to refuses TRUNCATE too, in the database itself."""

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

pytestmark = pytest.mark.django_db


def _is_history(model: Any) -> bool:
    return any(trigger.name.endswith("_append_only") for trigger in getattr(model._meta, "triggers", []))


KEPT = [model for model in apps.get_models() if _is_history(model)]


def test_finds_the_tables_of_history() -> None:
    assert {"LedgerEntry", "Statement", "StatusChange", "Trace", "PlanVersion"} <= {model.__name__ for model in KEPT}


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_refuses_to_empty_the_table(model: Any) -> None:
    with pytest.raises(DatabaseError, match="Cannot truncate rows"), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {model._meta.db_table} CASCADE")
