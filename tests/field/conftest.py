"""The world of intake's tests, for the tests here that need no application."""

import pytest

from tests.conversions.sending import World


@pytest.fixture
def world(db: None) -> World:
    return World()
