"""A whole installation of its own: PostgreSQL with its safeties on, Redis, web, worker, beat. Parts can be killed."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from config.embedded import places, postgresql, redis_server
from config.embedded.processes import Daemon
from tests.servers import ROOT, Web, celery


class Installation:
    """Start with `with Installation(tmp_path) as it`; `kill` a part, and `revive` it as an operator would."""

    def __init__(self, home: Path) -> None:
        # Outside of pytest's own folders: the servers may run as another account.
        self.home = places.server_home() / "tests" / f"faults-{os.getpid()}-{secrets.token_hex(3)}"
        self.home.mkdir(mode=0o711, parents=True)
        self.home.chmod(0o711)
        self.logs = home
        self.postgres = postgresql.Postgres(
            self.home, owner_password=secrets.token_hex(8), password=secrets.token_hex(8), log=home / "postgresql.log"
        )
        self.redis = redis_server.RedisServer(self.home, password=secrets.token_hex(8), log=home / "redis.log")
        self.parts: dict[str, Any] = {"database": self.postgres, "redis": self.redis}

    def __enter__(self) -> "Installation":
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self) -> None:
        self.postgres.start()
        self.redis.start()
        self.env = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "BEAT_SCHEDULE_FILE": str(self.logs / "beat-schedule"),
        }
        self.manage("migrate")
        self.web = Web(log=self.logs / "web.log", env=self.env)
        self.worker = celery("worker", "-c", "2", log=self.logs / "worker.log", env=self.env)
        self.beat = celery("beat", log=self.logs / "beat.log", env=self.env)
        for name, part in (("worker", self.worker), ("beat", self.beat), ("web", self.web)):
            self.parts[name] = part
            part.start()

    def manage(self, *command: str) -> str:
        """Run a management command against this installation; its output, or its failure raised."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT, env={**os.environ, **self.env}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kill(self, name: str) -> None:
        """`kill -9` of a part with all of its processes."""
        self.daemon(name).kill()

    def kill_main_process(self, name: str) -> None:
        os.kill(self.daemon(name).pid or 0, signal.SIGKILL)

    def revive(self, name: str) -> None:
        self.daemon(name).kill()
        self.parts[name].start()

    def daemon(self, name: str) -> Daemon:
        part = self.parts[name]
        return part.daemon if isinstance(part, Web) else part

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def until(self, condition: Callable[[], bool], *, what: str, patience: float = 60) -> None:
        """Wait for something that other processes bring about; the limit only ends a test that has failed."""
        end = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < end, f"waited {patience} s in vain for: {what}"
            time.sleep(0.1)

    def __exit__(self, *failure: "type[BaseException] | BaseException | TracebackType | None") -> None:
        for name in reversed(self.parts):
            self.daemon(name).stop(5)
        subprocess.run(["rm", "-rf", self.home], check=False)
