"""The installation under test, on its own servers: durable PostgreSQL, Redis, and a temporary directory.

All of it is on the loopback address and ends with the run, also when that is interrupted.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

from config.embedded import environment, places, ports, postgresql, redis_server
from config.embedded.places import ROOT
from config.embedded.processes import Daemon

# As the demo and the operating guide run the web server: its Django part borrows connections from a pool.
WEB_POOL = "8"


class ProgramFailed(Exception):
    """A program of the benchmark failed; the text holds its output."""


class Installation:
    """Start with `with Installation() as site`; every process given to `start` stops with it."""

    def __init__(self) -> None:
        parent = places.server_home() / "bench"
        parent.mkdir(mode=0o711, exist_ok=True)
        parent.chmod(0o711)
        with (parent / "lock").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            _remove_stale(parent)
            # On the disk that the demo's database is on: a temporary file system in memory would make fsync free.
            self.home = Path(tempfile.mkdtemp(dir=parent, prefix="run-"))
            self.home.chmod(0o711)  # the servers may run as another account
            self._lock = (self.home / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.postgres = postgresql.Postgres(
            self.home,
            owner_password=secrets.token_hex(12),
            password=secrets.token_hex(12),
            log=self.home / "postgresql.log",
        )
        self.redis = redis_server.RedisServer(self.home, password=secrets.token_hex(12), log=self.home / "redis.log")
        self._daemons: list[Daemon] = []
        self.database = postgresql.DATABASE

    def __enter__(self) -> "Installation":
        try:
            self.start(self.redis)
            self.start(self.postgres)
            self._manage("migrate", "--verbosity", "0")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, daemon: Daemon) -> None:
        self._daemons.append(daemon)
        daemon.start()

    def stop(self, daemon: Daemon) -> None:
        self._daemons.remove(daemon)
        daemon.stop(5)

    def close(self) -> None:
        """Stop all processes, the last first, and remove the directory."""
        for daemon in reversed(self._daemons):
            daemon.stop(5)
        self._daemons.clear()
        self._lock.close()
        shutil.rmtree(self.home, ignore_errors=True)

    @contextmanager
    def own_database(self, name: str) -> Iterator[None]:
        """Work in a new, empty database; afterwards it goes, with the servers that were started meanwhile."""
        before = len(self._daemons)
        self.copy_database(name)
        self.database = name
        try:
            yield
        finally:
            for daemon in reversed(self._daemons[before:]):
                self.stop(daemon)
            self.drop_database(name)
            self.database = postgresql.DATABASE

    def url(self, database: str = "") -> str:
        return urlsplit(self.postgres.url)._replace(path=f"/{database or self.database}").geturl()

    def environment(self, database: str = "") -> dict[str, str]:
        """The environment of the project's programs."""
        return {
            **os.environ,
            **environment.checking_environment(),
            "DATABASE_URL": self.url(database),
            "REDIS_URL": self.redis.url,
            "BEAT_SCHEDULE_FILE": str(self.home / "beat"),
            "STATIC_ROOT": str(self.home / "static"),
            "SPOOL_DIR": str(self.home / f"spool-{database or self.database}"),
            "PYTHONPATH": str(ROOT),
        }

    def copy_database(self, name: str) -> None:
        """A copy of the current database."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        names = (name, self.database, postgresql.ROLE)
        self.as_owner(statement.format(*map(sql.Identifier, names)), database="postgres")

    def drop_database(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self.as_owner(statement, database="postgres")

    def query(self, statement: str, *parameters: object, database: str = "") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def execute(self, statement: str, *parameters: object, database: str = "") -> int:
        """Run a statement; return how many rows it changed."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).rowcount

    def as_owner(self, statement: "str | sql.Composed", *, database: str = "") -> None:
        """Run a statement that only the server's owner may run."""
        text = statement.encode() if isinstance(statement, str) else statement
        with psycopg.connect(
            host=ports.HOST, port=self.postgres.port, user=postgresql.OWNER,
            password=self.postgres.owner_password, dbname=database or self.database, autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute(text)

    def redis_version(self) -> str:
        with redis.Redis.from_url(self.redis.url) as client:
            return str(client.info("server")["redis_version"])

    def settle(self) -> None:
        """Write out data that earlier work left in memory, so that the next measurement does not pay for it."""
        self.as_owner("CHECKPOINT")

    def inside(
        self, program: str, *, progress: Callable[[str], None] = lambda text: None, **options: object
    ) -> dict[str, Any]:
        """Run one of `bench.inside` with these options; show its progress and return its result."""
        command = [sys.executable, "-m", f"bench.inside.{program}", json.dumps(options)]
        with (
            (self.home / f"{program}.log").open("w+") as log,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=self.environment()
            ) as process,
        ):
            assert process.stdout
            try:
                found = _follow(process.stdout, progress)
            except BaseException:
                process.kill()
                raise
            if process.wait() or found is None:
                log.seek(0)
                raise ProgramFailed(f"{program} ended with {process.returncode}:\n{log.read()[-4000:]}")
        return found

    def _manage(self, *command: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ProgramFailed(f"manage.py {command[0]} ended with {done.returncode}:\n{done.stderr[-4000:]}")


def _follow(lines: Any, progress: Callable[[str], None]) -> dict[str, Any] | None:
    """Read a program's lines: its progress, and at the end its result."""
    found = None
    for line in lines:
        answer = json.loads(line)
        if set(answer) == {"progress"}:
            progress(answer["progress"])
        else:
            found = answer
    return found


def _remove_stale(parent: Path) -> None:
    """Remove the directories of killed runs, whose lock is free."""
    for left in parent.glob("run-*"):
        try:
            with (left / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue
