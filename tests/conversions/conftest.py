"""The world of the tests; and each decision that a test causes must be one that a reader can follow."""

import pytest

from tests.conversions.sending import World
from tests.traces import pytest_runtest_call

__all__ = ["pytest_runtest_call", "world"]


@pytest.fixture
def world(db: None) -> World:
    return World()
