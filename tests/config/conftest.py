"""An installation of which parts are away."""

from collections.abc import Iterator

import pytest
from django.db import connection, connections
from django.utils.connection import ConnectionProxy

from config import heartbeat


@pytest.fixture(autouse=True)
def _no_signs_of_life() -> Iterator[None]:
    """Each test begins with worker and beat unheard of."""
    line, keys = heartbeat.connection(), [heartbeat.key(part) for part in (heartbeat.WORKER, heartbeat.BEAT)]
    line.delete(*keys)
    yield
    line.delete(*keys)


@pytest.fixture
def _redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    away = heartbeat.connect("redis://127.0.0.1:1/0")
    monkeypatch.setattr(heartbeat, "connection", lambda: away)


@pytest.fixture
def _database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own connection to a port where nobody listens."""
    own = connection.settings_dict
    handler = type(connections)({"default": {**own, "PORT": "1", "HOST": "127.0.0.1"}})
    away = ConnectionProxy(handler, "default")
    for module in ("config.readiness.connection", "config.metrics.connection"):
        monkeypatch.setattr(module, away)
