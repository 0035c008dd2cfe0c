import pytest

from tests.conversions.sending import World


@pytest.fixture
def world(db: None) -> World:
    return World()
