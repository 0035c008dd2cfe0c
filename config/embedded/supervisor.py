"""Keeps the demo's processes running, restarts those that end, and stops all on Ctrl-C or SIGTERM.

Single-threaded on purpose: Linux ends the children when the thread that started them ends.
"""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from config.embedded import places, processes
from config.embedded.places import EmbeddedError
from config.embedded.processes import Daemon

LOOK_EVERY = 0.2
SHORT_LIFE = 5.0
FAILURES_ALLOWED = 5
# make passes on a SIGTERM that the terminal or a script may have sent to us as well: that is one wish, not two.
SAME_WISH = 1.0


class StopRequested(BaseException):
    """Ctrl-C was pressed or SIGTERM received."""


class Supervisor:
    """Daemons in the order of their start. Servers come first and are stopped last."""

    def __init__(self, *, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        self.say, self.changed = say, changed
        self.servers: list[Daemon] = []
        self.workers: list[Daemon] = []
        self.failures: dict[str, int] = {}
        self.started_at: dict[str, float] = {}
        self.stop_asked_at: float | None = None

    @property
    def daemons(self) -> list[Daemon]:
        return [*self.servers, *self.workers]

    def listen_for_stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup stays in force
                signal.signal(number, self._stop_asked)

    def _stop_asked(self, number: int, frame: FrameType | None) -> None:
        """The first wish ends everything in order; a second one, later, at once."""
        now = time.monotonic()
        if self.stop_asked_at is None:
            self.stop_asked_at = now
            raise StopRequested
        if now - self.stop_asked_at > SAME_WISH:
            self.kill()
            os._exit(1)

    def start_server(self, daemon: Daemon) -> None:
        self.servers.append(daemon)
        self._start(daemon)

    def start_worker(self, daemon: Daemon) -> None:
        self.workers.append(daemon)
        self._start(daemon)

    def _start(self, daemon: Daemon) -> None:
        self.started_at[daemon.name] = time.monotonic()
        daemon.start()

    def require_all(self) -> None:
        """Raise when one of the processes has ended: used while starting, when none may."""
        for daemon in self.daemons:
            if daemon.exit_code() is not None:
                raise EmbeddedError(f"{daemon.name} {daemon.how_it_ended()}. {processes.last_words(daemon.log)}")

    def watch(self) -> None:
        """Restart every process that ends, until a stop is requested."""
        while True:
            for daemon in self.daemons:
                if daemon.exit_code() is not None:
                    self._revive(daemon)
            time.sleep(LOOK_EVERY)

    def _revive(self, daemon: Daemon) -> None:
        lived = time.monotonic() - self.started_at[daemon.name]
        failures = self.failures[daemon.name] = self.failures.get(daemon.name, 0) + 1 if lived < SHORT_LIFE else 0
        ended = daemon.how_it_ended()
        if failures > FAILURES_ALLOWED:
            raise EmbeddedError(
                f"{daemon.name} {ended} {failures} times in a row, each time within {SHORT_LIFE:.0f} s. "
                f"{processes.last_words(daemon.log)}"
            )
        daemon.kill()  # its children may hold the port or the data still
        time.sleep(0 if failures == 0 else 0.25 * 2**failures)
        try:
            self._start(daemon)
        except EmbeddedError as error:
            self.say(f"{daemon.name} {ended} and did not start again: {error}")
            return
        self.say(f"{daemon.name} {ended}; started again as process {daemon.pid}")
        self.changed()

    def stop(self) -> None:
        """End everything: those who use the servers first, then the servers."""
        self.stop_asked_at = self.stop_asked_at or time.monotonic()
        for group in (self.workers, self.servers):
            for daemon in reversed(group):
                daemon.ask_to_stop()
            until = time.monotonic() + 12
            for daemon in reversed(group):
                daemon.wait(max(0.1, until - time.monotonic()))
                daemon.kill()
        end_leftovers(patience=0)

    def kill(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.kill()


def end_leftovers(*, patience: float) -> int:
    """End the demo's processes that an earlier, killed supervisor left."""
    return processes.end_leftovers(lambda: processes.marked(str(places.DATA)), patience=patience)
