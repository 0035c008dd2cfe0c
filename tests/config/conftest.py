"""An installation of which parts are away."""

from collections.abc import Iterator

import pytest

from config.monitoring import heartbeat, readiness


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
    """The database is looked for at a port where nothing listens."""
    away = {**readiness.connection_parameters(), "port": 1}
    monkeypatch.setattr(readiness, "connection_parameters", lambda: away)
