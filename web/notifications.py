"""Notifications of PostgreSQL: a thread that listens on a channel through a connection of its own."""

import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from django.db import connection
from psycopg.sql import SQL, Identifier

log = structlog.get_logger(__name__)

# After so many seconds without a notification the listener checks that its connection is alive.
QUIET = 15.0


class Listener(threading.Thread):
    """Waits for NOTIFY on its own connection and calls back; reconnects by itself when the connection breaks."""

    def __init__(
        self,
        *,
        changed: Callable[[psycopg.Connection], None],
        connected: Callable[[bool], None],
        channel: str,
    ) -> None:
        super().__init__(name=f"{channel}-listener", daemon=True)
        self._changed, self._connected, self._channel = changed, connected, channel
        self._stopping = threading.Event()
        self._woken, self._wake = socket.socketpair()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("listener_down", channel=self._channel, error=str(error).strip())
            self._connected(False)
            self._stopping.wait(0.5)

    def _listen(self) -> None:
        with psycopg.connect(**connection_parameters(), autocommit=True) as own:
            own.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
            # Changes before the connection was up were not notified.
            self._changed(own)
            self._connected(True)
            while not self._stopping.is_set():
                if not select.select([own.fileno(), self._woken.fileno()], [], [], QUIET)[0]:
                    own.execute("SELECT 1")  # Detects a connection that died silently.
                if list(own.notifies(timeout=0)):
                    self._changed(own)

    def stop(self) -> None:
        self._stopping.set()
        self._wake.send(b"x")


def connection_parameters() -> dict[str, Any]:
    """The parameters for psycopg to connect as Django does, for connections outside Django's."""
    parameters = dict(connection.get_connection_params())
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding", "pool"):
        parameters.pop(name, None)
    return parameters
