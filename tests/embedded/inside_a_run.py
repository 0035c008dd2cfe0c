"""Run by test_test_template.py in a test run of its own; no part of the suite."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.embedded import test_template


@pytest.mark.django_db
def test_the_database_is_a_copy_of_the_migrated_one() -> None:
    assert connection.settings_dict["TEST"]["TEMPLATE"] == test_template.DATABASE
    executor = MigrationExecutor(connection)
    assert not executor.migration_plan(executor.loader.graph.leaf_nodes())
