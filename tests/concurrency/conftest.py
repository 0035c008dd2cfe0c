"""Each decision that a test causes must be one that a reader can follow."""

from tests.traces import pytest_runtest_call

__all__ = ["pytest_runtest_call"]
